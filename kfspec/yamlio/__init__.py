"""YAML in and out: reading with marks, canonical writing."""
