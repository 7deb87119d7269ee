"""What cuts `kfspec apply` off, at each of its requests, and what has to be true after it was run again."""
