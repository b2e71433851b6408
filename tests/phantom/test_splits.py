"""Who trains, who validates and who tests."""

from collections import Counter

import numpy as np
import pytest

from echolib.phantom.splits import USUAL, assign_splits, expected_training, shares_of

LARGE_TEST = shares_of("echonet_dynamic")


@pytest.mark.parametrize(
    ("count", "shares", "expected"),
    [
        (2560, LARGE_TEST, (1440, 160, 960)),
        (24, LARGE_TEST, (13, 2, 9)),
        (15, LARGE_TEST, (9, 1, 5)),
        (4, LARGE_TEST, (2, 1, 1)),
        (3, LARGE_TEST, (1, 1, 1)),
        (160, USUAL, (120, 20, 20)),
        (60, USUAL, (44, 8, 8)),
        (8, USUAL, (6, 1, 1)),
        (0, USUAL, (0, 0, 0)),
    ],
)
def test_the_shares_are_kept_and_no_split_is_empty(count, shares, expected):
    rng = np.random.default_rng(0)
    splits = Counter(assign_splits(rng, rng.random(count), shares=shares))
    assert (splits["TRAIN"], splits["VAL"], splits["TEST"]) == expected
    dataset = "echonet_dynamic" if shares == LARGE_TEST else "camus"
    assert expected_training(dataset, count) == expected[0]


def test_the_splits_hold_the_same_population():
    rng = np.random.default_rng(1)
    values = rng.normal(55, 12, 1600)
    splits = np.array(assign_splits(rng, values, ("a", "longer", "c"), LARGE_TEST))
    means = [values[splits == name].mean() for name in ("a", "longer", "c")]
    order = np.argsort(values)
    for start in range(0, 1600, 16):
        assert Counter(splits[order[start : start + 16]]) == {"a": 9, "longer": 1, "c": 6}
    assert np.ptp(means) < 0.3


def test_two_items_belong_to_two_splits():
    assert len(set(assign_splits(np.random.default_rng(0), np.array([1.0, 2.0])))) == 2
