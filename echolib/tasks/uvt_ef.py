"""EF and key frames by UVT (Reynaud et al. 2021)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from echolib.data.loaders.clips import EFVideos
from echolib.data.sampling import clip_index, mirrored_index
from echolib.data.selection import Dataset
from echolib.engine.task import Parent, Tables
from echolib.geometry.beats import key_frames
from echolib.models.uvt import UVT, UVTOutput
from echolib.shapes import Clip, EFPercent, FramePhases, Items, Scalar
from echolib.tasks.ef_from_clips import EFFromClips


@dataclass(frozen=True)
class TracedVideos(EFVideos):
    """Videos with the numbers (videos,) of their traced end-diastolic and end-systolic frame."""

    ed: Tensor
    es: Tensor


class UVTEF(EFFromClips):
    """Squared error of every frame's phase plus `ef_weight` times the squared error of EF / 100.

    training_clips: "mirrored" are the frames between the traced ED and ES frame, played back and forth; "window" are
    random clips of the video, where only frames between the two traced ones have a phase to learn. Predictions are from
    windows; a video shorter than a window is played back and forth.
    """

    clip_length: int = 128
    clip_period: int = 1
    blocks: int = 8  # residual blocks per level of the frame encoder
    layers: int = 16  # of the transformer
    training_clips: Literal["mirrored", "window"] = "mirrored"
    ef_weight: float = 5.0

    def load(self, datasets: Mapping[str, Dataset], parents: Mapping[str, Parent], device: torch.device):
        videos = super().load(datasets, parents, device)
        (dataset,) = datasets.values()
        tracings = dataset.tables["tracings"]
        traced = {
            phase: tracings[tracings["phase"] == phase].set_index("video")["frame"].loc[videos.videos["name"]]
            for phase in ("ED", "ES")
        }
        ed, es = (torch.tensor(traced[phase].to_numpy(), device=device) for phase in ("ED", "ES"))
        return TracedVideos(**vars(videos), ed=ed, es=es)

    def make_network(self) -> UVT:
        return UVT(self.width, self.clip_size, self.blocks, self.layers)

    def ejection_fraction(self, output: UVTOutput) -> EFPercent:
        return output.ef.float()

    def clips(self, data: EFVideos, videos: Items, starts: Items) -> Clip:
        return data.frames_at(videos, self._window(data, videos, starts))

    def _window(self, data: EFVideos, videos: Tensor, starts: Tensor) -> Tensor:
        return clip_index(starts, data.frames.counts[videos], self.clip_length, self.clip_period, "mirror")[0]

    def draw(self, data: TracedVideos, items: Items, generator: torch.Generator) -> tuple[Clip, EFPercent, FramePhases]:
        """Clips (batch, 3, T, H, W), EF (batch,), and the phase of each frame (batch, T), NaN where it is unknown."""
        videos = data.of_split["train"][items]
        ed, es = data.ed[videos], data.es[videos]
        if self.training_clips == "mirrored":
            index = mirrored_index(torch.minimum(ed, es), torch.maximum(ed, es), self.clip_length, generator)
        else:
            index = self._window(data, videos, self.starts(data, videos, generator))
        return data.frames_at(videos, index), data.ef[videos], phase_of(index, ed.unsqueeze(1), es.unsqueeze(1))

    def loss(self, model: UVT, batch: tuple[Clip, EFPercent, FramePhases]) -> Scalar:
        clips, ef, phase = batch
        output = model(clips)
        known = ~phase.isnan()
        errors = (output.phase.float() - phase.nan_to_num()) ** 2 * known
        of_ef = F.mse_loss(self.ejection_fraction(output) / 100, ef / 100)
        return errors.sum() / known.sum().clamp(min=1) + self.ef_weight * of_ef

    def predict(self, model: UVT, data: TracedVideos) -> Tables:
        """Also key_frames: one row per test video with the traced frames and the nearest predicted ones (name,
        ed_frame, es_frame, predicted_ed, predicted_es)."""
        return super().predict(model, data) | {"key_frames": self._key_frames(model, data)}

    def _key_frames(self, model: UVT, data: TracedVideos) -> pd.DataFrame:
        rows = []
        for video in data.of_split["test"].unsqueeze(1):
            every = torch.arange(int(data.frames.counts[video]), device=video.device).unsqueeze(0)
            phase = model(data.frames_at(video, every)).phase[0].float().cpu().numpy()
            predicted = key_frames(phase)
            ed, es = int(data.ed[video]), int(data.es[video])
            rows.append(
                {
                    "name": data.videos["name"].iloc[int(video)],
                    "ed_frame": ed,
                    "es_frame": es,
                    "predicted_ed": nearest(predicted.end_diastoles, ed, otherwise=phase.argmax()),
                    "predicted_es": nearest(predicted.end_systoles, es, otherwise=phase.argmin()),
                }
            )
        return pd.DataFrame(rows)


def phase_of(index: Tensor, ed: Tensor, es: Tensor) -> Tensor:
    """The phase to learn at frames `index`: 1 at end diastole, -1 at end systole, between them the cube of the straight
    line from one to the other; NaN outside. All broadcast."""
    line = 2 * (index - es) / (ed - es) - 1
    return torch.where(line.abs() <= 1, line**3, torch.nan)


def nearest(frames: np.ndarray, traced: int, otherwise: int) -> int:
    """The predicted frame nearest to the traced one: a video holds several beats, of which one is traced. Where none is
    predicted, `otherwise`."""
    return int(frames[np.abs(frames - traced).argmin()]) if len(frames) else int(otherwise)
