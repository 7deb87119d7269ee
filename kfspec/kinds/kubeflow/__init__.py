"""Kinds of kubeflow/kubeflow that have no block of their own."""
