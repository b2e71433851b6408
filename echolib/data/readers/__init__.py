"""One module a dataset: its folder read as tidy tables, every fault of it in one error."""
