"""Another release of the platform for a spec: what that breaks, what it changes, and what can be rewritten."""
