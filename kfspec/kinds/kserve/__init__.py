"""What the kinds of KServe share."""
