"""Kubernetes' own kinds, as far as projects have them."""
