"""Weights by label frequency against counts and loops."""

from collections import Counter

import numpy as np
import pytest
import torch

from echolib.losses.expert_weights import expert_weights
from echolib.losses.inverse_frequency import frequency_weights
from echolib.losses.label_frequency import label_bins
from echolib.losses.lds import lds_kernel, lds_weights

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


@pytest.mark.usefixtures("unchecked")
def test_released_bounds_follow_the_number_of_videos():
    ef = torch.linspace(20, 80, 746)  # a tenth of the published training split: bounds 8 and 100
    assert torch.allclose(
        expert_weights(ef, 1.0, form="released"), expert_weights(ef, 1.0, form="released", clip=(8, 100))
    )
    with pytest.raises(ValueError, match="form"):
        expert_weights(ef, 1.0, form="other")
    with pytest.raises(ValueError, match="labels are"):
        expert_weights(torch.zeros(2, 2), 1.0)
