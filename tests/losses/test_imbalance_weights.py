"""Weights by label frequency and smoothed feature statistics, against counts and loops."""

from collections import Counter

import numpy as np
import pytest
import torch

from echolib.losses.label_frequency import FDS, expert_weights, frequency_weights, label_bins, lds_kernel, lds_weights

EF = torch.tensor([20.5, 55.1, 55.9, 55.3, 55.5, 56.2, 56.9, 71.0, 100.0])


def counts():
    return Counter(min(int(value), 99) for value in EF.tolist())


def of_each(weight_of_bin):
    weights = np.array([weight_of_bin(min(int(value), 99)) for value in EF.tolist()])
    return weights / weights.mean()


def test_frequency_weights_by_hand():
    found = counts()
    np.testing.assert_allclose(frequency_weights(EF), of_each(lambda b: found[b] ** -0.5), rtol=1e-6)
    inverse = frequency_weights(EF, power=1.0, clip=(2, 3))
    np.testing.assert_allclose(inverse, of_each(lambda b: 1 / min(max(found[b], 2), 3)), rtol=1e-6)
    assert float(inverse.mean()) == pytest.approx(1)
    with pytest.raises(ValueError, match="power"):
        frequency_weights(EF, power=2.0)


def test_labels_outside_belong_to_the_nearest_bin():
    assert label_bins(torch.tensor([-3.0, 0.0, 99.5, 100.0, 120.0])).tolist() == [0, 0, 99, 99, 99]
    weights = frequency_weights(torch.tensor([99.5, 100.0, 50.5]))  # two share the last bin, one is alone
    assert float(weights[0]) == float(weights[1]) == pytest.approx(float(weights[2]) / 2**0.5)


def test_lds_kernel_has_the_known_taps():
    np.testing.assert_allclose(lds_kernel(), [0.858, 0.946, 1, 0.946, 0.858], atol=5e-4)
    with pytest.raises(ValueError, match="odd"):
        lds_kernel(4)


def test_lds_weights_by_loop():
    found, taps = counts(), lds_kernel()

    def smoothed(bin_number):
        return sum(taps[k + 2] * found[bin_number + k] ** 0.5 for k in range(-2, 3) if 0 <= bin_number + k < 100)

    np.testing.assert_allclose(lds_weights(EF), of_each(lambda b: 1 / smoothed(b)), rtol=1e-5)
    np.testing.assert_allclose(lds_weights(EF, size=1), frequency_weights(EF), rtol=1e-5)


def test_expert_weights_as_printed():
    found = [counts()[min(int(value), 99)] for value in EF.tolist()]
    for power in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(expert_weights(EF, power), [n**-power for n in found], rtol=1e-6)


def test_expert_weights_as_released():
    ef = torch.cat([torch.full((200,), 60.5), torch.full((100,), 61.5), torch.tensor([61.0, 30.2])])
    weights = expert_weights(ef, 1.0, form="released", clip=(80, 1000))
    assert float(weights.mean()) == pytest.approx(1)
    relative = weights / weights[-1]  # the rare label: its count of 1 is clipped to 80
    assert float(relative[0]) == pytest.approx(80 / 200)
    assert float(relative[200]) == pytest.approx(80 / 101)
    assert float(relative[-2]) == pytest.approx(80 / 150.5)  # half way between two bin centres
    assert torch.allclose(expert_weights(ef, 0.0, form="released"), torch.ones(302))
    halved = expert_weights(ef, 0.5, form="released", clip=(80, 1000))
    assert float(halved[0] / halved[-1]) == pytest.approx((80 / 200) ** 0.5)


def test_released_bounds_follow_the_number_of_videos():
    ef = torch.linspace(20, 80, 746)  # a tenth of the published training split: bounds 8 and 100
    assert torch.allclose(
        expert_weights(ef, 1.0, form="released"), expert_weights(ef, 1.0, form="released", clip=(8, 100))
    )
    with pytest.raises(ValueError, match="form"):
        expert_weights(ef, 1.0, form="other")
    with pytest.raises(ValueError, match="labels are"):
        expert_weights(torch.zeros(2, 2), 1.0)


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
