"""BYOL's loss on two views of each image (Grill et al. 2020)."""

import torch.nn.functional as F

from echolib.shapes import Embeddings, Scalar


def byol(p1: Embeddings, z2: Embeddings, p2: Embeddings, z1: Embeddings) -> Scalar:
    """BYOL's loss (Grill et al. 2020, Eq. 2): 2 - 2 cos(p1, z2) plus 2 - 2 cos(p2, z1), mean over the batch.

    p1, p2: the online network's predictions (B, D) of the views; z2, z1: the target network's projections of the other
    view, through which no gradient flows. Scalar between 0 and 8.
    """
    pairs = ((p1, z2), (p2, z1))
    first, second = ((2 - 2 * F.cosine_similarity(p, z.detach(), dim=1)).mean() for p, z in pairs)
    return first + second
