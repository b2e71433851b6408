"""EF by anchors: which interval it lies in, and how far from the interval's centre (Chen and Li, Sec. 2.3).

EF in percent, M intervals of l = 100 / M points, centres c_m = (m + 1/2) l.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def anchor_centres(anchors: int, device: torch.device | None = None) -> Tensor:
    """c_m in percent: (M,)."""
    return (torch.arange(anchors, device=device) + 0.5) * (100 / anchors)


def anchor_targets(ef: Tensor, anchors: int = 20) -> tuple[Tensor, Tensor]:
    """Eq. 5: class u = floor(y / l) (batch,) int64 and offsets v_m = (y - c_m) / l (batch, M) of EF y (batch,).

    An EF of 100, and anything above, belongs to the last interval; below 0 to the first.
    """
    length = 100 / anchors
    interval = (ef / length).floor().long().clamp(0, anchors - 1)
    return interval, (ef.unsqueeze(1) - anchor_centres(anchors, ef.device)) / length


def anchor_loss(scores: Tensor, offsets: Tensor, ef: Tensor) -> Tensor:
    """Eq. 10 to 12, mean over the batch: -log p_u + sum_m p_m SmoothL1(o_m - v_m), p = softmax(scores).

    scores, offsets: (batch, M); ef: (batch,) percent. The gradient flows through p in both terms, as printed.
    """
    interval, target = anchor_targets(ef, scores.shape[1])
    classification = F.cross_entropy(scores, interval)
    each = F.smooth_l1_loss(offsets, target, reduction="none")
    return classification + (scores.softmax(1) * each).sum(1).mean()


def decode_anchors(scores: Tensor, offsets: Tensor) -> Tensor:
    """EF in percent (batch,): sum_m p_m (c_m + l o_m). Exact for any p where the offsets are. The paper leaves it open.

    scores, offsets: (batch, M).
    """
    anchors = scores.shape[1]
    each = anchor_centres(anchors, scores.device) + (100 / anchors) * offsets
    return (scores.softmax(1) * each).sum(1)


def auxiliary_loss(logits: Tensor, masks: Tensor, alpha: Tensor) -> Tensor:
    """Eq. 8 and 9: alpha / 2 (BCE_ed + BCE_es), cross-entropies summed over the image, mean over the batch.

    logits, masks: (batch, 2, H, W), ED and ES; alpha: (batch,), the Dice of the segmenter that made the masks.
    """
    each = F.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction="none").sum((2, 3))
    return (alpha * each.mean(1)).mean()
