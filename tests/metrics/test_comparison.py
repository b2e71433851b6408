"""Comparisons of two methods: closed forms, how often nothing is called different, and how often an effect is found."""

import numpy as np
import pytest
from scipy.stats import binom, chi2, t, ttest_ind, ttest_rel

from echolib.metrics import bootstrap_interval, mae, paired_difference, r2
from echolib.metrics.comparison import ONE_SEED, POWER, Difference


def mean(label, value):
    return value.mean(axis=-1)


def compare(first, second, statistic=mean, label=None, **options) -> Difference:
    label = np.zeros(np.shape(first)[-1]) if label is None else label
    return paired_difference(statistic, label, first, second, **{"resamples": 400} | options)


@pytest.fixture
def sample():
    rng = np.random.default_rng(1)
    label = rng.normal(55, 12, 400)
    return label, label + rng.normal(0, 5, 400)


@pytest.fixture
def methods():
    """Errors of 60 videos by two methods, three common seeds each."""
    return errors(np.random.default_rng(3), seeds=3, items=60, seed_sd=0.5)


# --- how often: errors of videos with the variances that trainings were measured to have ------------------------------

DIFFERENCE_SD = 3.0  # EF points; of the difference of a video between methods: 2.6 to 3.4
COMMON = 0.5  # correlation of two methods' seeds
OF_METHOD = 0.5  # share of that variance that a method's seeds have in common


def errors(rng: np.random.Generator, *, seeds: int, items: int, seed_sd: float, common=COMMON, of_method=OF_METHOD):
    """(2, seeds, items) errors of two methods between which there is nothing.

    A video is as difficult for both methods and all seeds, and a little easier for one of them; a seed moves all videos
    of a method, and both methods alike in part; what is left scatters by itself.
    """
    difficulty = rng.gamma(1.5, 5.5 / 1.5, items)
    shared, own = rng.normal(0, seed_sd, seeds), rng.normal(0, seed_sd, (2, seeds))
    bias = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    methods, scatter = rng.normal(size=(2, 1, items)), rng.normal(size=(2, seeds, items))
    left = DIFFERENCE_SD * (np.sqrt(of_method) * methods + np.sqrt(1 - of_method) * scatter) / np.sqrt(2)
    return difficulty + bias[..., None] + left


# A comparison that calls 5 % different calls more than 7 % of 400 trials (80 items; SD 1.1 %) with a chance of 3 %, of
# 150 (1,000 items; 1.8 %) with 13 %; one that calls 12 % passes with 1e-3 and 2 %. The draws are fixed.
TRIALS = {80: 400, 1000: 150}


@pytest.fixture(scope="module", params=[(0.73, 3), (0.73, 5), (0.2, 3), (0.2, 5)], ids=str)
def seeds_of_a_kind(request):
    return request.param


@pytest.fixture(scope="module", params=[80, 1000], ids="{} items".format)
def without_effect(request, seeds_of_a_kind) -> list[Difference]:
    """Comparisons of methods that do not differ."""
    (seed_sd, seeds), items = seeds_of_a_kind, request.param
    rng = np.random.default_rng(2)
    pairs = (errors(rng, seeds=seeds, items=items, seed_sd=seed_sd) for _ in range(TRIALS[items]))
    return [compare(*pair, resamples=100, seed=trial) for trial, pair in enumerate(pairs)]


def test_what_does_not_differ_is_rarely_called_different(without_effect):
    called = [difference.verdict("lower") != "open" for difference in without_effect]
    assert np.mean(called) <= 0.07


def test_the_smallest_difference_is_found_with_its_power(without_effect):
    """An effect moves a mean and nothing else, so that the same trials serve with it added."""
    of = {name: np.array([getattr(trial, name) for trial in without_effect]) for name in Difference._fields}
    known = {"standard_error": np.sqrt(np.mean(of["standard_error"] ** 2)), "freedom": np.median(of["freedom"])}
    smallest = without_effect[0]._replace(**known).smallest
    found = np.mean(of["low"] + smallest > 0)
    # 99.8 % of the binomial, and 6 points for degrees of freedom that are estimated
    low, high = binom.ppf([0.001, 0.999], len(without_effect), POWER) / len(without_effect)
    assert low - 0.06 < found < high + 0.06


# --- closed forms ----------------------------------------------------------------------------------------------------


def test_without_seeds_effects_the_items_are_a_t_test():
    """Seeds that predict the same: what is left is the paired t test over items."""
    first, second = np.random.default_rng(0).normal(0, 2, (2, 200))
    found = compare(np.tile(first, (3, 1)), np.tile(second, (3, 1)), resamples=20_000)
    expected = ttest_rel(second, first)
    assert found.standard_error**2 == pytest.approx(np.var(second - first, ddof=1) / 200, rel=0.04)  # 4 SD of a draw
    assert found.freedom == pytest.approx(199) and found.p_value == pytest.approx(expected.pvalue, abs=0.02)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.02)


def test_without_items_effects_seeds_are_a_t_test():
    """Items that are all alike: what is left is the paired t test over seeds, or Welch's where seeds are not common."""
    first, second = np.random.default_rng(0).normal(0, 2, (2, 5))
    found = compare(np.tile(first[:, None], 30), np.tile(second[:, None], 30))
    expected = ttest_rel(second, first)
    assert (found.freedom, found.p_value) == pytest.approx((4, expected.pvalue))
    found = compare(np.tile(first[:3, None], 30), np.tile(second[:, None], 30))
    expected = ttest_ind(second, first[:3], equal_var=False)
    assert (found.freedom, found.p_value) == pytest.approx((expected.df, expected.pvalue))
    assert found.seeds == (3, 5) and np.isnan(found.correlation)


def test_items_within_seeds_are_counted_once(methods):
    """The variance of a two-way table: items, and seeds, less what is left of either (mean squares by hand)."""
    values = methods[1] - methods[0] + np.random.default_rng(0).normal(0, 3, 60) + np.array([[-2], [0], [2]])
    seeds, items = values.shape
    left = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    squares = {
        "items": seeds * np.var(values.mean(0), ddof=1),
        "seeds": items * np.var(values.mean(1), ddof=1),
        "left": (left**2).sum() / (seeds - 1) / (items - 1),
    }
    expected = (squares["items"] + squares["seeds"] - squares["left"]) / (seeds * items)
    found = compare(np.zeros_like(values), values, resamples=20_000)
    assert found.standard_error**2 == pytest.approx(expected, rel=0.03)
    upper = squares["seeds"] * 2 / chi2.ppf(0.25, 2)  # what the seeds' mean square may well be
    terms = [squares["items"] ** 2 / 59, upper**2 / 2, squares["left"] ** 2 / 118]
    assert found.freedom == pytest.approx((squares["items"] + upper - squares["left"]) ** 2 / sum(terms), rel=0.05)


def test_the_variance_is_never_below_that_of_a_part():
    """Seeds closer to each other than their items allow: chance, not knowledge."""
    first = np.random.default_rng(0).normal(0, 1, (2, 3, 50))
    first -= first.mean(axis=-1, keepdims=True)
    found = compare(*first, resamples=5000)
    of_items = np.var((first[1] - first[0]).mean(axis=0), ddof=1) / 50
    assert found.standard_error**2 == pytest.approx(of_items, rel=0.1)


def test_exchanged_methods_change_the_sign(methods):
    one, two = compare(*methods), compare(*methods[::-1])
    assert (one.estimate, one.low, one.high) == pytest.approx((-two.estimate, -two.high, -two.low))
    assert one.p_value == pytest.approx(two.p_value) and one.smallest == pytest.approx(two.smallest)
    assert one.correlation == pytest.approx(two.correlation)
    apart = compare(methods[0, :2], methods[1]), compare(methods[1], methods[0, :2])
    assert apart[0].low == pytest.approx(-apart[1].high)


def test_the_order_of_seeds_and_items_says_nothing(methods):
    found = compare(*methods, resamples=10_000)
    seeds = compare(*methods[:, [2, 0, 1]], resamples=10_000)
    assert seeds[:4] == pytest.approx(found[:4]) and seeds.correlation == pytest.approx(found.correlation)
    items = compare(*methods[..., np.random.default_rng(0).permutation(60)], resamples=10_000)
    assert items[:3] == pytest.approx(found[:3], abs=0.03)  # other resamples


def test_common_seeds_buy_what_methods_share():
    rng = np.random.default_rng(4)
    first, second = errors(rng, seeds=6, items=500, seed_sd=2.0, common=0.98)
    common, apart = compare(first, second), compare(first, second[:5])
    assert common.correlation > 0.9 and common.standard_error < apart.standard_error / 2
    assert common.smallest < apart.smallest / 2


# --- what belongs to a comparison -------------------------------------------------------------------------------------


def test_paired_difference_finds_what_unpaired_intervals_hide(sample):
    label, first = sample
    second = label + 0.93 * (first - label)  # each error 7 % smaller
    difference = compare(np.stack([first, first + 0.1]), np.stack([second, second + 0.1]), mae, label)
    assert difference.estimate == pytest.approx(-0.07 * mae(label, first), rel=0.02)
    assert difference.low < difference.estimate < difference.high < 0
    assert difference.p_value < 1e-6 and difference.items == 400 and difference.seeds == (2, 2)
    assert difference.verdict("lower") == "supported" and difference.verdict("higher") == "opposite"
    one, two = (bootstrap_interval(mae, label, prediction, level=0.95) for prediction in (first, second))
    assert two.high > one.low  # the intervals of the two overlap


def test_equal_methods_are_equivalent(sample):
    label, first = sample
    methods = np.stack([first, label - (first - label)])  # the same absolute errors
    difference = compare(methods, methods, mae, label)
    assert difference[:3] == (0, 0, 0) and difference.p_value == 1 and difference.smallest == 0
    assert difference.verdict("lower") == "open"
    assert difference.verdict("lower", 0.5) == difference.verdict("higher", 0.5) == "equivalent"


def test_items_that_all_differ_alike_are_certain():
    difference = compare(np.zeros((2, 5)), np.ones((2, 5)))
    assert difference[:4] == (1, 1, 1, 0) and difference.verdict("higher") == "supported"


@pytest.mark.parametrize(
    ("ends", "margin", "verdict"),
    [
        ((-1.0, -0.1), None, "supported"),
        ((0.1, 1.0), None, "opposite"),
        ((-0.3, 0.2), None, "open"),
        ((-0.3, 0.2), 0.5, "equivalent"),
        ((-0.3, 0.2), 0.25, "open"),
        ((-0.3, 0.6), 0.5, "open"),
        ((-0.3, -0.1), 0.5, "supported"),  # a direction is decided, however little it matters
        ((0.1, 0.3), 0.5, "opposite"),
        ((np.nan, np.nan), 0.5, "open"),
    ],
)
def test_verdicts(methods, ends, margin, verdict):
    difference = compare(*methods)._replace(low=ends[0], high=ends[1])
    assert difference.verdict("lower", margin) == verdict
    other = {"supported": "opposite", "opposite": "supported"}
    assert difference.verdict("higher", margin) == other.get(verdict, verdict)
    for seeds in ((1, 1), (1, 3), (3, 1)):
        assert difference._replace(seeds=seeds).verdict("lower", margin) == ONE_SEED


def test_one_seed_holds_items_alone(sample):
    label, first = sample
    rng = np.random.default_rng(7)
    seeds = label + np.array([-3.0, 0.0, 3.0])[:, None] + rng.normal(0, 1, (3, 400))  # biased apart
    alone, several = (compare(first, second, mae, label, resamples=5000) for second in (seeds[1], seeds))
    assert (alone.seeds, several.seeds) == ((1, 1), (1, 3)) and alone.freedom == several.freedom == 399
    assert np.isnan(alone.smallest) and np.isnan(several.smallest) and np.isnan(alone.correlation)
    by_item = abs(seeds - label).mean(axis=0) - abs(first - label)
    assert several.standard_error == pytest.approx(by_item.std(ddof=1) / 20, rel=0.05)
    assert alone.high < 0 and alone.verdict("lower") == ONE_SEED


def test_seeds_widen_the_interval(sample):
    label, first = sample
    rng = np.random.default_rng(7)
    scatter = rng.normal(0, 1, (3, 400))
    alike, apart = (label + shift * np.array([-1, 0, 1])[:, None] + scatter for shift in (0.1, 3.0))
    narrow, wide = (compare(np.tile(first, (3, 1)), second, mae, label) for second in (alike, apart))
    assert wide.estimate == pytest.approx(np.mean([mae(label, s) for s in apart]) - mae(label, first))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_patients_are_drawn_whole(sample):
    """An error that a patient's ten clips share counts forty times, not four hundred."""
    shared = np.random.default_rng(0).normal(0, 2, 40)
    second, patients = np.tile(np.repeat(shared, 10), (2, 1)), np.repeat(np.arange(40), 10)
    by_item, by_patient = (
        compare(np.zeros((2, 400)), second, groups=groups, resamples=5000) for groups in (None, patients)
    )
    assert by_patient.estimate == by_item.estimate and by_patient.items == 400
    assert by_patient.freedom == pytest.approx(39)
    assert by_patient.standard_error == pytest.approx(shared.std(ddof=1) / np.sqrt(40), rel=0.05)
    assert by_item.standard_error < 0.4 * by_patient.standard_error
    assert np.isnan(compare(np.zeros((2, 5)), np.ones((2, 5)), groups=np.zeros(5)).low)  # one patient


def test_the_level_is_the_intervals(methods):
    narrow, wide = (compare(*methods, level=level) for level in (0.9, 0.99))
    assert narrow.standard_error == wide.standard_error and narrow.p_value == wide.p_value
    assert wide.high - wide.estimate == pytest.approx(wide.standard_error * t.ppf(0.995, wide.freedom))
    assert narrow.smallest < wide.smallest


def test_many_seeds_and_items_find_what_a_normal_test_finds():
    difference = Difference(0, 0, 0, 1.0, 10**6, 10**6, (9, 9), 1.0, 1e5, 1.0, 0.95, 0.0)
    assert difference.smallest == pytest.approx(1.960 + 0.842, abs=1e-3)


@pytest.mark.parametrize(
    ("expected", "ends", "verdict"),
    [
        ("equal", (-0.4, 0.3), "supported"),
        ("equal", (-0.6, 0.3), "open"),
        ("equal", (0.1, 0.4), "supported"),  # a difference that matters to nobody
        ("equal", (0.6, 0.9), "opposite"),
        ("equal", (-0.9, -0.6), "opposite"),
        ("not lower", (-0.4, 3), "supported"),
        ("not lower", (-0.6, 3), "open"),
        ("not lower", (-3, -0.6), "opposite"),
        ("not higher", (-3, 0.4), "supported"),
        ("not higher", (-3, 0.6), "open"),
        ("not higher", (0.6, 3), "opposite"),
    ],
)
def test_verdicts_of_near_equality(methods, expected, ends, verdict):
    difference = compare(*methods)._replace(low=ends[0], high=ends[1])
    assert difference.verdict(expected, 0.5) == verdict
    assert difference._replace(seeds=(3, 1)).verdict(expected, 0.5) == ONE_SEED
    with pytest.raises(ValueError, match="give one"):
        difference.verdict(expected)


def test_another_level_is_the_same_difference(methods):
    wide = compare(*methods).at_level(0.99)
    assert wide == compare(*methods, level=0.99)


def test_what_a_larger_test_of_one_network_each_would_find():
    """Of independent items a two-sided z test: 2.80 standard errors, those of as many people."""
    first, second = np.random.default_rng(1).normal(0, 1, (2, 2, 400))
    found = compare(first, second)
    assert found.smallest_of(400) == pytest.approx(2.802 * found.item_error, rel=1e-3)
    assert found.smallest_of(1600) == pytest.approx(found.smallest_of(400) / 2)
    by_item = (second - first).mean(axis=0)
    assert found.item_error == pytest.approx(by_item.std(ddof=1) / 20, rel=0.05)


def test_undefined_resamples_are_left_out():
    def where_seen(label, value):  # undefined on resamples without the first item
        return np.where((label == 1).any(axis=-1), value.mean(axis=-1), np.nan)

    label, values = np.eye(6)[0], np.random.default_rng(0).normal(0, 1, (2, 2, 6))
    found = compare(*values, where_seen, label)
    assert np.isfinite(found[:4]).all() and found.verdict("lower") == "open"
    never = compare(*values, r2, np.ones(6))
    assert np.isnan(never[:4]).all() and np.isnan(never.smallest) and never.verdict("lower", 0.5) == "open"


@pytest.mark.usefixtures("unchecked")
def test_faulty_input(methods):
    with pytest.raises(ValueError, match="expected"):
        compare(*methods).verdict("better")
    with pytest.raises(ValueError, match="margin"):
        compare(*methods).verdict("lower", 0)
    with pytest.raises(ValueError, match="same items"):
        compare(methods[0], methods[1, :, :-1])
    with pytest.raises(ValueError, match="same items"):
        compare(*methods, groups=np.zeros(3))
    with pytest.raises(ValueError, match="coverage"):
        compare(*methods, level=95)
