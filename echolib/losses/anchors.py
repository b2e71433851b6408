"""EF by anchors: which interval it lies in, and how far from the interval's centre (Chen and Li, Sec. 2.3).

EF in percent, M intervals of l = 100 / M points, centres c_m = (m + 1/2) l.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from echolib.shapes import AnchorOutputs, EFPercent, Scalar


def anchor_centres(anchors: int, device: torch.device | None = None) -> Float[Tensor, " anchor"]:
    """c_m in percent: (M,)."""
    return (torch.arange(anchors, device=device) + 0.5) * (100 / anchors)


def anchor_targets(ef: EFPercent, anchors: int = 20) -> tuple[Int64[Tensor, " batch"], AnchorOutputs]:
    """Eq. 5: class u = floor(y / l) (batch,) int64 and offsets v_m = (y - c_m) / l (batch, M) of EF y (batch,).

    An EF of 100, and anything above, belongs to the last interval; below 0 to the first.
    """
    length = 100 / anchors
    interval = (ef / length).floor().long().clamp(0, anchors - 1)
    return interval, (ef.unsqueeze(1) - anchor_centres(anchors, ef.device)) / length


def anchor_loss(scores: AnchorOutputs, offsets: AnchorOutputs, ef: EFPercent) -> Scalar:
    """Eq. 10 to 12, mean over the batch: -log p_u + sum_m p_m SmoothL1(o_m - v_m), p = softmax(scores).

    scores, offsets: (batch, M); ef: (batch,) percent. The gradient flows through p in both terms, as printed.
    """
    interval, target = anchor_targets(ef, scores.shape[1])
    classification = F.cross_entropy(scores, interval)
    regression = F.smooth_l1_loss(offsets, target, reduction="none")
    return classification + (scores.softmax(1) * regression).sum(1).mean()


def decode_anchors(scores: AnchorOutputs, offsets: AnchorOutputs) -> EFPercent:
    """EF in percent (batch,): sum_m p_m (c_m + l o_m). Exact for any p where the offsets are. The paper leaves it open.

    scores, offsets: (batch, M).
    """
    anchors = scores.shape[1]
    ef = anchor_centres(anchors, scores.device) + (100 / anchors) * offsets
    return (scores.softmax(1) * ef).sum(1)
