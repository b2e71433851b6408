"""Beat-to-beat EF of EchoNet-Dynamic: segment every frame, find the beats, average one clip a beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.loaders.images import MaskedImages
from echolib.data.sampling import Normalisation, ResidentFrames
from echolib.data.selection import DataSelection, Dataset
from echolib.engine.task import Parent, Tables, Task
from echolib.geometry.beats import beat_clip_starts, find_beats
from echolib.metrics.ejection import ef_errors
from echolib.tasks.ef_regression import EFRegression
from echolib.tasks.segmentation import Segmentation


@dataclass(frozen=True)
class BeatData:
    """The test videos as either network wants them."""

    ef_task: EFRegression
    segmentation_task: Segmentation
    videos: EFVideos
    frames: ResidentFrames  # at the segmenter's size
    normalise_frames: Normalisation  # the segmenter's own
    stored_size: int


class BeatToBeat(Task):
    """Nothing is trained: it joins the parents "ef" (EFRegression) and "segmenter" (Segmentation).

    prominence: "percentile" takes half the distance between the 5th and 95th percentile of the area as the least
    prominence of a systole, "reference" what the published code computes (see `echolib.geometry.find_beats`).
    """

    headline: ClassVar[tuple[str, ...]] = ("mae", "rmse", "r2")
    prominence: Literal["percentile", "reference"] = "percentile"

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device) -> BeatData:
        (dataset,) = datasets.values()
        ef, segmentation = parents["ef"].task, parents["segmenter"].task
        frames = ResidentFrames.from_store(dataset.frames, device).resized(segmentation.size)
        videos = EFVideos.load(dataset, ef.clip_size, device)
        normalise = MaskedImages.load(dataset, device).normalise
        return BeatData(ef, segmentation, videos, frames, normalise, dataset.frames.height)

    def build(self, data: BeatData, parents: Mapping[str, Parent]) -> tuple[nn.Module, str]:
        networks = {"ef": data.ef_task.make_network(), "segmenter": data.segmentation_task.make_network()}
        model = nn.ModuleDict(networks)
        for role, part in model.items():
            part.load_state_dict(parents[role].weights)
        return model, " and ".join(parent.folder.name for parent in parents.values())

    def predict(self, model: nn.Module, data: BeatData) -> Tables:
        """predictions: one row per test video; areas: LV area of each frame in stored px; beats: one row per clip."""
        areas = self._areas(model["segmenter"], data)
        by_video = areas.groupby("name", sort=False)["area_px"]
        beats = pd.concat([self._beats(name, area.to_numpy(), data.ef_task) for name, area in by_video])
        row = dict(zip(data.videos.videos["name"], range(len(data.videos.videos)), strict=True))
        videos = torch.tensor([row[name] for name in beats["name"]], device=data.videos.ef.device)
        starts = torch.tensor(beats["start"].to_numpy(), device=videos.device)
        ef = data.ef_task.predict_clips(model["ef"], data.videos, videos, starts)
        beats["prediction"] = ef.cpu().double().numpy()
        test = data.videos.videos.iloc[data.videos.of_split["test"].cpu()]
        table = test[["name", "ef_percent"]].rename(columns={"ef_percent": "label"})
        by_video = beats.groupby("name")
        table["prediction"] = table["name"].map(by_video["prediction"].mean())
        table["beats"] = table["name"].map(by_video["found"].sum())
        return {"predictions": table.reset_index(drop=True), "areas": areas, "beats": beats}

    def _areas(self, segmenter: nn.Module, data: BeatData) -> pd.DataFrame:
        test = data.videos.of_split["test"]
        names = data.videos.videos["name"].to_numpy()
        starts, counts = data.videos.frames.starts, data.videos.frames.counts
        index = torch.cat([starts[v] + torch.arange(int(counts[v]), device=test.device) for v in test])
        scale = (data.stored_size / data.segmentation_task.size) ** 2

        def area(part: Tensor) -> Tensor:
            images = data.normalise_frames(data.frames.gather(part))
            return (segmenter(images)[:, 0] > 0).sum((1, 2)) * scale

        pixels = in_chunks(area, index, size=64).cpu().numpy()
        repeats = counts[test].cpu().numpy()
        frame = np.concatenate([np.arange(n) for n in repeats])
        return pd.DataFrame({"name": np.repeat(names[test.cpu()], repeats), "frame": frame, "area_px": pixels})

    def _beats(self, name: str, area: np.ndarray, ef: EFRegression) -> pd.DataFrame:
        """First frames of its beats' clips; without a clear beat that of the smallest area, and `found` False."""
        systoles = find_beats(area, prominence=self.prominence).systoles
        found = len(systoles) > 0
        starts = beat_clip_starts(
            systoles if found else np.array([area.argmin()]),
            length=ef.clip_length,
            period=ef.clip_period,
            frames=len(area),
        )
        return pd.DataFrame({"name": name, "start": starts, "found": found})

    def training_items(self, data: BeatData) -> int:
        return 0

    def metrics(self, tables: Tables) -> dict[str, float]:
        return ef_errors(tables["predictions"])

    def expected_items(self, selection: DataSelection) -> int:
        return 0

    def workload(self, device: str = "meta") -> tuple[nn.Module, tuple[Tensor, ...]]:
        return nn.Identity(), (torch.zeros(1, device=device),)
