"""Sync against the contract servers: no real server of Kubeflow Pipelines or Model Registry was run."""
