"""Pairs of samples in a batch: how alike their embeddings are, which of them share a label, and sums over them."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from echolib.shapes import Embeddings, Labels, PairMask, PairValues


def bin_labels(ef: Float[Tensor, "*batch"], width: float = 1.0) -> Int64[Tensor, "*batch"]:
    """The bin of each label, floor(ef / width), int64, in the shape of `ef`. Equal bins are positives of each other."""
    if width <= 0:
        raise ValueError(f"the width of a bin is a positive number of EF points, not {width}")
    return torch.floor(ef / width).long()


def check_batch(embeddings: Tensor, labels: Tensor, temperature: float) -> None:
    """Raises ValueError unless embeddings are (N, D), labels (N,) and the temperature is positive."""
    if embeddings.dim() != 2 or labels.shape != embeddings.shape[:1]:
        raise ValueError(
            f"embeddings are (N, D) and labels (N,), got {tuple(embeddings.shape)} and {tuple(labels.shape)}"
        )
    if temperature <= 0:
        raise ValueError(f"the temperature is positive, not {temperature}")


def inner_products(embeddings: Embeddings) -> PairValues:
    """z_i . z_j of embeddings (N, D): (N, N), in their own precision."""
    with torch.autocast(embeddings.device.type, enabled=False):  # eight bits cannot tell two views of one clip apart
        return embeddings @ embeddings.T


def positives_and_negatives(labels: Labels) -> tuple[PairMask, PairMask]:
    """P(i), the other samples with the label of i, and Q(i), those with another one: bool (N, N) each."""
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same


def mean_over(values: PairValues, chosen: PairMask) -> Float[Tensor, " batch"]:
    """Mean of the chosen values (N, N) in each row: (N,); 0 where none is chosen."""
    return (values * chosen).sum(1) / chosen.sum(1).clamp(min=1)


def log_sum_exp_over(values: PairValues, chosen: PairMask) -> Float[Tensor, " batch"]:
    """log sum exp of the chosen values (N, N) in each row: (N,). A row in which none is chosen is summed whole, so that
    its gradient, which the caller has to leave out, is finite."""
    summed = chosen | ~chosen.any(1, keepdim=True)
    return torch.logsumexp(values.masked_fill(~summed, -torch.inf), 1)
