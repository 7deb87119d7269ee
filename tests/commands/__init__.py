"""The commands that look at a cluster, as a user types them, against a real API server."""
