"""NT-Xent against loops, and in its limits."""

import math

import pytest
import torch

from echolib.losses.nt_xent import nt_xent
from tests.losses.two_views import two_views


def nt_xent_by_loop(z1, z2, temperature):
    z = [row / row.norm() for row in torch.cat([z1, z2]).double()]
    count, total = len(z1), 0.0
    for i in range(2 * count):
        logits = {k: float(z[i] @ z[k]) / temperature for k in range(2 * count) if k != i}
        top = max(logits.values())
        log_sum = top + math.log(math.fsum(math.exp(value - top) for value in logits.values()))
        total += log_sum - logits[(i + count) % (2 * count)]
    return total / (2 * count)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.5, 1.0])
def test_nt_xent_written_out(temperature):
    z1, z2 = two_views()
    expected = nt_xent_by_loop(z1, z2, temperature)
    assert float(nt_xent(z1, z2, temperature=temperature)) == pytest.approx(expected, rel=1e-12)
    single = nt_xent(z1.float(), z2.float(), temperature=temperature)
    assert float(single) == pytest.approx(expected, rel=1e-5)


def test_nt_xent_stays_exact_in_float32_where_embeddings_agree():
    z1, _ = two_views(32, 16)
    z2 = z1 + 1e-3 * two_views(32, 16, seed=1)[0]
    exact = nt_xent_by_loop(z1, z2, 0.05)
    assert float(nt_xent(z1.float(), z2.float(), temperature=0.05)) == pytest.approx(exact, rel=1e-3, abs=1e-7)


def test_nt_xent_of_equal_embeddings():
    z = torch.ones(5, 3)
    assert float(nt_xent(z, z, temperature=0.1)) == pytest.approx(math.log(2 * 5 - 1))


def test_nt_xent_gradients_and_symmetry():
    z1, z2 = two_views(4, 3)
    assert torch.autograd.gradcheck(
        lambda a, b: nt_xent(a, b, temperature=0.3), (z1.clone().requires_grad_(), z2.clone().requires_grad_())
    )
    torch.testing.assert_close(nt_xent(z1, z2, temperature=0.3), nt_xent(z2, z1, temperature=0.3))
    torch.testing.assert_close(nt_xent(7 * z1, z2, temperature=0.3), nt_xent(z1, z2, temperature=0.3))


@pytest.mark.usefixtures("unchecked")
def test_wrong_input_is_named():
    z1, z2 = two_views()
    with pytest.raises(ValueError, match="two views"):
        nt_xent(z1, z2[:3], temperature=0.1)
    with pytest.raises(ValueError, match="temperature"):
        nt_xent(z1, z2, temperature=0)
