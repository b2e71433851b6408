"""BYOL's distance by hand, its ends, and what it leaves alone."""

import pytest

from echolib.losses.byol import byol
from tests.losses.two_views import two_views


def test_byol_by_hand_and_its_ends():
    p1, z2, p2, z1 = (*two_views(), *two_views(seed=1))
    total = 0.0
    for p, z in ((p1, z2), (p2, z1)):
        total += sum(2 - 2 * float(a @ b / a.norm() / b.norm()) for a, b in zip(p, z, strict=True)) / len(p)
    assert float(byol(p1, z2, p2, z1)) == pytest.approx(total, rel=1e-12)
    assert float(byol(p1, 3 * p1, p2, p2)) == pytest.approx(0, abs=1e-12)
    assert float(byol(p1, -p1, p2, -p2)) == pytest.approx(8)


def test_no_gradient_reaches_the_targets_projections():
    p, z = two_views()
    p, z = p.requires_grad_(), z.requires_grad_()
    byol(p, z, p, z).backward()
    assert z.grad is None and float(p.grad.abs().sum()) > 0
