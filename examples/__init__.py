"""One folder per use case, and the demo."""
