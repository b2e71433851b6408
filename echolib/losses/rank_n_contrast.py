"""Rank-N-Contrast (Zha et al. 2023): samples are to be as far apart in feature as they are in label."""

import torch

from echolib.losses.label_pairs import check_batch
from echolib.shapes import Embeddings, Labels, Scalar


def rank_n_contrast(embeddings: Embeddings, labels: Labels, *, temperature: float = 2.0) -> Scalar:
    """Rank-N-Contrast (Zha et al. 2023, Eq. 1): every pair (i, j) against all k at least as far from i in label.

    embeddings (N, D), not normalised: similarity is minus their Euclidean distance; labels (N,) continuous. Scalar: the
    mean over all ordered pairs. Raises ValueError for wrong shapes or a temperature that is not positive.
    """
    check_batch(embeddings, labels, temperature)
    # not by matrix product, which torch prefers above 25 rows: it cancels where two views of one clip nearly agree
    distance = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
    similarity = -distance / temperature
    label_distance = (labels[:, None] - labels[None, :]).abs()
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    # farther[i, j, k]: k is in the denominator of the pair (i, j)
    farther = (label_distance[:, None, :] >= label_distance[:, :, None]) & others[:, None, :]
    rows = similarity[:, None, :].expand_as(farther).masked_fill(~farther, -torch.inf)
    losses = torch.where(others, torch.logsumexp(torch.where(others[:, :, None], rows, 0.0), -1) - similarity, 0.0)
    return losses.sum() / max(len(labels) * (len(labels) - 1), 1)
