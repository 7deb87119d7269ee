"""The source of a pipeline, which only somebody who may run it can compile."""
