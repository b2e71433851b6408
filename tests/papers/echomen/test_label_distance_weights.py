"""What the label-distance weights do to batches: by hand for two labels, and as measured on a population."""

import numpy as np
import pytest

from echolib.papers.echomen.ablation import LABEL_SCALES
from echolib.papers.echomen.label_weights import label_weights_table


def population(videos=3000):
    """EF (videos,) in percent: most hearts healthy, SD 12.4 as in EchoNet-Dynamic."""
    rng = np.random.default_rng(0)
    failing = rng.random(videos) < 0.23
    return np.where(failing, rng.normal(40, 13, videos), rng.normal(63, 6, videos)).clip(8, 90)


def test_two_labels_weigh_the_same_at_every_scale():
    table = label_weights_table(np.array([30.2, 60.9]), 2, (100.0, 1.0))
    np.testing.assert_allclose(table[["lowest", "highest", "cosine"]], 1, rtol=1e-12)
    np.testing.assert_allclose(table["sd_log_beta"], 0, atol=1e-12)


def test_three_labels_by_hand():
    """Of the anchor 20 the negatives are 50 and 60, two views each: exp 0.3 and 0.4 of a scale of 100."""
    table = label_weights_table(np.array([20.5, 50.5, 60.5]), 3, (100.0,))
    pairs = [(0.3, 0.4), (0.3, 0.1), (0.4, 0.1)]
    beta = np.array([2 * np.exp(pair) / np.exp(pair).sum() for pair in pairs])
    assert table.loc[0, ["lowest", "highest"]].tolist() == pytest.approx([beta.min(), beta.max()])
    assert table.loc[0, "sd_log_beta"] == pytest.approx(np.log(beta).std(), rel=1e-2)  # of many pairs, n - 1


def test_at_the_printed_scale_the_weights_hardly_differ():
    table = label_weights_table(population(), 20, LABEL_SCALES).set_index("label_scale")
    assert table.loc[100.0, "sd_log_beta"] == pytest.approx(0.1, abs=0.02)
    assert table.loc[100.0, "cosine"] > 0.999 and 0.85 < table.loc[5.0, "cosine"] < 0.95
    assert table["cosine"].is_monotonic_decreasing and table["sd_log_beta"].is_monotonic_increasing
    pairs = label_weights_table(population(), 20, (50.0,), bin_width=0.5)
    assert pairs.loc[0, "sd_log_beta"] == pytest.approx(table.loc[50.0, "sd_log_beta"], rel=0.05)
