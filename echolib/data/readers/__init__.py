"""One module per dataset: its folder read as tidy tables, every fault of it in one error, and its entry."""

from echolib.data.registry import dataset_names, entry

__all__ = ["dataset_names", "entry"]
