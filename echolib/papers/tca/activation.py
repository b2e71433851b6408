"""Chen and Li's Fig. 4: which part of the image decides, by class activation maps (Zhou et al., CVPR 2016)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.selection import Dataset
from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.geometry.tracings import tracing_mask
from echolib.models.semantic import SemanticNetwork
from echolib.tasks.ef_from_clips import EFFromClips


@dataclass(frozen=True)
class ActivationMaps:
    """Class activation maps of clips, one per video.

    names (videos,); frames: uint8 (videos, H, W), each clip's first; maps (videos, H, W), positive where the activation
    speaks for the interval of EF that the network chose; ventricle: bool (videos, H, W), inside the tracing; cells: of
    the maps (rows, columns) before they were interpolated to H x W.
    """

    names: np.ndarray
    frames: np.ndarray
    maps: np.ndarray
    ventricle: np.ndarray
    cells: tuple[int, int]

    @property
    def shares(self) -> np.ndarray:
        """Share of the positive activation that lies inside the ventricle: (videos,)."""
        positive = self.maps.clip(min=0)
        inside = (positive * self.ventricle).sum((1, 2))
        return inside / np.maximum(positive.sum((1, 2)), 1e-12)

    @property
    def areas(self) -> np.ndarray:
        """Share of the image that the ventricle fills, and of an activation that is the same everywhere: (videos,)."""
        return self.ventricle.mean((1, 2))


def activation_maps(result: Result, context: RunContext) -> ActivationMaps:
    """Maps of the test clips that begin at the traced end diastole, averaged over time and interpolated to the frame's
    size. A video too short for such a clip has its last one."""
    task, dataset = result.experiment.task, result.experiment.data[0].open(context.cache)
    model, data = trained_model(result, context)
    videos, traced = _traced_diastoles(data, dataset)
    last = (data.frames.counts[videos] - (task.clip_length - 1) * task.clip_period - 1).clamp(min=0)
    starts = torch.tensor(traced["frame"].to_numpy(), device=videos.device).minimum(last)
    maps = in_chunks(lambda video, start: class_activation_maps(model, task, data, video, start), videos, starts)
    rows, columns = maps.shape[-2:]
    scale, size = task.clip_size / dataset.frames.height, (task.clip_size, task.clip_size)
    fine = F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)
    return ActivationMaps(
        names=traced["video"].to_numpy(),
        frames=data.frames.gather(data.frames.starts[videos] + starts).cpu().numpy(),
        maps=fine.cpu().numpy(),
        ventricle=np.stack([tracing_mask(tracing * scale, *size) for tracing in traced["tracing"]]),
        cells=(rows, columns),
    )


def _traced_diastoles(data: EFVideos, dataset: Dataset) -> tuple[Tensor, pd.DataFrame]:
    """Test videos, and their ED tracings in the same order."""
    tracings = dataset.tables["tracings"].query("phase == 'ED'").set_index("video")
    videos = data.of_split["test"]
    names = data.videos["name"].to_numpy()[videos.cpu()]
    return videos, tracings.loc[names].reset_index()


@torch.no_grad()
def class_activation_maps(
    model: nn.Module, task: EFFromClips, data: EFVideos, videos: Tensor, starts: Tensor
) -> Tensor:
    """Where in the clip of each (video, start) the highest score of an interval comes from: (clips, rows, columns) of
    the network's last features, averaged over time. The mean of a map is that score without its bias."""
    clips = data.clips(videos, starts, task.clip_length, task.clip_period)
    features = _last_features(model, clips)
    weight, bias = model.fc.classify.weight, model.fc.classify.bias
    interval = (features.mean((2, 3, 4)) @ weight.T + bias).argmax(1)
    return torch.einsum("bchw,bc->bhw", features.mean(2), weight[interval]).float()


def _last_features(model: nn.Module, clips: Tensor) -> Tensor:
    """What is pooled for the scores: (batch, C, T, H, W)."""
    if isinstance(model, SemanticNetwork):
        features, _ = model.excited_features(clips)
        return features
    for stage in (model.stem, model.layer1, model.layer2, model.layer3, model.layer4):
        clips = stage(clips)
    return clips
