"""SupCon written out, and as the special case of EchoMEN's loss that it is."""

import pytest
import torch
import torch.nn.functional as F

from echolib.losses.ldw_supcon import ldw_supcon
from echolib.losses.supcon import supcon
from tests.losses.written_out import LABELS, embeddings, written_out


def test_supcon_is_the_special_case_of_equal_distances():
    labels = torch.tensor([0, 0, 1, 1, 1, 0])  # every negative is equally far: all weights are 1
    z = embeddings(6)
    assert torch.allclose(ldw_supcon(z, labels, denominator="all"), supcon(z, labels), rtol=1e-12)
    expected = written_out(z, labels, 0.1, lambda i, j: 0.0, "all")
    assert float(supcon(z, labels)) == pytest.approx(sum(expected) / 6, rel=1e-12)
    far = ldw_supcon(z, labels, denominator="all", label_scale=1e9)  # distances vanish: SupCon whatever the labels
    assert torch.allclose(far, supcon(z, labels), rtol=1e-6)


def test_the_order_of_the_batch_does_not_matter():
    order = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(1))
    z = embeddings()
    assert torch.allclose(supcon(z[order], LABELS[order]), supcon(z, LABELS), rtol=1e-12)


def test_anchors_without_positives_contribute_nothing():
    z = embeddings(4).requires_grad_()
    loss = supcon(z, torch.arange(4))
    loss.backward()
    assert float(loss.detach()) == 0 and bool((z.grad == 0).all())
    some = torch.tensor([7, 7, 8, 9])
    pair = written_out(z.detach(), some, 0.1, lambda i, j: 0.0, "all")
    assert len(pair) == 2 and float(supcon(z.detach(), some)) == pytest.approx(sum(pair) / 2, rel=1e-12)


def test_autocast_does_not_coarsen_similarities():
    near = F.normalize(torch.ones(1, 5) + 0.05 * embeddings().float(), dim=1)  # cosines that bf16 rounds to 1
    plain, cast = near.clone().requires_grad_(), near.clone().requires_grad_()
    supcon(plain, LABELS, temperature=0.05).backward()
    with torch.autocast("cpu", torch.bfloat16):
        value = supcon(cast, LABELS, temperature=0.05)
    value.float().backward()
    torch.testing.assert_close(cast.grad, plain.grad, rtol=0.02, atol=1e-3)  # the CPU's log-sums are still cast
