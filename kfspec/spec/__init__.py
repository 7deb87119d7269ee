"""The spec's typed form: base types and the settings that stand beside the blocks."""
