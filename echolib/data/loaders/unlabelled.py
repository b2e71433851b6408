"""Frames without labels, resident on the device: what self-supervised pretraining draws from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from echolib.data.loaders.images import MaskedImages, resize_images
from echolib.data.sampling import Normalisation, ResidentFrames
from echolib.data.selection import Dataset


@dataclass(frozen=True)
class Unlabelled:
    """Frames to draw from: for item i one of `count[i]` frames from `first[i]` on; names and items by split."""

    names: list[str]
    pixels: Tensor  # uint8 (frames, size, size)
    first: Tensor
    count: Tensor
    normalise: Normalisation
    of_split: dict[str, Tensor]

    def draw(self, items: Tensor, generator: torch.Generator) -> Tensor:
        """A frame of each item, drawn anew: uint8 (batch, size, size)."""
        share = torch.rand(len(items), generator=generator, device=generator.device, dtype=torch.float64)
        return self.pixels[self.first[items] + (share * self.count[items]).long()]

    def network_input(self, images: Tensor) -> Tensor:
        """Images in 0 to 1 (batch, 1, H, W) -> normalised like the segmentation's (batch, 3, H, W)."""
        table = self.normalise.table.to(images.device)
        low, step = table[0], table[255] - table[0]
        return low.view(1, -1, 1, 1) + step.view(1, -1, 1, 1) * images


def unlabelled_frames(dataset: Dataset, size: int, device: torch.device) -> Unlabelled:
    """Frames strictly between ED and ES of each EchoNet-Dynamic video or CAMUS sequence, at size x size pixels; or
    CAMUS's ED and ES images, without their masks."""
    if dataset.masks is not None:
        return _without_masks(dataset, size, device)
    return (_between_traced if "tracings" in dataset.tables else _within_sequences)(dataset, size, device)


def _between_traced(dataset: Dataset, size: int, device: torch.device) -> Unlabelled:
    """Frames of EchoNet-Dynamic between ED and ES, which are traced."""
    traced = dataset.tables["tracings"].query("phase in ('ED', 'ES')").groupby("video")["frame"].agg(["min", "max"])
    items = dataset.items[dataset.items["name"].isin(traced.index)]
    low, high = (traced.loc[items["name"], end].to_numpy() for end in ("min", "max"))
    return _between(dataset, items, low, high, size, device)


def _within_sequences(dataset: Dataset, size: int, device: torch.device) -> Unlabelled:
    """Frames of CAMUS sequences, whose first and last frame are ED and ES."""
    last = dataset.frames.counts[[dataset.frames.index[name] for name in dataset.items["name"]]] - 1
    return _between(dataset, dataset.items, np.zeros_like(last), last, size, device)


def _between(
    dataset: Dataset, items: pd.DataFrame, low: np.ndarray, high: np.ndarray, size: int, device: torch.device
) -> Unlabelled:
    """The frames of each item strictly between two; where there is none, the first."""
    starts = dataset.frames.starts[[dataset.frames.index[name] for name in items["name"]]]
    count = np.maximum(high - low - 1, 1)
    wanted = np.concatenate([np.arange(n) + s for s, n in zip(starts + low + (high - low > 1), count, strict=True)])
    frames = ResidentFrames.from_store(dataset.frames, device)
    pixels = torch.cat(
        [resize_images(frames.gather(part), size) for part in torch.as_tensor(wanted, device=device).split(512)]
    )
    return _unlabelled(items, pixels, count, dataset, device)


def _without_masks(dataset: Dataset, size: int, device: torch.device) -> Unlabelled:
    """ED and ES images, one each an item."""
    stored = MaskedImages.of(dataset, device)
    pixels = stored.resized(size)[0]
    return _unlabelled(stored.items, pixels, np.ones(len(pixels), int), dataset, device)


def _unlabelled(items: pd.DataFrame, pixels: Tensor, count: np.ndarray, dataset: Dataset, device) -> Unlabelled:
    first = np.cumsum(count) - count
    split = items["split"].to_numpy()
    of_split = {name: torch.as_tensor(np.flatnonzero(split == name), device=device) for name in ("train", "val")}
    train = np.flatnonzero(split == "train")
    seen = np.concatenate([np.arange(count[k]) + first[k] for k in train])
    normalise = Normalisation.from_frames(pixels[torch.as_tensor(seen, device=device)], dataset.frames.lookup)
    starts, lengths = (torch.as_tensor(numbers, device=device) for numbers in (first, count))
    return Unlabelled(items["name"].tolist(), pixels, starts, lengths, normalise, of_split)
