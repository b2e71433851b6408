"""How widely embeddings are spread, against its closed forms."""

import pytest
import torch

from echolib.metrics import spread


def test_collapsed_embeddings_have_no_spread():
    assert spread(torch.tensor([[1.0, 2.0, 3.0]]) * torch.tensor([[1.0], [2.0], [7.0]])) == pytest.approx(0, abs=1e-7)


def test_embeddings_along_every_axis_have_a_spread_of_one():
    axes = torch.cat([torch.eye(5), -torch.eye(5)])
    assert spread(axes) == pytest.approx(1)
    assert spread(3 * axes) == pytest.approx(1)  # only directions count


def test_half_of_the_directions():
    """With components of mean m and mean square 1/D the standard deviation is sqrt(1/D - m^2)."""
    axes = torch.eye(4)
    assert spread(axes) == pytest.approx((1 / 4 - 1 / 16) ** 0.5 * 2)
