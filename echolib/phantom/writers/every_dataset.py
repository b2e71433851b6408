"""Every simulated dataset and the truth beside them, written into an empty folder.

A writer is a module with four names. FOLDERS: what to make before anything is written; draw_cohort(seed, count): the
population; write_item(folder, cohort, index, seed, bank): one video or patient, returns its rows of the tables;
write_tables(folder, truth, rows): the tables of the dataset, and in the folder `truth` what only a simulation knows.
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import torch

from echolib.data.checksums import write_checksums
from echolib.data.registry import entry
from echolib.phantom.parallel import map_in_threads
from echolib.phantom.scanner.speckle import speckle_bank


def write_every_dataset(root: Path, items: Mapping[str, int], *, seed: int, progress: bool) -> None:
    """Writes a folder per dataset, named by its title, and truth/, each with its SHA256SUMS; items: dataset -> number
    of its videos or patients."""
    bank = speckle_bank(torch.Generator().manual_seed(seed))
    truth = root / "truth"
    truth.mkdir()
    for dataset, count in items.items():
        if count:
            title, writer = entry(dataset).title, import_module(entry(dataset).phantom)
            for name in writer.FOLDERS:
                (root / title / name).mkdir(parents=True)
            cohort = writer.draw_cohort(seed, count)
            work = partial(writer.write_item, root / title, cohort, seed=seed, bank=bank)
            rows = map_in_threads(work, count, bank.device, f"phantom: {title}" if progress else "")
            writer.write_tables(root / title, truth, rows)
            write_checksums(root / title)
    if any(truth.iterdir()):  # a dataset of one's own may have no truth to tell
        write_checksums(truth)
