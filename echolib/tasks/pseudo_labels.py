"""Masks of the left ventricle in every training frame, made once by a trained segmenter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos
from echolib.data.loaders.images import MaskedImages
from echolib.data.loaders.mask_bank import pack, unpack
from echolib.data.sampling import ResidentFrames
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent, Tables, Task
from echolib.geometry.tracings import tracing_mask
from echolib.metrics.masks import dice_per_image
from echolib.tasks.segmentation import Segmentation


class PseudoLabels(Task):
    """Nothing is trained: the parent "segmenter" (Segmentation) segments every frame of every training video.

    size: pixels of the masks kept, those of the clips that learn from them. The masks lie in best.safetensors;
    predictions has one row per training video with the segmenter's Dice on its tracings (Eq. 8).
    """

    headline: ClassVar[tuple[str, ...]] = ("alpha",)
    size: int = 112

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> "_Frames":
        (dataset,), segmentation = datasets.values(), parents["segmenter"].task
        frames = ResidentFrames.from_store(dataset.frames, device).resized(segmentation.size)
        normalise = MaskedImages.of(dataset, device).normalise
        videos = EFVideos.load(dataset, self.size, device)
        return _Frames(segmentation, videos, frames, normalise, dataset.tables["tracings"], dataset.frames.height)

    def build(self, data: "_Frames", parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        segmenter = data.task.make_network().to(data.frames.device)
        segmenter.load_state_dict(parents["segmenter"].weights)
        bank = nn.Module()
        for name, tensor in zip(("packed", "area", "first"), self._segment(segmenter.eval(), data), strict=True):
            bank.register_buffer(name, tensor)
        return bank, parents["segmenter"].folder.name

    @torch.no_grad()
    def _segment(self, segmenter: nn.Module, data: "_Frames") -> tuple[Tensor, Tensor, Tensor]:
        train = data.videos.of_split["train"]
        counts = data.videos.frames.counts[train]
        first = counts.cumsum(0) - counts
        within = torch.arange(int(counts.sum()), device=train.device) - first.repeat_interleave(counts)
        index = data.videos.frames.starts[train].repeat_interleave(counts) + within
        packed, area = [], []
        for part in index.split(64):
            logits = segmenter(data.normalise(data.frames.gather(part))).float()
            area.append((logits[:, 0] > 0).sum((1, 2)))
            masks = F.interpolate(logits, size=(self.size, self.size), mode="bilinear", align_corners=False) > 0
            packed.append(pack(masks[:, 0]))
        scale = (self.size / data.task.size) ** 2
        return torch.cat(packed), torch.cat(area) * scale, first

    def predict(self, model: nn.Module, data: "_Frames") -> Tables:
        """predictions: name, dice_ed, dice_es, alpha of each training video."""
        train = data.videos.of_split["train"]
        names = data.videos.videos["name"].to_numpy()[train.cpu()]
        row = dict(zip(names, range(len(names)), strict=True))
        traced = data.tracings[data.tracings["phase"].isin(["ED", "ES"]) & data.tracings["video"].isin(row)]
        rows = torch.tensor([row[name] for name in traced["video"]], device=train.device)
        frames = model.first[rows] + torch.tensor(traced["frame"].to_numpy(), device=train.device)
        predicted = unpack(model.packed[frames], self.size).cpu().numpy()
        scale = self.size / data.native
        true = np.stack([tracing_mask(tracing * scale, self.size, self.size) for tracing in traced["tracing"]])
        dice = pd.Series(dice_per_image(predicted, true), index=[traced["video"], traced["phase"]]).unstack()
        table = pd.DataFrame({"name": names, "dice_ed": dice["ED"][names].array, "dice_es": dice["ES"][names].array})
        return {"predictions": table.assign(alpha=(table["dice_ed"] + table["dice_es"]) / 2)}

    def training_items(self, data: "_Frames") -> int:
        return 0

    def metrics(self, tables: Tables) -> dict[str, float]:
        return {"alpha": float(tables["predictions"]["alpha"].mean())}

    def expected_items(self, selection: DataSelection) -> int:
        return 0

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        return nn.Identity(), (torch.zeros(1, device=device),)


@dataclass(frozen=True)
class _Frames:
    """The videos as EF sees them, and their frames at the segmenter's size."""

    task: Segmentation
    videos: EFVideos
    frames: ResidentFrames
    normalise: object
    tracings: pd.DataFrame
    native: int
