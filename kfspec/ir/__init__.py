"""Compiled KFP v2 pipelines: read, checked, asked for their parameters, and told apart.

`package` reads a package (the pipeline spec, and the platform spec beside it), `checking` says what is wrong with it,
`arguments` what a run or a schedule may give it, `identity` what makes one version another, `cron` when a schedule starts.
"""
