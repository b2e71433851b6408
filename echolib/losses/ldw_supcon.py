"""EchoMEN's label-distance weighted supervised contrastive loss (Lai et al. 2024, Sec. 2.1).

All terms stay logarithms, so that no temperature and no label distance overflows.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from echolib.losses.label_pairs import (
    check_batch,
    inner_products,
    log_sum_exp_over,
    mean_over,
    positives_and_negatives,
)
from echolib.shapes import Embeddings, Labels, PairMask, PairValues, Scalar

Distance = Literal["l1", "l2", "rank", "none"]


def ldw_supcon(
    embeddings: Embeddings,
    labels: Labels,
    *,
    temperature: float = 0.1,
    distance: Distance = "l1",
    label_scale: float = 100.0,
    denominator: Literal["negatives", "all"] = "negatives",
    reduction: Literal["mean", "sum"] = "mean",
) -> Scalar:
    """Label-distance weighted supervised contrastive loss (Lai et al. 2024, Eq. 1 and 2): a scalar.

    Eq. 1: sum_i -1/|P(i)| sum_{p in P(i)} log [exp(z_i . z_p / tau) / sum_{j in Q(i)} beta_ij exp(z_i . z_j / tau)].

    Parameters
    ----------
    embeddings : (N, D), normalised. labels : (N,), equal ones are positives: bin continuous labels first.
    temperature : tau.
    distance : d_ij of Eq. 2: "l1" is |y_i - y_j| / label_scale, "l2" its square; "rank" is the difference of ranks
        among the distinct labels of the batch, after the code that the authors built on (AdaCon); "none" puts all
        negatives at one distance, so that every beta is 1: the loss without its weights, all else as it is.
    label_scale : the difference of labels that makes a distance of 1 ("l1", "l2"); 100 EF points as printed.
    denominator : "negatives" sums over Q(i) as the MICCAI version prints; "all" over every other sample as the preprint
        does, positives with weight 1.
    reduction : "sum" is Eq. 1 as printed; "mean" divides by the number of anchors that contribute.

    An anchor without positives, or with an empty denominator, contributes 0. Raises ValueError for wrong shapes or
    options.
    """
    check_batch(embeddings, labels, temperature)
    similarity = inner_products(embeddings) / temperature
    positive, negative = positives_and_negatives(labels)
    log_beta = log_label_weights(labels, distance=distance, label_scale=label_scale, dtype=similarity.dtype)
    if denominator == "negatives":
        summed = negative
    elif denominator == "all":
        summed, log_beta = positive | negative, torch.where(negative, log_beta, 0.0)
    else:
        raise ValueError(f'denominator is "negatives" or "all", not {denominator!r}')
    contributes = positive.any(1) & summed.any(1)
    losses = log_sum_exp_over(similarity + log_beta, summed) - mean_over(similarity, positive)
    return _reduce(torch.where(contributes, losses, 0.0), contributes, reduction)


def log_label_weights(
    labels: Labels, *, distance: Distance = "l1", label_scale: float = 100.0, dtype: torch.dtype = torch.float64
) -> PairValues:
    """Logarithm of beta_ij (Lai et al. 2024, Eq. 2): labels (N,) -> (N, N), of which only the negatives have a meaning;
    over those of an anchor the mean of beta is 1.

    distance, label_scale: see `ldw_supcon`. Raises ValueError for a wrong one.
    """
    _, negative = positives_and_negatives(labels)
    return _log_beta(_label_distance(labels, distance, label_scale, dtype), negative)


def _label_distance(labels: Labels, distance: Distance, scale: float, dtype: torch.dtype) -> PairValues:
    """d_ij: (N, N)."""
    if distance == "none":
        return torch.zeros(len(labels), len(labels), dtype=dtype, device=labels.device)
    if distance == "rank":
        labels, scale = labels.unique(return_inverse=True)[1], 1.0
    elif distance not in ("l1", "l2"):
        raise ValueError(f'distance is "l1", "l2", "rank" or "none", not {distance!r}')
    if scale <= 0:
        raise ValueError(f"label_scale is positive, not {scale}")
    distances = (labels[:, None] - labels[None, :]).abs().to(dtype) / scale
    return distances**2 if distance == "l2" else distances


def _log_beta(distances: PairValues, negative: PairMask) -> PairValues:
    """Logarithm of Eq. 2 on the negatives: log |Q(i)| + d_ij - log sum_k exp(d_ik); mean weight 1 in every row."""
    count = negative.sum(1, keepdim=True).to(distances.dtype)
    total = torch.logsumexp(distances.masked_fill(~negative, -torch.inf), 1, keepdim=True)
    return count.clamp(min=1).log() + distances - torch.where(count > 0, total, 0.0)


def _reduce(losses: Float[Tensor, " batch"], contributes: Bool[Tensor, " batch"], reduction: str) -> Scalar:
    """Sum over the anchors, or the mean over those that contribute."""
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.sum() / contributes.sum().clamp(min=1)
    raise ValueError(f'reduction is "mean" or "sum", not {reduction!r}')
