"""Server-side apply: what kfspec knows of it, beside the real API server."""
