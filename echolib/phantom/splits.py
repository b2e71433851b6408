"""How the items of a simulated dataset are split: the shares, and who belongs to which."""

from collections.abc import Sequence

import numpy as np

USUAL = (6, 1, 1)  # training, validation, test
# EchoNet-Dynamic's test split is large: what tells methods apart on it are the few failing hearts among many videos.
SHARES = {"echonet_dynamic": (9, 1, 6)}


def shares_of(dataset: str) -> tuple[int, ...]:
    """The shares of training, validation and test of a simulated dataset."""
    return SHARES.get(dataset, USUAL)


def expected_training(dataset: str, count: int) -> int:
    """How many of a simulated dataset's items train."""
    block = sum(shares_of(dataset))
    left = _counts(count % block, shares_of(dataset))[0] if count % block >= len(shares_of(dataset)) else 0
    return count // block * shares_of(dataset)[0] + left


def assign_splits(
    rng: np.random.Generator, by: np.ndarray, names: Sequence[str] = ("TRAIN", "VAL", "TEST"), shares=USUAL
) -> list[str]:
    """The split of each item, in these shares: of every 6 + 1 + 1 neighbours in the order of `by` (N,) six train, so
    that the splits of small phantoms hold the same population; from three items on none is empty."""
    block, splits = sum(shares), np.empty(len(by), dtype=np.array(names).dtype)
    order = np.argsort(by, kind="stable")
    for start in range(0, len(by), block):
        part = order[start : start + block]
        splits[part] = rng.permutation(np.repeat(names, _counts(len(part), shares)))[: len(part)]
    return splits.tolist()


def _counts(count: int, shares: Sequence[int]) -> list[int]:
    """Whole numbers in these shares, none of them 0; they add up to count, if that is at least as many as there are
    shares."""
    counts = [max(1, count * share // sum(shares)) for share in shares]
    counts[0] = max(1, count - sum(counts[1:]))
    return counts
