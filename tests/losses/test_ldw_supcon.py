"""EchoMEN's contrastive loss against the printed equations, written out as loops."""

import math

import pytest
import torch
import torch.nn.functional as F

from echolib.losses.ldw_supcon import ldw_supcon, log_label_weights
from tests.losses.written_out import LABELS, embeddings, written_out

TEMPERATURES = (0.05, 0.1, 0.5, 1.0)


def by_label(labels, scale, power=1):
    return lambda i, j: (abs(float(labels[i]) - float(labels[j])) / scale) ** power


@pytest.mark.parametrize("denominator", ["negatives", "all"])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize(("distance", "power"), [("l1", 1), ("l2", 2)])
def test_ldw_supcon_is_the_printed_equation(temperature, distance, power, denominator):
    z = embeddings()
    expected = written_out(z, LABELS, temperature, by_label(LABELS, 100.0, power), denominator)
    options = {"temperature": temperature, "distance": distance, "denominator": denominator}
    assert float(ldw_supcon(z, LABELS, reduction="sum", **options)) == pytest.approx(sum(expected), rel=1e-12)
    mean = sum(expected) / len(expected)
    assert float(ldw_supcon(z, LABELS, reduction="mean", **options)) == pytest.approx(mean, rel=1e-12)
    single = float(ldw_supcon(z.float(), LABELS, reduction="mean", **options))
    assert single == pytest.approx(mean, rel=2e-6)


def test_rank_distance_counts_distinct_labels():
    ranks = LABELS.unique(return_inverse=True)[1].tolist()
    expected = written_out(embeddings(), LABELS, 0.1, lambda i, j: float(abs(ranks[i] - ranks[j])), "negatives")
    found = ldw_supcon(embeddings(), LABELS, distance="rank", reduction="sum")
    assert float(found) == pytest.approx(sum(expected), rel=1e-12)


@pytest.mark.parametrize("scale", [0.02, 1.0])
@pytest.mark.parametrize("denominator", ["negatives", "all"])
def test_label_distances_that_overflow_a_naive_form(scale, denominator):
    assert torch.isinf(torch.tensor((80 - 20) / 0.02).exp())
    z = embeddings().float().requires_grad_()
    expected = written_out(embeddings(), LABELS, 0.05, by_label(LABELS, scale), denominator)
    loss = ldw_supcon(z, LABELS, temperature=0.05, label_scale=scale, denominator=denominator, reduction="sum")
    assert float(loss.detach()) == pytest.approx(sum(expected), rel=1e-4)
    loss.backward()
    assert bool(torch.isfinite(z.grad).all())


@pytest.mark.parametrize("denominator", ["negatives", "all"])
def test_gradients(denominator):
    def loss(raw):
        return ldw_supcon(F.normalize(raw, dim=1), LABELS, denominator=denominator, reduction="sum", label_scale=10)

    raw = embeddings(seed=3).requires_grad_()
    assert torch.autograd.gradcheck(loss, (raw,))


def test_a_far_negative_is_pushed_harder_than_a_near_one():
    z = torch.zeros(4, 2, dtype=torch.float64).requires_grad_()
    ldw_supcon(z + torch.tensor([1.0, 0.0]), torch.tensor([50, 50, 55, 20]), label_scale=10, reduction="sum").backward()
    assert float(z.grad[3, 0]) > float(z.grad[2, 0]) > 0


@pytest.mark.parametrize("denominator", ["negatives", "all"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_without_distances_it_is_the_loss_of_equal_distances(denominator, reduction):
    """Value and gradient: where all negatives are equally far, and in the limit where no label distance counts."""
    options = {"denominator": denominator, "reduction": reduction}

    def value_and_gradient(labels, **kind):
        z = embeddings(len(labels)).requires_grad_()
        loss = ldw_supcon(z, labels, **options, **kind)
        loss.backward()
        return loss.detach(), z.grad

    two_bins = torch.tensor([30, 30, 60, 60, 60, 30])
    for labels, weighted in ((two_bins, {"label_scale": 5.0}), (LABELS, {"label_scale": 1e12})):
        for found, expected in zip(
            value_and_gradient(labels, distance="none"), value_and_gradient(labels, **weighted), strict=True
        ):
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    plain = written_out(embeddings(), LABELS, 0.1, lambda i, j: 0.0, denominator)
    found = ldw_supcon(embeddings(), LABELS, distance="none", denominator=denominator, reduction="sum")
    assert float(found) == pytest.approx(sum(plain), rel=1e-12)


def test_label_weights_are_those_of_equation_2():
    log_beta = log_label_weights(LABELS, label_scale=20.0)
    i = 3  # EF 55: the negatives are all but the three 55s
    negative = [j for j in range(len(LABELS)) if LABELS[j] != LABELS[i]]
    raised = [math.exp(abs(float(LABELS[i] - LABELS[j])) / 20) for j in negative]
    expected = [len(negative) * value / sum(raised) for value in raised]
    torch.testing.assert_close(log_beta[i, negative].exp(), torch.tensor(expected, dtype=torch.float64))
    assert bool((log_label_weights(LABELS, distance="none") == 0)[LABELS[:, None] != LABELS].all())


def test_the_printed_weights_hardly_change_the_length_of_the_gradient():
    """With labels in percent and a scale of 100, over batches of 20 videos in two views."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        labels = (60 + 12 * torch.randn(20, generator=generator)).clamp(10, 85).floor().repeat(2)
        raw = torch.randn(40, 128, generator=generator, dtype=torch.float64)
        norms = {}
        for distance in ("l1", "none"):
            z = raw.clone().requires_grad_()
            ldw_supcon(F.normalize(z, dim=1), labels, distance=distance, reduction="sum").backward()
            norms[distance] = float(z.grad.norm())
        assert norms["l1"] / norms["none"] == pytest.approx(1, abs=0.1)


def test_anchors_without_positives_or_negatives_contribute_nothing():
    z = embeddings(4).requires_grad_()
    for labels in (torch.arange(4), torch.zeros(4, dtype=torch.long)):
        loss = ldw_supcon(z, labels)
        loss.backward()
        assert float(loss.detach()) == 0 and bool((z.grad == 0).all())
    some = torch.tensor([7, 7, 8, 9])
    pair = written_out(z.detach(), some, 0.1, by_label(some, 100.0), "negatives")
    found = ldw_supcon(z.detach(), some, reduction="sum")
    assert len(pair) == 2 and float(found) == pytest.approx(sum(pair), rel=1e-12)


def test_the_order_of_the_batch_does_not_matter():
    order = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(1))
    z = embeddings()
    assert torch.allclose(ldw_supcon(z[order], LABELS[order]), ldw_supcon(z, LABELS), rtol=1e-12)


def test_autocast_does_not_coarsen_similarities():
    near = F.normalize(torch.ones(1, 5) + 0.05 * embeddings().float(), dim=1)  # cosines that bf16 rounds to 1
    plain, cast = near.clone().requires_grad_(), near.clone().requires_grad_()
    ldw_supcon(plain, LABELS, temperature=0.05).backward()
    with torch.autocast("cpu", torch.bfloat16):
        value = ldw_supcon(cast, LABELS, temperature=0.05)
    value.float().backward()
    torch.testing.assert_close(cast.grad, plain.grad, rtol=0.02, atol=1e-3)  # the CPU's log-sums are still cast


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": "cosine"}, "distance is"),
        ({"denominator": "positives"}, "denominator is"),
        ({"reduction": "max"}, "reduction is"),
        ({"temperature": 0.0}, "temperature is positive"),
        ({"label_scale": 0.0}, "label_scale is positive"),
        ({"labels": LABELS[:3]}, r"labels \(N,\)"),
    ],
)
def test_wrong_options_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ldw_supcon(**({"embeddings": embeddings(), "labels": LABELS} | change))
