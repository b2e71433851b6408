"""Ejection fraction from clips: what every EF system shares."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, expected_videos, in_chunks
from echolib.data.sampling import crop_offsets, random_starts, shift_crop
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent, Tables, Task
from echolib.metrics.ejection import ef_errors
from echolib.shapes import Clip, EFPercent, Items

FULL_SIZE = 112  # pixels of EchoNet-Dynamic's frames, to which the reference's pad of 12 belongs


class EFFromClips(Task):
    """Learns from one random clip per video; at test every clip of a video is averaged.

    EF in percent. `test_stride` = 1 predicts from every possible start, as the reference's "all" does. A subclass makes
    the network and the loss, and says what is its own of clips and tables.
    """

    headline: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")
    width: int = 64
    clip_length: int = 32
    clip_period: int = 2
    clip_size: int = FULL_SIZE
    pad: int = 12  # at 112 pixels; scaled with the clip size
    test_stride: int = 1
    random_clips: int = 10  # whose mean is a second reading of a test video, as in video classification

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> EFVideos:
        (dataset,) = datasets.values()
        return EFVideos.load(dataset, self.clip_size, device)

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        return self.make_network(), "random"

    def make_network(self) -> nn.Module:
        """The network with random weights."""
        raise NotImplementedError

    def training_items(self, data: EFVideos) -> int:
        return len(data.of_split["train"])

    def names(self, data: EFVideos, items: Items) -> list[str]:
        rows = data.of_split["train"][items].tolist()
        return data.videos["name"].iloc[rows].tolist()

    @property
    def crop_pad(self) -> int:
        """The pad of 12 pixels at 112, at the clip size."""
        return round(self.pad * self.clip_size / FULL_SIZE)

    def starts(self, data: EFVideos, videos: Items, generator: torch.Generator) -> Items:
        """A random start of a clip in each video: (videos,)."""
        return random_starts(data.frames.counts[videos], self.clip_length, self.clip_period, generator)

    def clips(self, data: EFVideos, videos: Items, starts: Items) -> Clip:
        """The clip (batch, 3, T, H, W) of each (video, start), without augmentation."""
        return data.clips(videos, starts, self.clip_length, self.clip_period)

    def draw(self, data: EFVideos, items: Items, generator: torch.Generator) -> tuple[Tensor, ...]:
        """A clip (batch, 3, T, H, W) from a random start of each training video, and its EF (batch,)."""
        videos = data.of_split["train"][items]
        starts = self.starts(data, videos, generator)
        return self.clips(data, videos, starts), data.ef[videos]

    def batch(self, data: EFVideos, items: Items, generator: torch.Generator) -> tuple[Tensor, ...]:
        """What `draw` gives, each clip moved by up to `crop_pad` pixels."""
        clips, *targets = self.draw(data, items, generator)
        return shift_crop(clips, crop_offsets(len(items), self.crop_pad, generator)), *targets

    def validate(self, model: nn.Module, data: EFVideos) -> dict[str, float]:
        """Mean squared error on the middle clip of each validation video."""
        videos = data.of_split["val"]
        error = self.predict_clips(model, data, videos, self.middle(data, videos)) - data.ef[videos]
        return {"loss": float((error**2).mean()), "mae": float(error.abs().mean())}

    def ejection_fraction(self, output: Any) -> EFPercent:
        """EF in percent (batch,) of what the network gives."""
        return output.squeeze(1).float()

    def predict_clips(self, model: nn.Module, data: EFVideos, videos: Items, starts: Items) -> EFPercent:
        """EF in percent of the clip of each (video, start): (clips,)."""

        def forward(video: Tensor, start: Tensor) -> Tensor:
            return self.ejection_fraction(model(self.clips(data, video, start)))

        return in_chunks(forward, videos, starts)

    def predict_random_clips(self, model: nn.Module, data: EFVideos, videos: Items) -> EFPercent:
        """EF in percent (videos,): the mean over `random_clips` random clips of each, the same ones at every call."""
        generator = torch.Generator(videos.device).manual_seed(0)
        repeated = videos.repeat_interleave(self.random_clips)
        ef = self.predict_clips(model, data, repeated, self.starts(data, repeated, generator))
        return ef.view(len(videos), self.random_clips).mean(1)

    def clip_table(self, model: nn.Module, data: EFVideos, videos: Tensor, starts: Tensor) -> dict[str, Tensor]:
        """The columns that each clip contributes to the tables, (clips,) each: `prediction` first. A video's row holds
        their means."""
        return {"prediction": self.predict_clips(model, data, videos, starts)}

    def predict(self, model: nn.Module, data: EFVideos) -> Tables:
        """predictions and validation: one row per video of the test and the validation split; clips: one row per clip
        of the test split (name, start, prediction).

        Of a test video, `prediction` is the mean over every clip, `random_clips` that over random clips, `one_clip`
        that of the clip in the middle.
        """
        predictions, clips = self._every_clip(model, data, "test")
        test = data.of_split["test"]
        middle = self.predict_clips(model, data, test, self.middle(data, test))
        for name, ef in (("one_clip", middle), ("random_clips", self.predict_random_clips(model, data, test))):
            predictions.insert(len(predictions.columns) - 1, name, ef.cpu().double().numpy())
        return {"predictions": predictions, "clips": clips, "validation": self._every_clip(model, data, "val")[0]}

    def _every_clip(self, model: nn.Module, data: EFVideos, split: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """One row per video, its clips averaged; and one row per clip."""
        videos, starts = data.every_clip(split, self.clip_length, self.clip_period, self.test_stride)
        columns = {name: column.cpu().double() for name, column in self.clip_table(model, data, videos, starts).items()}
        clips = pd.DataFrame({"row": videos.cpu(), "start": starts.cpu()} | columns)
        clips.insert(0, "name", data.videos["name"].to_numpy()[clips["row"]])
        table = data.videos.iloc[data.of_split[split].cpu()][["name", "ef_percent", "fps", "frames"]]
        table = table.rename(columns={"ef_percent": "label"})
        by_video = clips.groupby("row")
        table[list(columns)], table["clips"] = by_video[list(columns)].mean().loc[table.index], by_video.size()
        return table.reset_index(drop=True), clips.drop(columns="row")

    def metrics(self, tables: Tables) -> dict[str, float]:
        return ef_errors(tables["predictions"])

    def expected_items(self, selection: DataSelection) -> int:
        return expected_videos(selection)

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(1, 3, self.clip_length, self.clip_size, self.clip_size),)

    def middle(self, data: EFVideos, videos: Tensor) -> Tensor:
        """The start of the clip in the middle of each video."""
        room = data.frames.counts[videos] - (self.clip_length - 1) * self.clip_period - 1
        return room.clamp(min=0) // 2
