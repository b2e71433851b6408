"""Supervised contrastive loss (Khosla et al. 2020)."""

import torch

from echolib.losses.label_pairs import (
    check_batch,
    inner_products,
    log_sum_exp_over,
    mean_over,
    positives_and_negatives,
)
from echolib.shapes import Embeddings, Labels, Scalar


def supcon(embeddings: Embeddings, labels: Labels, *, temperature: float = 0.1) -> Scalar:
    """Supervised contrastive loss (Khosla et al. 2020, L_out): every other sample in the denominator with weight 1,
    mean over the anchors that have positives. embeddings (N, D) normalised, labels (N,) -> scalar.

    Raises ValueError for wrong shapes or a temperature that is not positive.
    """
    check_batch(embeddings, labels, temperature)
    similarity = inner_products(embeddings) / temperature
    positive, negative = positives_and_negatives(labels)
    contributes = positive.any(1)
    losses = log_sum_exp_over(similarity, positive | negative) - mean_over(similarity, positive)
    return torch.where(contributes, losses, 0.0).sum() / contributes.sum().clamp(min=1)
