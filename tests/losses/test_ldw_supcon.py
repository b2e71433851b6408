"""EchoMEN's contrastive loss against the printed equations, written out as loops."""

import pytest
import torch
import torch.nn.functional as F

from echolib.losses.ldw_supcon import ldw_supcon
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
