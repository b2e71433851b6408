"""Independent pieces of work, side by side."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from tqdm import tqdm

from echolib.phantom.scanner.speckle import SpeckleBank


def in_threads(work: Callable[[int], object], count: int, bank: SpeckleBank, title: str = "") -> list:
    """work(0) .. work(count - 1), a piece a thread, with a progress bar where a title is given.

    On a CPU every thread computes alone: a piece is too small to be shared, and the result cannot depend on the number
    of threads.
    """
    threads = torch.get_num_threads()
    alone = {"initializer": torch.set_num_threads, "initargs": (1,)} if bank.device.type == "cpu" else {}
    try:
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 16), **alone) as pool:
            return list(tqdm(pool.map(work, range(count)), title, count, disable=not title))
    finally:
        torch.set_num_threads(threads)
