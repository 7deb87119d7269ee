"""A Plan to text: for terminals, machines, pull requests and browsers, over the same value.

`words` says everything once, `lines` shows values; the views lay out and escape.
"""
