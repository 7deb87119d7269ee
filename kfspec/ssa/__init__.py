"""Server-side apply, known without a server: how objects merge, who owns what, what a dry run would say.

`types` says how each place of an object merges, `fieldsets` what `managedFields` records of it and when an apply would change
nothing, `merging` the algorithms on values, `prediction` the whole answer. Tests hold all of it to a real API server.
"""
