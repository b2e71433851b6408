"""Masks of every training frame, eight pixels a byte, from which those of a clip's extreme frames are taken."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BITS = 8


def pack(masks: Tensor) -> Tensor:
    """bool (..., W) -> uint8 (..., ceil(W / 8)): eight pixels a byte, the first in the lowest bit."""
    padded = F.pad(masks.to(torch.uint8), (0, -masks.shape[-1] % BITS))
    bit = 2 ** torch.arange(BITS, dtype=torch.uint8, device=masks.device)
    return (padded.unflatten(-1, (-1, BITS)) * bit).sum(-1, dtype=torch.uint8)


def unpack(packed: Tensor, width: int) -> Tensor:
    """The inverse of `pack`: uint8 (..., ceil(width / 8)) -> bool (..., width)."""
    bit = torch.arange(BITS, dtype=torch.uint8, device=packed.device)
    return ((packed.unsqueeze(-1) >> bit) & 1).flatten(-2)[..., :width].bool()


@dataclass(frozen=True)
class MaskBank:
    """Masks and areas of the frames of training videos, in the order of `EFVideos.of_split["train"]`.

    packed: uint8 (frames, H, bytes of a row); area: (frames,) px; first: (videos,) each video's first frame;
    alpha: (videos,) mean Dice of the segmenter on the video's two tracings.
    """

    packed: Tensor
    area: Tensor
    first: Tensor
    alpha: Tensor

    @classmethod
    def of(cls, stored: Mapping[str, Tensor], alpha: np.ndarray, device: torch.device) -> "MaskBank":
        """From the tensors `packed`, `area` and `first`, and alpha (videos,)."""
        packed, area, first = (stored[name].to(device) for name in ("packed", "area", "first"))
        return cls(packed, area, first, torch.tensor(alpha, dtype=torch.float32, device=device))

    def extremes(self, items: Tensor, index: Tensor, exists: Tensor) -> Tensor:
        """Masks of the largest and the smallest ventricle among the frames of each clip: bool (batch, 2, H, W).

        items (batch,): training videos; index, exists (batch, T): frames within them, and which of them exist.
        """
        frames = self.first[items].unsqueeze(1) + index
        area = self.area[frames]
        largest = area.masked_fill(~exists, -torch.inf).argmax(1, keepdim=True)
        smallest = area.masked_fill(~exists, torch.inf).argmin(1, keepdim=True)
        chosen = frames.gather(1, torch.cat([largest, smallest], 1))
        return unpack(self.packed[chosen], self.packed.shape[1])
