"""Servers that play Kubeflow Pipelines and Model Registry, held to the OpenAPI documents that upstream publishes.

They are contract tests: every request and every response is checked against the document of the version that is played, and
the behaviour beyond the documents is what reading upstream's source told. No real server of either component was run.
"""
