"""What feeds what in a project, across its environments: a graph read off what `prepare` made, never off the files again."""
