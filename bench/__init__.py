"""Side-by-side measurements: kfspec and its peers in the same run, as ratios."""
