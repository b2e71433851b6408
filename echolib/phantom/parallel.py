"""Independent pieces of work in threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from tqdm import tqdm


def map_in_threads(work: Callable[[int], object], count: int, device: torch.device, title: str = "") -> list:
    """[work(0), ..., work(count - 1)], one thread per piece, with a progress bar where a title is given.

    On a CPU every thread computes with one core: a piece is too small to be shared, and the result cannot depend on the
    number of threads.
    """
    threads = torch.get_num_threads()
    one_core: dict[str, Any] = {"initializer": torch.set_num_threads, "initargs": (1,)} if device.type == "cpu" else {}
    try:
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 16), **one_core) as pool:
            return list(tqdm(pool.map(work, range(count)), title, count, disable=not title))
    finally:
        torch.set_num_threads(threads)
