"""`kfspec sync`: the loop for what has only a REST API, Kubeflow Pipelines in database mode and Model Registry.

`payload` reads what the compiler emitted, `pipelines` and `models` plan (pure functions from desired and actual to steps),
`kfp_service` and `registry_service` read and write through the components' own Python clients, `engine` goes round until
nothing is left to do.

Every round begins with a look: a step that failed, or whose answer got lost, is never simply sent again, because a second POST
makes a second recurring run. So a run that died anywhere is healed by the next, and two at once settle on the same; but a run of
a pipeline cannot be taken back, so in the cluster a `lease` keeps them apart.
"""
