"""Anchors: labels at the edges, the loss written out, and a read-out that is exact where the offsets are."""

import math

import pytest
import torch

from echolib.losses import anchor_loss, anchor_targets, auxiliary_loss, decode_anchors
from echolib.losses.anchors import anchor_centres
from echolib.models import AnchorHead


@pytest.mark.parametrize(
    ("ef", "interval"), [(0.0, 0), (4.999, 0), (5.0, 1), (50.0, 10), (99.9, 19), (100.0, 19), (101.0, 19), (-1.0, 0)]
)
def test_the_interval_of_an_ef(ef, interval):
    found, offsets = anchor_targets(torch.tensor([ef]))
    assert found.tolist() == [interval]
    for m in range(20):
        assert float(offsets[0, m]) == pytest.approx((ef - (5 * m + 2.5)) / 5, abs=1e-5)


def test_centres_are_the_middles():
    assert anchor_centres(4).tolist() == [12.5, 37.5, 62.5, 87.5]


def test_the_loss_is_eq_10_to_12():
    generator = torch.Generator().manual_seed(0)
    scores, offsets = (3 * torch.randn(4, 20, dtype=torch.float64, generator=generator) for _ in range(2))
    ef = torch.tensor([0.0, 33.3, 50.0, 100.0], dtype=torch.float64)
    total = 0.0
    for s, o, y in zip(scores.tolist(), offsets.tolist(), ef.tolist(), strict=True):
        p = [math.exp(each) / sum(math.exp(other) for other in s) for each in s]
        total -= math.log(p[min(math.floor(y / 5), 19)])
        for m in range(20):
            error = abs(o[m] - (y - (5 * m + 2.5)) / 5)
            total += p[m] * (0.5 * error**2 if error < 1 else error - 0.5)
    assert float(anchor_loss(scores, offsets, ef)) == pytest.approx(total / 4, rel=1e-12)


def test_the_regression_reaches_the_scores():
    """p is not detached: with exact offsets but for one anchor, probability is drawn away from that one."""
    scores, ef = torch.zeros(1, 20, requires_grad=True), torch.tensor([52.0])
    _, offsets = anchor_targets(ef)
    offsets[0, 3] += 5
    anchor_loss(scores, offsets, ef).backward()
    interval = torch.nn.functional.one_hot(torch.tensor([10]), 20)
    from_classes = scores.softmax(1).detach() - interval
    assert float((scores.grad - from_classes)[0, 3]) > 0.1


def test_the_read_out_is_exact_where_the_offsets_are():
    generator = torch.Generator().manual_seed(0)
    ef = 100 * torch.rand(50, dtype=torch.float64, generator=generator)
    _, offsets = anchor_targets(ef)
    scores = 5 * torch.randn(50, 20, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(decode_anchors(scores, offsets), ef)


def test_without_offsets_the_read_out_is_the_mean_centre():
    scores = torch.full((1, 20), -torch.inf)
    scores[0, 7] = scores[0, 9] = 0.0
    torch.testing.assert_close(decode_anchors(scores, torch.zeros(1, 20)), torch.tensor([42.5]))


def test_a_fresh_head_reads_the_mean_ef():
    head = AnchorHead(8, mean=55.6)
    torch.testing.assert_close(decode_anchors(*head(torch.zeros(3, 8))), torch.full((3,), 55.6))


def test_the_auxiliary_loss_is_eq_8_and_9():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 2, 4, 5, dtype=torch.float64, generator=generator)
    masks = torch.rand(3, 2, 4, 5, generator=generator) > 0.5
    alpha = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    total = 0.0
    for b in range(3):
        for k in range(2):
            p = logits[b, k].sigmoid()
            cross_entropy = -torch.where(masks[b, k], p.log(), (1 - p).log()).sum()
            total += float(alpha[b]) * 0.5 * float(cross_entropy)
    assert float(auxiliary_loss(logits, masks, alpha)) == pytest.approx(total / 3, rel=1e-12)
