"""Tensorboards, and the viewers of volumes: kinds of kubeflow/kubeflow beside notebooks, profiles and pod defaults."""
