"""Rules that cross kinds: one file each, every one a function from an environment's objects to findings."""
