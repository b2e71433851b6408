"""A folder a paper: its settings with their source, its experiments, tables, figures and published numbers; beside them
what papers share."""
