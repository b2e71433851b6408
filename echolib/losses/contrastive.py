"""Self-supervised losses on two views of each image: SimCLR's NT-Xent and BYOL's distance."""

import torch
import torch.distributed as distributed
import torch.nn.functional as F
from torch import Tensor


def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy (Chen et al. 2020, Eq. 1): a scalar.

    z1, z2: embeddings (B, D) of the two views of B images, in the same order; they are normalised here. The other view
    of an image is its positive, all 2B - 2 others are negatives; where several processes train together, the views of
    all of them are. Mean over the 2B anchors. The logarithm of the sum is taken in float32 or better, so that small
    temperatures stay exact. Raises ValueError for shapes that differ or a temperature that is not positive.
    """
    if z1.shape != z2.shape or z1.dim() != 2:
        raise ValueError(f"two views are (B, D) alike, got {tuple(z1.shape)} and {tuple(z2.shape)}")
    if temperature <= 0:
        raise ValueError(f"the temperature is positive, not {temperature}")
    precision = torch.promote_types(z1.dtype, torch.float32)
    z1, z2 = (F.normalize(z.to(precision), dim=1) for z in (z1, z2))
    first, everyone = _of_all_processes(z1, z2)
    anchors, count, total = torch.cat([z1, z2]), len(z1), len(everyone) // 2
    with torch.autocast(z1.device.type, enabled=False):
        similarity = anchors @ everyone.T / temperature
    row = torch.arange(count, device=z1.device)
    itself = torch.cat([first + row, first + row + total])
    positive = torch.cat([first + row + total, first + row])
    similarity = similarity.scatter(1, itself[:, None], -torch.inf)
    return F.cross_entropy(similarity, positive)


def _of_all_processes(z1: Tensor, z2: Tensor) -> tuple[int, Tensor]:
    """Views of all processes, first views before second ones, and the row at which this process's begin."""
    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return 0, torch.cat([z1, z2])
    from torch.distributed.nn.functional import all_gather  # gradients flow back to the process a view came from

    gathered = [torch.cat(list(all_gather(z.contiguous()))) for z in (z1, z2)]
    return distributed.get_rank() * len(z1), torch.cat(gathered)


def byol(p1: Tensor, z2: Tensor, p2: Tensor, z1: Tensor) -> Tensor:
    """BYOL's loss (Grill et al. 2020, Eq. 2): 2 - 2 cos(p1, z2) plus 2 - 2 cos(p2, z1), mean over the batch.

    p1, p2: the online network's predictions (B, D) of the views; z2, z1: the target network's projections of the other
    view, through which no gradient flows. Scalar between 0 and 8.
    """
    pairs = ((p1, z2), (p2, z1))
    return sum((2 - 2 * F.cosine_similarity(p, z.detach(), dim=1)).mean() for p, z in pairs)
