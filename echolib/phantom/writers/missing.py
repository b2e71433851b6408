"""The phantom of a profile, written where it is wanted and not there yet."""

from collections.abc import Mapping
from pathlib import Path


def write_missing_phantom(folder: Path | None, items: Mapping[str, int], *, progress: bool = True) -> None:
    """Writes a phantom into its folder unless it is there already; None: no phantom is needed.

    items: as `write_phantom` takes them. Two processes that want it: one waits.
    """
    if folder is not None:
        from echolib.phantom.writers.datasets import write_phantom  # torch, from here on

        write_phantom(folder, items, progress=progress)
