"""Random views of grey images for contrastive pretraining, drawn per sample on the device."""

from functools import lru_cache

import torch
from torch import Tensor, nn

BLUR_SHARE = 23 / 224  # the blur's kernel over the side of the image, as printed


@lru_cache(maxsize=4)
def make_views(size: int) -> nn.Module:
    """SimCLR's augmentations as Saeed et al. print them, at size x size pixels: (batch, 1, size, size) in 0 to 1.

    Resized crop (0.08 to 1 of the area, ratio 0.75 to 1.33), brightness and contrast by 0.8 with probability 0.8, blur
    with probability 0.5, horizontal flip. Hue, saturation and conversion to grey, which do nothing to a grey image, are
    left out.
    """
    from kornia import augmentation as K  # imports for seconds; only pretraining needs it

    kernel = max(3, int(BLUR_SHARE * size) // 2 * 2 + 1)
    return nn.Sequential(
        K.RandomResizedCrop((size, size), scale=(0.08, 1.0), ratio=(0.75, 1.33), same_on_batch=False),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(brightness=0.8, contrast=0.8, p=0.8, same_on_batch=False),
        K.RandomGaussianBlur((kernel, kernel), (0.1, 2.0), p=0.5, same_on_batch=False),
    )


def views(images: Tensor, generator: torch.Generator) -> Tensor:
    """One random view of each image: uint8 (batch, H, W) -> float (batch, 1, H, W) in 0 to 1.

    The library draws from torch's global state, which is seeded from `generator` for the call and put back after it.
    """
    seed = int(torch.randint(0, 2**31, (), generator=generator, device=generator.device))
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        return make_views(images.shape[-1])(images.unsqueeze(1).float() / 255)
