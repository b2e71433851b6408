"""The datasets there are: every module in `data/readers` is one, and ends with its entry."""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from echolib.data.errors import DataError

if TYPE_CHECKING:
    from echolib.data.dataset_entry import DatasetEntry

READERS = "echolib.data.readers"


def dataset_names() -> tuple[str, ...]:
    """The names of all datasets, in alphabetical order; no reader is imported."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(import_module(READERS).__path__)))


def entry(name: str) -> "DatasetEntry":
    """The entry of a dataset. Raises DataError naming the known ones where there is none of that name."""
    if name not in dataset_names():
        raise DataError(f"no dataset {name!r}: one of {', '.join(dataset_names())}")
    return import_module(f"{READERS}.{name}").ENTRY
