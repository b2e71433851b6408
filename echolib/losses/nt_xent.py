"""SimCLR's loss on two views of each image (Chen et al. 2020)."""

import torch
import torch.distributed as distributed
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from echolib.shapes import Embeddings, Scalar


def nt_xent(z1: Embeddings, z2: Embeddings, *, temperature: float) -> Scalar:
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
    row = first + torch.arange(count, device=z1.device)
    itself, positive = torch.cat([row, row + total]), torch.cat([row + total, row])
    similarity = similarity.scatter(1, itself[:, None], -torch.inf)
    return F.cross_entropy(similarity, positive)


def _of_all_processes(z1: Embeddings, z2: Embeddings) -> tuple[int, Float[Tensor, "views embedding"]]:
    """Views of all processes, first views before second ones, and the row at which this process's begin."""
    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return 0, torch.cat([z1, z2])
    from torch.distributed.nn.functional import all_gather  # gradients flow back to the process a view came from

    gathered = [torch.cat(list(all_gather(z.contiguous()))) for z in (z1, z2)]
    return distributed.get_rank() * len(z1), torch.cat(gathered)
