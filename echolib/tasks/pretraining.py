"""Self-supervised pretraining of a segmentation network's encoder on frames without labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.data.loaders.images import MaskedImages, resize_images
from echolib.data.sampling import Normalisation, ResidentFrames
from echolib.data.selection import Dataset, Source
from echolib.data.views import views
from echolib.engine.task import Parent, Tables, Task
from echolib.losses.contrastive import byol, nt_xent
from echolib.models.contrastive import BYOL, SimCLR, target_momentum
from echolib.models.segmentation import SegmentationNetwork

VALIDATION_SEED = 0
VALIDATION_BATCH = 64


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


class Pretraining(Task):
    """SimCLR or BYOL (Saeed et al. 2022, Sec. 3.2).

    keep: the epoch of the lowest validation loss, as the released code keeps of SimCLR, or the last one. BYOL's loss is
    a distance from a target that moves: it is lowest at the start, where the target still equals what predicts it.

    Of each video of EchoNet-Dynamic, and of each sequence of CAMUS, one frame strictly between ED and ES is drawn at
    each access. Where the source has CAMUS's ED and ES images instead, they are drawn without their masks.
    """

    headline: ClassVar[tuple[str, ...]] = ("val_loss",)
    kind: Literal["pretraining"] = "pretraining"
    method: Literal["simclr", "byol"] = "simclr"
    network: SegmentationNetwork = "deeplabv3_resnet50"
    width: int = 64
    size: int = 224
    dilated: bool = True
    temperature: float = 0.1
    momentum: float = 0.996
    keep: Literal["lowest_loss", "last"] = "lowest_loss"

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> Unlabelled:
        (dataset,) = datasets.values()
        if dataset.masks is not None:
            return _without_masks(dataset, self.size, device)
        return (_between_traced if dataset.name == "echonet_dynamic" else _within_sequences)(dataset, self.size, device)

    def build(self, data: Unlabelled, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        return self.make_network(), "random"

    def make_network(self) -> SimCLR | BYOL:
        """Encoder and heads with random weights."""
        return (SimCLR if self.method == "simclr" else BYOL)(self.network, self.width, self.dilated)

    def training_items(self, data: Unlabelled) -> int:
        return len(data.of_split["train"])

    def names(self, data: Unlabelled, items: Tensor) -> list[str]:
        return [data.names[k] for k in data.of_split["train"][items].tolist()]

    def batch(self, data: Unlabelled, items: Tensor, generator: torch.Generator) -> Tensor:
        """Two views of a frame of each item: (2, batch, 3, size, size)."""
        return self._two_views(data, data.of_split["train"][items], generator)

    def _two_views(self, data: Unlabelled, items: Tensor, generator: torch.Generator) -> Tensor:
        frames = data.draw(items, generator)
        return torch.stack([data.network_input(views(frames, generator)) for _ in range(2)])

    def loss(self, model: SimCLR | BYOL, batch: Tensor) -> Tensor:
        both = batch.flatten(0, 1)
        first, second = model(both).float().chunk(2)
        if self.method == "simclr":
            return nt_xent(first, second, temperature=self.temperature)
        target_first, target_second = model.project(both).float().chunk(2)
        return byol(first, target_second, second, target_first)

    def after_step(self, model: SimCLR | BYOL, progress: float) -> None:
        if self.method == "byol":
            model.follow(target_momentum(progress, self.momentum))

    def validate(self, model: nn.Module, data: Unlabelled) -> dict[str, float]:
        """The loss on the validation split in batches of up to 64, the same frames and views at every epoch."""
        generator = torch.Generator(data.pixels.device).manual_seed(VALIDATION_SEED)
        items, losses = data.of_split["val"], []
        sizes = validation_batches(len(items))
        for part in items[: sum(sizes)].split(sizes):
            losses.append(float(self.loss(model, self._two_views(data, part, generator))))
        return {"loss": float(np.average(losses, weights=sizes))}

    def is_better(self, loss: float, best: float) -> bool:
        return self.keep == "last" or super().is_better(loss, best)

    def predict(self, model: SimCLR | BYOL, data: Unlabelled) -> Tables:
        """predictions: the pooled features of one frame of each validation item, f0 on, and its name."""
        items = data.of_split["val"]
        generator = torch.Generator(data.pixels.device).manual_seed(VALIDATION_SEED)
        frames = data.draw(items, generator)
        features = model.encoder(data.network_input(frames.unsqueeze(1).float() / 255)).float().cpu().numpy()
        table = pd.DataFrame(features, columns=[f"f{k}" for k in range(features.shape[1])])
        table.insert(0, "name", [data.names[k] for k in items.tolist()])
        table["val_loss"] = self.validate(model, data)["loss"]
        return {"predictions": table}

    def metrics(self, tables: Tables) -> dict[str, float]:
        return {"val_loss": float(tables["predictions"]["val_loss"].iloc[0])}

    def expected_items(self, source: Source) -> int:
        if not source.is_here:
            return source.expected * (1 if source.dataset == "echonet_dynamic" or source.sequences else 2)
        return int((source.items()["split"] == "train").sum())

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(2, 3, self.size, self.size),)


def validation_batches(items: int) -> list[int]:
    """Sizes of the batches of a validation split; a last one of one item, which has no negatives, is left out."""
    sizes = [min(VALIDATION_BATCH, items - first) for first in range(0, items, VALIDATION_BATCH)]
    return sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 else sizes


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
    places = (torch.as_tensor(each, device=device) for each in (first, count))
    return Unlabelled(items["name"].tolist(), pixels, *places, normalise, of_split)
