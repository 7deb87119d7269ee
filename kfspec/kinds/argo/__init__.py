"""Kinds of Argo Workflows."""
