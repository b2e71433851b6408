"""Smoothed feature statistics against loops."""

import pytest
import torch

from echolib.losses.lds import lds_kernel
from echolib.models.feature_smoothing import FDS


def seen_features(seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([50.5, 50.1, 50.9, 51.2, 51.7, 51.5, 53.3, 53.9])
    return torch.randn(8, 3, generator=generator) + labels[:, None] / 10, labels


def test_fds_changes_nothing_before_the_first_update_or_in_evaluation():
    smoothing, (features, labels) = FDS(3), seen_features()
    assert torch.equal(smoothing(features, labels), features)
    smoothing.update(features, labels)
    assert not torch.equal(smoothing(features, labels), features)
    assert torch.equal(smoothing.eval()(features, labels), features)


def test_fds_statistics_and_calibration_by_loop():
    smoothing = FDS(3)
    runs = [seen_features(0), seen_features(1)]
    for features, labels in runs:
        smoothing.update(features, labels)
    mean, variance = {}, {}
    for number in (50, 51, 53):
        of_bin = [features[labels.floor() == number] for features, labels in runs]
        mean[number] = 0.9 * of_bin[0].mean(0) + 0.1 * of_bin[1].mean(0)
        variance[number] = 0.9 * of_bin[0].var(0) + 0.1 * of_bin[1].var(0)
    taps = lds_kernel()

    def smooth(statistic, number):
        near = {b: taps[b - number + 2] for b in statistic if abs(b - number) <= 2}
        return sum(tap * statistic[b] for b, tap in near.items()) / sum(near.values())

    features, labels = seen_features(2)
    found = smoothing(features, labels)
    for row, number in enumerate(labels.int().tolist()):
        ratio = (smooth(variance, number) / variance[number]).clamp(0.1, 10)
        expected = (features[row] - mean[number]) * ratio.sqrt() + smooth(mean, number)
        torch.testing.assert_close(found[row], expected.float(), rtol=1e-4, atol=1e-5)


def test_fds_keeps_full_precision_under_autocast():
    plain, cast, (features, labels) = FDS(3), FDS(3), seen_features()
    plain.update(features, labels)
    with torch.autocast("cpu", torch.bfloat16):
        cast.update(features, labels)
    for name, buffer in plain.state_dict().items():
        assert torch.equal(cast.state_dict()[name], buffer) and cast.state_dict()[name].dtype == buffer.dtype, name


@pytest.mark.parametrize(("own", "near", "ratio"), [(1.0, 100.0, 10.0), (100.0, 0.01, 0.1)])
def test_fds_clips_the_ratio_of_variances(own, near, ratio):
    spread = torch.tensor([-1.0, 1.0]).div(2**0.5)[:, None]  # of variance 1
    labels = torch.tensor([50.5, 50.5, 51.5, 51.5])
    smoothing = FDS(1)
    smoothing.kernel = torch.tensor([0.25, 0.25, 0.0, 0.25, 0.25])  # the bin's own tap would keep the ratio above 0.1
    smoothing.update(torch.cat([own**0.5 * spread, near**0.5 * spread]), labels)
    moved = smoothing(own**0.5 * spread, labels[:2])
    assert float(moved[1] - moved[0]) == pytest.approx((ratio * own * 2) ** 0.5, rel=1e-5)


def test_fds_does_not_touch_a_feature_that_is_constant_in_its_bin():
    smoothing, labels = FDS(2), torch.tensor([50.5, 50.5, 51.5, 51.5])
    smoothing.update(torch.tensor([[3.0, 1.0], [3.0, 2.0], [5.0, 4.0], [6.0, 7.0]]), labels)
    features = torch.tensor([[3.5, 1.5], [2.0, 2.5]])
    moved = smoothing(features, labels[:2])
    assert torch.equal(moved[:, 0], features[:, 0]) and not torch.equal(moved[:, 1], features[:, 1])


def test_fds_leaves_labels_alone_that_it_has_not_seen():
    smoothing, (features, labels) = FDS(3), seen_features()
    smoothing.update(features, labels)
    unseen = torch.full_like(labels, 20.0)
    assert torch.equal(smoothing(features, unseen), features)


def test_fds_resumes_from_its_state():
    first, (features, labels) = FDS(3), seen_features()
    first.update(features, labels)
    second = FDS(3)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(features, labels), second(features, labels))
    assert not list(first.parameters())
