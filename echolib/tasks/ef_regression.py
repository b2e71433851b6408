"""Ejection fraction by regression from one clip: the base system of EchoNet-Dynamic (Ouyang et al. 2020)."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.sampling import crop_offsets, random_starts, shift_crop
from echolib.data.source import Dataset, Source
from echolib.models.video import VideoNetwork, ef_regressor, load_kinetics
from echolib.tasks.base import Parent, Tables, Task
from echolib.tasks.video_data import EFVideos, ef_errors, expected_videos, in_chunks

FULL_SIZE = 112  # pixels of EchoNet-Dynamic's frames, to which the reference's pad of 12 belongs


class EFRegression(Task):
    """Mean squared error on one random clip a video; at test every clip of a video is averaged.

    EF in percent. `test_stride` = 1 predicts from every possible start, as the reference's "all" does.
    """

    memory_format: ClassVar[torch.memory_format] = torch.channels_last_3d
    headline: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")
    kind: Literal["ef_regression"] = "ef_regression"
    network: VideoNetwork = "r2plus1d_18"
    width: int = 64
    blocks: int = 2
    weights: Literal["kinetics", "none"] = "none"
    spread: float = 1.0  # EF points to a unit of the last layer
    clip_length: int = 32
    clip_period: int = 2
    clip_size: int = FULL_SIZE
    pad: int = 12  # at 112 pixels; scaled with the clip size
    test_stride: int = 1

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> EFVideos:
        return EFVideos.load(datasets["echonet_dynamic"], self.clip_size, device)

    def build(self, data: EFVideos, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        model = self.make_network()
        return model, load_kinetics(model, self.network) if self.weights == "kinetics" else "random"

    def make_network(self) -> nn.Module:
        """The network with random weights."""
        return ef_regressor(self.network, self.width, self.blocks, spread=self.spread)

    def training_items(self, data: EFVideos) -> int:
        return len(data.of_split["train"])

    def names(self, data: EFVideos, items: Tensor) -> list[str]:
        rows = data.of_split["train"][items].tolist()
        return data.videos["name"].iloc[rows].tolist()

    def batch(self, data: EFVideos, items: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        videos = data.of_split["train"][items]
        starts = random_starts(data.frames.counts[videos], self.clip_length, self.clip_period, generator)
        clips = data.clips(videos, starts, self.clip_length, self.clip_period)
        pad = round(self.pad * self.clip_size / FULL_SIZE)
        return shift_crop(clips, crop_offsets(len(items), pad, generator)), data.ef[videos]

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        clips, ef = batch
        return F.mse_loss(model(clips).squeeze(1).float(), ef)

    def validate(self, model: nn.Module, data: EFVideos) -> dict[str, float]:
        """Mean squared error on the middle clip of each validation video."""
        videos = data.of_split["val"]
        error = self.predict_clips(model, data, videos, self._middle(data, videos)) - data.ef[videos]
        return {"loss": float((error**2).mean()), "mae": float(error.abs().mean())}

    def predict_clips(self, model: nn.Module, data: EFVideos, videos: Tensor, starts: Tensor) -> Tensor:
        """EF in percent of the clip of each (video, start): (clips,)."""

        def forward(video: Tensor, start: Tensor) -> Tensor:
            return model(data.clips(video, start, self.clip_length, self.clip_period)).squeeze(1).float()

        return in_chunks(forward, videos, starts)

    def predict(self, model: nn.Module, data: EFVideos) -> Tables:
        """predictions: one row a test video; clips: one row a clip (video, start, prediction)."""
        videos, starts = data.every_clip("test", self.clip_length, self.clip_period, self.test_stride)
        each = self.predict_clips(model, data, videos, starts)
        clips = pd.DataFrame({"row": videos.cpu(), "start": starts.cpu(), "prediction": each.cpu().double()})
        clips.insert(0, "name", data.videos["name"].to_numpy()[clips["row"]])
        test = data.of_split["test"]
        table = data.videos.iloc[test.cpu()][["name", "ef_percent", "fps", "frames"]]
        table = table.rename(columns={"ef_percent": "label"})
        table["prediction"] = clips.groupby("row")["prediction"].mean().loc[table.index]
        table["one_clip"] = self.predict_clips(model, data, test, self._middle(data, test)).cpu().double().numpy()
        table["clips"] = clips.groupby("row").size().loc[table.index]
        return {"predictions": table.reset_index(drop=True), "clips": clips.drop(columns="row")}

    def metrics(self, tables: Tables) -> dict[str, float]:
        return ef_errors(tables["predictions"])

    def expected_items(self, source: Source) -> int:
        return expected_videos(source)

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        with torch.device(device):
            return self.make_network(), (torch.zeros(1, 3, self.clip_length, self.clip_size, self.clip_size),)

    def _middle(self, data: EFVideos, videos: Tensor) -> Tensor:
        room = data.frames.counts[videos] - (self.clip_length - 1) * self.clip_period - 1
        return room.clamp(min=0) // 2
