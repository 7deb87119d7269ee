"""Kinds of Kubeflow Pipelines."""
