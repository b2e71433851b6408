"""The phantom of a profile, written where it is wanted and not there yet."""

import json
from collections.abc import Mapping
from pathlib import Path


def write_missing_phantom(folder: Path | None, items: Mapping[str, int], *, device: str, progress: bool = True) -> None:
    """Writes a phantom into its folder unless it is there already; None: no phantom is needed.

    items: as `write_phantom` takes them. Two processes that want it: one waits.
    """
    if folder is None:
        return
    from echolib.phantom.writers.datasets import all_items, phantom_lock, write_under_lock  # torch, from here on

    folder.parent.mkdir(parents=True, exist_ok=True)
    with phantom_lock(folder):
        device = _written_on(folder, all_items(items)) or device
        write_under_lock(folder, items, device=device, progress=progress)


def _written_on(folder: Path, items: Mapping[str, int]) -> str | None:
    """The kind of device a phantom of these items was written on; another one would give slightly other pixels."""
    try:
        description = json.loads((folder / "phantom.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return description.get("device") if description.get("items") == items and description.get("seed") == 0 else None
