"""Two methods on the same test items: their difference, its interval over items and seeds, its verdict on a claim.

Figures of a method vary because other items (patients) could have been tested, and because another seed trains another
network. An interval of items alone shrinks round the luck of one seed, and calls two seeds of one method different: a
verdict that a rerun repeats needs both.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import nct, norm, t

from echolib.metrics.bootstrap import bootstrap_distribution, check_level
from echolib.metrics.variance import error_of_means
from echolib.shapes import ItemGroups, ItemVector, SeedScores, SeedValues

Expected = Literal["lower", "higher", "equal", "not lower", "not higher"]
POWER = 0.80  # of the smallest difference that is found
ONE_SEED = "not testable: one seed"


class Difference(NamedTuple):
    """Statistic of the second method minus that of the first, in the statistic's unit, with its interval.

    p_value: two-sided, of no difference; items, people: how many items, of how many patients; seeds: how many of either
    method: where one of them has 1, interval and p-value hold items alone; standard_error, freedom (degrees of
    freedom): of the t distribution that both come from; item_error: standard error over items alone; level: coverage
    of the interval; correlation: of the two methods' statistics over common seeds, near 1 where common seeds buy much
    (NaN where seeds are not common, fewer than 3, or all alike).
    """

    estimate: float
    low: float
    high: float
    p_value: float
    items: int
    people: int
    seeds: tuple[int, int]
    standard_error: float
    freedom: float
    item_error: float
    level: float
    correlation: float

    def at_level(self, level: float) -> "Difference":
        """The same difference with an interval of another coverage."""
        half = float(self.standard_error * t.ppf((1 + level) / 2, self.freedom))
        return self._replace(low=self.estimate - half, high=self.estimate + half, level=level)

    @property
    def smallest(self) -> float:
        """The smallest true difference that as many items and seeds would find with 80 % power at the same level.

        By the noncentral t distribution, with the standard error at hand taken for the true one: as few seeds as three
        know that to a factor of two. NaN where a method has one seed: no difference is found then.
        """
        if min(self.seeds) < 2 or not np.isfinite(self.standard_error):
            return np.nan
        return self.standard_error * _noncentrality(self.freedom, self.level) if self.standard_error else 0.0

    def smallest_of(self, people: int) -> float:
        """The smallest true difference that a test of one network each on so many people would find with 80 % power,
        were its items as varied as these: seeds, which would add to it, left out."""
        shift = norm.ppf((1 + self.level) / 2) + norm.ppf(POWER)  # in standard errors
        return float(self.item_error * np.sqrt(self.people / people) * shift)

    def verdict(self, expected: Expected, margin: float | None = None) -> str:
        """What the difference says of the claim that the second method's statistic is the lower, higher, ... one.

        Of "lower" and "higher", in this order: "not testable: one seed"; "supported" where the whole interval lies on
        the expected side of zero; "opposite" where it lies on the other; "equivalent" where it lies within +-margin;
        "open". Such a claim states a direction and no size, so that an interval without zero decides it, however small
        the difference, whose size stands beside; "equivalent" is said of an interval that holds zero and nothing that
        matters. A 95 % interval within the margin is two one-sided tests at 2.5 % (Schuirmann, J. Pharmacokin.
        Biopharm. 15, 1987).

        Of "equal" (within +-margin), "not lower" (above -margin) and "not higher" (below margin): "supported" where the
        whole interval lies there, "opposite" where it lies wholly elsewhere, else "open".

        margin: the largest difference that matters to nobody, stated before the results are seen; None: there is none,
        and nothing is equivalent. Raises ValueError for another `expected`, a margin that is not above 0, and none
        where the claim needs one.
        """
        if margin is not None and not margin > 0:
            raise ValueError(f"a margin is above 0, got {margin}")
        if expected not in ("lower", "higher"):
            low, high = _bounds(expected, margin)
            inside, outside = low <= self.low and self.high <= high, self.high < low or self.low > high
            decided = "supported" if inside else "opposite" if outside else "open"
        elif self.low > 0 or self.high < 0:
            decided = "supported" if (self.high < 0) == (expected == "lower") else "opposite"
        else:
            within = margin is not None and -margin <= self.low <= self.high <= margin
            decided = "equivalent" if within else "open"
        return ONE_SEED if min(self.seeds) < 2 else decided


def _bounds(expected: str, margin: float | None) -> tuple[float, float]:
    """Between which differences a claim of near equality holds."""
    if expected not in ("equal", "not lower", "not higher"):
        raise ValueError(f"expected is one of {', '.join(get_args(Expected))}, got {expected!r}")
    if margin is None:
        raise ValueError(f"{expected!r} is said within a margin: give one")
    return -np.inf if expected == "not higher" else -margin, np.inf if expected == "not lower" else margin


def paired_difference(
    statistic: Callable,
    label: ItemVector,
    first: SeedValues,
    second: SeedValues,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    groups: ItemGroups | None = None,
) -> Difference:
    """How a statistic differs between two methods on the same test items, second minus first, averaged over seeds.

    Equal numbers of seeds are the same seeds in the same order (common random numbers), and their differences are what
    varies; unequal numbers are independent seeds. The difference's variance is that over items, by a bootstrap of items
    or whole patients that is one for both methods and all seeds, plus that over seeds, less what both count (items
    within seeds), and never less than either. The interval is Student's, with the degrees of freedom of Satterthwaite
    (Biometrics Bulletin 2(6), 1946) and Welch (Biometrika 34, 1947), lowered because few seeds know little of their own
    variance. With one seed of a method it holds items alone.

    Parameters
    ----------
    statistic : statistic(label, prediction) that reduces the last axis and broadcasts over the others.
    label : (items,).
    first, second : predictions (items,) or (seeds, items), in the same order of items.
    resamples, seed : how many resamples of the items, and the seed that they are drawn from.
    level : coverage of the interval.
    groups : (items,) patient of each item: whole patients are drawn, with all their items. None: items are drawn.

    Returns
    -------
    Difference in the statistic's unit. Resamples in which the statistic is undefined (NaN) for a seed are left out; NaN
    where it is undefined for the items themselves, or where all belong to one patient.

    Raises
    ------
    ValueError : label, predictions and groups differ in their items or have none, or `level` is no coverage.
    """
    check_level(level)
    label, (one, two) = np.asarray(label), (np.atleast_2d(np.asarray(method)) for method in (first, second))
    seeds = len(one), len(two)

    def scores(label: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.concatenate([statistic(label, one), statistic(label, two)], dtype=np.float64)

    drawn = bootstrap_distribution(scores, label, one, two, resamples=resamples, seed=seed, groups=groups)
    found = scores(label, one, two)
    estimate = float(found[len(one) :].mean() - found[: len(one)].mean())
    people = label.shape[-1] if groups is None else len(np.unique(groups))
    error = error_of_means(_varying(found, seeds), _varying(drawn, seeds), people)
    correlation = _correlation(found[: len(one)], found[len(one) :])
    half = float(error.standard * t.ppf((1 + level) / 2, error.freedom))
    # without any variance whatever differs is different
    p_value = float(2 * t.sf(abs(estimate) / error.standard, error.freedom)) if error.standard else float(estimate == 0)
    counts = label.shape[-1], people, seeds
    return Difference(estimate, estimate - half, estimate + half, p_value, *counts, *error, level, correlation)


def _varying(scores: SeedScores, seeds: tuple[int, int]) -> list[SeedScores]:
    """What varies with the seed, and whose means sum to the difference: each common seed's, or either method's own."""
    one, two = scores[: seeds[0]], scores[seeds[0] :]
    return [two - one] if seeds[0] == seeds[1] else [-one, two]


def _correlation(one: SeedScores, two: SeedScores) -> float:
    if len(one) != len(two) or len(one) < 3 or not one.std() or not two.std():
        return np.nan
    return float(np.corrcoef(one, two)[0, 1])


def _noncentrality(freedom: float, level: float) -> float:
    """The true difference, in standard errors, that a two-sided t test finds with a power of `POWER`."""
    end = float(t.ppf((1 + level) / 2, freedom))
    # the far side of zero adds less than 1e-6
    found = root_scalar(lambda true: nct.sf(end, freedom, true) - POWER, bracket=(0, 2 * end + 10))
    return float(found.root)
