"""Trainer's kinds."""
