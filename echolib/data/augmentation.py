"""Random changes of ultrasound images that leave a ventricle a ventricle: geometry, contrast, gain; drawn per image."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FIELD_CELLS = 4  # of the smooth gain across an image, in each direction
OUTSIDE = -1.5  # of a normalised image, outside of its sector


@dataclass(frozen=True)
class Strength:
    """How far each quantity goes, evenly drawn to both sides: degrees; shares of the scale, of the aspect and of the
    image's side; the logarithm of gamma; shares of the gain, of the whole image and smoothly across it."""

    rotation_deg: float = 20.0
    scale: float = 0.2
    aspect: float = 0.1
    shift: float = 0.1
    log_gamma: float = 0.5
    gain: float = 0.15
    field: float = 0.3


def affine_maps(count: int, strength: Strength, generator: torch.Generator) -> Tensor:
    """Random maps (count, 2, 3) from the places of the new image to those of the old, as `affine_grid` takes them."""

    def uniform(reach: float) -> Tensor:
        return reach * (2 * torch.rand(count, generator=generator, device=generator.device) - 1)

    angle = uniform(math.radians(strength.rotation_deg))
    scale, aspect = 1 + uniform(strength.scale), (1 + uniform(strength.aspect)).sqrt()
    wide, high = scale * aspect, scale / aspect
    shift = 2 * uniform(strength.shift), 2 * uniform(strength.shift)  # the sides reach from -1 to 1
    rows = [wide * angle.cos(), -high * angle.sin(), shift[0], wide * angle.sin(), high * angle.cos(), shift[1]]
    return torch.stack(rows, 1).view(count, 2, 3)


def moved(images: Tensor, maps: Tensor, mode: str = "bilinear") -> Tensor:
    """Each of (batch, channels, H, W) as its map (batch, 2, 3) moves it; 0 from outside. Square images keep angles."""
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode=mode, align_corners=False)


def recoloured(grey: Tensor, strength: Strength, generator: torch.Generator) -> Tensor:
    """Grey levels (batch, H, W) in 0 to 1 with another gamma, gain and gain across the image; 0, outside of the sector,
    stays 0."""
    count, device = len(grey), generator.device

    def uniform(reach: float, *shape: int) -> Tensor:
        return reach * (2 * torch.rand(count, *shape, generator=generator, device=device) - 1)

    gamma = uniform(strength.log_gamma, 1, 1).exp()
    field = uniform(strength.field, 1, FIELD_CELLS, FIELD_CELLS)
    field = F.interpolate(field, size=grey.shape[-2:], mode="bicubic", align_corners=True).squeeze(1)
    changed = grey.clamp(min=1e-4) ** gamma * (1 + uniform(strength.gain, 1, 1)) * (1 + field)
    return changed.clamp(0, 1) * (grey > 0)


def sector_normalised(grey: Tensor) -> Tensor:
    """Grey levels (batch, H, W), each image by mean and standard deviation of its own sector, where they are above 0;
    `OUTSIDE` elsewhere. So gain and format of a scanner do not matter."""
    inside = grey > 0
    count = inside.sum((1, 2), keepdim=True).clamp(min=1)
    mean = grey.sum((1, 2), keepdim=True) / count
    spread = (((grey - mean) * inside).square().sum((1, 2), keepdim=True) / count).sqrt()
    return torch.where(inside, (grey - mean) / (spread + 1 / 255), OUTSIDE)
