"""Contrastive losses that know labels: SupCon, EchoMEN's label-distance weighted form of it, and Rank-N-Contrast.

All work on log-weights and log-sums, so that no temperature and no label distance overflows.
"""

from typing import Literal

import torch
from torch import Tensor

Distance = Literal["l1", "l2", "rank"]


def bin_labels(ef: Tensor, width: float = 1.0) -> Tensor:
    """The bin of each label, floor(ef / width), int64, in the shape of `ef`. Equal bins are positives of each other."""
    if width <= 0:
        raise ValueError(f"the width of a bin is a positive number of EF points, not {width}")
    return torch.floor(ef / width).long()


def ldw_supcon(
    embeddings: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.1,
    distance: Distance = "l1",
    label_scale: float = 100.0,
    denominator: Literal["negatives", "all"] = "negatives",
    reduction: Literal["mean", "sum"] = "mean",
) -> Tensor:
    """Label-distance weighted supervised contrastive loss (Lai et al. 2024, Eq. 1 and 2): a scalar.

    Parameters
    ----------
    embeddings : (N, D), normalised. labels : (N,), equal ones are positives: bin continuous labels first.
    temperature : tau.
    distance : d_ij of Eq. 2: "l1" is |y_i - y_j| / label_scale, "l2" its square; "rank" is the difference of ranks
        among the distinct labels of the batch, after the code that the authors built on (AdaCon).
    denominator : "negatives" sums over Q(i) as the MICCAI version prints; "all" over every other sample as the preprint
        does, positives with weight 1.
    reduction : "sum" is Eq. 1 as printed; "mean" divides by the number of anchors that contribute.

    An anchor without positives, or with an empty denominator, contributes 0. Raises ValueError for wrong shapes or
    options.
    """
    similarity, positive, negative = _pairs(embeddings, labels, temperature)
    weight = _log_beta(_label_distance(labels, distance, label_scale, similarity.dtype), negative)
    if denominator == "negatives":
        summed = negative
    elif denominator == "all":
        summed, weight = positive | negative, torch.where(negative, weight, 0.0)
    else:
        raise ValueError(f'denominator is "negatives" or "all", not {denominator!r}')
    return _reduce(*_anchor_losses(similarity, positive, summed, weight), reduction)


def supcon(embeddings: Tensor, labels: Tensor, *, temperature: float = 0.1) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, L_out): every other sample in the denominator with weight 1,
    mean over the anchors that have positives. embeddings (N, D) normalised, labels (N,) -> scalar."""
    similarity, positive, negative = _pairs(embeddings, labels, temperature)
    losses = _anchor_losses(similarity, positive, positive | negative, torch.zeros_like(similarity))
    return _reduce(*losses, "mean")


def rank_n_contrast(embeddings: Tensor, labels: Tensor, *, temperature: float = 2.0) -> Tensor:
    """Rank-N-Contrast (Zha et al. 2023, Eq. 1): every pair (i, j) against all k at least as far from i in label.

    embeddings (N, D), not normalised: similarity is minus their Euclidean distance; labels (N,) continuous. Scalar: the
    mean over all ordered pairs.
    """
    _check(embeddings, labels, temperature)
    # not by matrix product, which torch prefers above 25 rows: it cancels where two views of one clip nearly agree
    apart = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
    similarity = -apart / temperature
    label_apart = (labels[:, None] - labels[None, :]).abs()
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    # farther[i, j, k]: k is in the denominator of the pair (i, j)
    farther = (label_apart[:, None, :] >= label_apart[:, :, None]) & others[:, None, :]
    rows = similarity[:, None, :].expand_as(farther).masked_fill(~farther, -torch.inf)
    losses = torch.where(others, torch.logsumexp(torch.where(others[:, :, None], rows, 0.0), -1) - similarity, 0.0)
    return losses.sum() / max(len(labels) * (len(labels) - 1), 1)


def _check(embeddings: Tensor, labels: Tensor, temperature: float) -> None:
    if embeddings.dim() != 2 or labels.shape != embeddings.shape[:1]:
        raise ValueError(
            f"embeddings are (N, D) and labels (N,), got {tuple(embeddings.shape)} and {tuple(labels.shape)}"
        )
    if temperature <= 0:
        raise ValueError(f"the temperature is positive, not {temperature}")


def _pairs(embeddings: Tensor, labels: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """z_i . z_j / tau, and which pairs are positives P(i) and negatives Q(i): three (N, N)."""
    _check(embeddings, labels, temperature)
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    with torch.autocast(embeddings.device.type, enabled=False):  # eight bits cannot tell two views of one clip apart
        similarity = embeddings @ embeddings.T / temperature
    return similarity, same & ~itself, ~same


def _label_distance(labels: Tensor, distance: Distance, scale: float, dtype: torch.dtype) -> Tensor:
    if distance == "rank":
        labels, scale = labels.unique(return_inverse=True)[1], 1.0
    elif distance not in ("l1", "l2"):
        raise ValueError(f'distance is "l1", "l2" or "rank", not {distance!r}')
    if scale <= 0:
        raise ValueError(f"label_scale is positive, not {scale}")
    apart = (labels[:, None] - labels[None, :]).abs().to(dtype) / scale
    return apart**2 if distance == "l2" else apart


def _log_beta(apart: Tensor, negative: Tensor) -> Tensor:
    """Logarithm of Eq. 2 on the negatives: log |Q(i)| + d_ij - log sum_k exp(d_ik); mean weight 1 in every row."""
    count = negative.sum(1, keepdim=True).to(apart.dtype)
    total = torch.logsumexp(apart.masked_fill(~negative, -torch.inf), 1, keepdim=True)
    return count.clamp(min=1).log() + apart - torch.where(count > 0, total, 0.0)


def _anchor_losses(similarity: Tensor, positive: Tensor, summed: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """-1/|P(i)| sum_p log(exp(s_ip) / sum_j w_ij exp(s_ij)) of each anchor, and which anchors have both sums."""
    contributes = positive.any(1) & summed.any(1)
    # rows that do not contribute are summed over everything, so that their (unused) gradient stays finite
    mask = summed | ~contributes[:, None]
    total = torch.logsumexp((similarity + weight).masked_fill(~mask, -torch.inf), 1)
    mean_positive = (similarity * positive).sum(1) / positive.sum(1).clamp(min=1)
    return torch.where(contributes, total - mean_positive, 0.0), contributes


def _reduce(losses: Tensor, contributes: Tensor, reduction: str) -> Tensor:
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.sum() / contributes.sum().clamp(min=1)
    raise ValueError(f'reduction is "mean" or "sum", not {reduction!r}')
