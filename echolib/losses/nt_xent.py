"""SimCLR's loss on two views of each image (Chen et al. 2020)."""

import torch
import torch.nn.functional as F

from echolib.shapes import Embeddings, Scalar


def nt_xent(z1: Embeddings, z2: Embeddings, *, temperature: float) -> Scalar:
    """Normalised temperature-scaled cross-entropy (Chen et al. 2020, Eq. 1): a scalar.

    z1, z2: embeddings (B, D) of the two views of B images, in the same order; they are normalised here. The other view
    of an image is its positive, all 2B - 2 others are negatives. Mean over the 2B anchors. The logarithm of the sum is
    taken in float32 or better, so that small temperatures stay exact. Raises ValueError for shapes that differ or a
    temperature that is not positive.
    """
    if z1.shape != z2.shape or z1.dim() != 2:
        raise ValueError(f"two views are (B, D) alike, got {tuple(z1.shape)} and {tuple(z2.shape)}")
    if temperature <= 0:
        raise ValueError(f"the temperature is positive, not {temperature}")
    precision = torch.promote_types(z1.dtype, torch.float32)
    z1, z2 = (F.normalize(z.to(precision), dim=1) for z in (z1, z2))
    views, count = torch.cat([z1, z2]), len(z1)
    with torch.autocast(z1.device.type, enabled=False):
        similarity = views @ views.T / temperature
    row = torch.arange(2 * count, device=z1.device)
    similarity = similarity.scatter(1, row[:, None], -torch.inf)  # not a negative of itself
    return F.cross_entropy(similarity, row.roll(count))
