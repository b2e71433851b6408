"""Rank-N-Contrast written out, and where distances by matrix product would cancel."""

import pytest
import torch

from echolib.losses.rank_n_contrast import rank_n_contrast
from tests.losses.written_out import LABELS, embeddings, log_sum


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_rank_n_contrast_written_out(temperature):
    y = [31.0, 55.5, 55.5, 60.0, 12.0]
    z = embeddings(5) * 3
    total = []
    for i in range(5):
        s = [-float((z[i] - z[k]).norm()) / temperature for k in range(5)]
        for j in range(5):
            if j != i:
                farther = [k for k in range(5) if k != i and abs(y[i] - y[k]) >= abs(y[i] - y[j])]
                total.append(-(s[j] - log_sum([s[k] for k in farther])))
    found = rank_n_contrast(z, torch.tensor(y, dtype=torch.float64), temperature=temperature)
    assert float(found) == pytest.approx(sum(total) / len(total), rel=1e-10)


def test_gradients():
    raw = embeddings(seed=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: rank_n_contrast(x, LABELS.double()), (raw,))


def test_the_order_of_the_batch_does_not_matter():
    order = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(1))
    z, labels = embeddings(), LABELS.double()
    assert torch.allclose(rank_n_contrast(z[order], labels[order]), rank_n_contrast(z, labels), rtol=1e-12)


def test_rank_n_contrast_of_nearly_equal_views_in_float32():
    # more than 25 rows, far from the origin: where distances by matrix product cancel
    generator = torch.Generator().manual_seed(2)
    clip = 10 * torch.randn(1, 64, generator=generator) + 0.05 * torch.randn(20, 64, generator=generator)
    views = torch.cat([clip, clip + 5e-4 * torch.randn(20, 64, generator=generator)])
    ef = torch.linspace(20, 75, 20).repeat(2)
    single, double = views.clone().requires_grad_(), views.double().requires_grad_()
    loss, exact = rank_n_contrast(single, ef), rank_n_contrast(double, ef.double())
    loss.backward()
    exact.backward()
    assert float(loss.detach()) == pytest.approx(float(exact.detach()), rel=1e-6)
    torch.testing.assert_close(single.grad.double(), double.grad, rtol=1e-3, atol=1e-6)
