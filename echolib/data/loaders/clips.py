"""Videos with an ejection fraction, resident on the device: what every EF task loads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from echolib.data.errors import DataError
from echolib.data.loaders.pairs import are_pairs, paired, paired_frames
from echolib.data.sampling import Normalisation, ResidentFrames, all_starts, clips
from echolib.data.selection import DataSelection, Dataset

STATISTICS_VIDEOS = 128  # training videos from which mean and standard deviation are measured, as the reference does


@dataclass(frozen=True)
class EFVideos:
    """Frames, labels and splits of videos; of images at end diastole and end systole, as videos of two frames.

    videos: one row per video of `labelled_videos`, in the order of `frames.counts`; ef: (videos,) percent;
    of_split: video numbers by split.
    """

    videos: pd.DataFrame
    frames: ResidentFrames
    ef: Tensor
    normalise: Normalisation
    of_split: dict[str, Tensor]

    @classmethod
    def load(cls, dataset: Dataset, size: int, device: torch.device) -> "EFVideos":
        """The videos of `dataset` at size x size pixels; grey levels normalised by the training split.

        Kept for the next experiment on the same dataset: the many short trainings of a table read the same frames.
        """
        key = ("videos", size, str(device))
        if key not in dataset.derived:
            dataset.derived[key] = cls._load(dataset, size, device)
        return dataset.derived[key]

    @classmethod
    def _load(cls, dataset: Dataset, size: int, device: torch.device) -> "EFVideos":
        videos = labelled_videos(dataset)
        stored = ResidentFrames.from_store(dataset.frames, device).resized(size)
        if are_pairs(dataset.items):
            frames = paired_frames(videos, stored)
        else:
            chosen = torch.as_tensor(videos["position"].to_numpy(copy=True), device=device)
            frames = ResidentFrames(stored.pixels, stored.starts[chosen], stored.counts[chosen], device)
        ef = torch.tensor(videos["ef_percent"].to_numpy(), dtype=torch.float32, device=device)
        of_split = split_rows(videos, device)
        normalise = Normalisation.from_frames(_some_frames(frames, of_split["train"]), dataset.frames.lookup)
        return cls(videos, frames, ef, normalise, of_split)

    def clips(self, videos: Tensor, starts: Tensor, length: int, period: int) -> Tensor:
        """Normalised clips (batch, 3, length, H, W)."""
        return clips(self.frames, videos, starts, length, period, self.normalise)

    def frames_at(self, videos: Tensor, index: Tensor) -> Tensor:
        """Normalised frames (batch, 3, time, H, W) at frame numbers `index` (batch, time) within each video."""
        return self.normalise(self.frames.gather(self.frames.starts[videos].unsqueeze(1) + index)).movedim(2, 1)

    def every_clip(self, split: str, length: int, period: int, stride: int) -> tuple[Tensor, Tensor]:
        """(video, start) of each `stride`-th start of each video of a split."""
        videos = self.of_split[split]
        which, starts = all_starts(self.frames.counts[videos], length, period, stride)
        return videos[which], starts


def labelled_videos(dataset: Dataset) -> pd.DataFrame:
    """Videos with an ejection fraction, and with two traced frames where tracings are counted, as EchoNet-Dynamic's
    reference keeps them (10,025 of 10,030): one row each, with its `position` in the store. Of images at end diastole
    and end systole their pairs (see `paired`). Raises DataError where none has a label."""
    videos = _labelled(dataset.items)
    if not len(videos):
        raise DataError(f"no video of {dataset.entry.title} has an ejection fraction: choose another dataset")
    return videos


def _labelled(items: pd.DataFrame) -> pd.DataFrame:
    if "ef_percent" not in items:
        return items[:0]
    videos = paired(items) if are_pairs(items) else items.reset_index(drop=True).rename_axis("position").reset_index()
    traced = videos["traced"] >= 2 if "traced" in videos else True
    return videos[videos["ef_percent"].notna() & traced].reset_index(drop=True)


def split_rows(videos: pd.DataFrame, device: torch.device) -> dict[str, Tensor]:
    """Row numbers of the videos of each split."""
    split = videos["split"].to_numpy()
    return {name: torch.as_tensor(np.flatnonzero(split == name), device=device) for name in ("train", "val", "test")}


def _some_frames(frames: ResidentFrames, videos: Tensor) -> Tensor:
    """Eight evenly spaced frames of up to 128 evenly spaced training videos, uint8."""
    pick = torch.linspace(0, len(videos) - 1, min(STATISTICS_VIDEOS, len(videos))).round().long().to(videos.device)
    chosen = videos[pick]
    share = torch.linspace(0, 1, 8, device=videos.device)
    index = frames.starts[chosen].unsqueeze(1) + (share * (frames.counts[chosen] - 1).unsqueeze(1)).long()
    return frames.gather(index)


def expected_videos(selection: DataSelection) -> int:
    """Training videos with an ejection fraction, from the tables alone."""
    if not selection.is_here:
        return selection.expected
    return int((_labelled(selection.items())["split"] == "train").sum())


def in_chunks(function: Callable[..., Tensor], *tensors: Tensor, size: int = 32) -> Tensor:
    """function over chunks of equally long tensors, results concatenated: bounds the memory of an evaluation."""
    return torch.cat([function(*part) for part in _chunks(tensors, size)])


def _chunks(tensors: tuple[Tensor, ...], size: int) -> Iterator[tuple[Tensor, ...]]:
    return zip(*(tensor.split(size) for tensor in tensors), strict=True)
