"""The Spark operator's kinds."""
