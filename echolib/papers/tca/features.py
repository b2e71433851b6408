"""What the models of Chen and Li look at: noise at test, class activation maps, and gates over the heart cycle."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.selection import Dataset
from echolib.engine.experiment import Place, Result, trained_model
from echolib.geometry.tracings import tracing_mask
from echolib.models.attention import TCA, attention_modules
from echolib.tasks.ef_regression import EFRegression

NOISE_SEED = 0


def degraded(data: EFVideos, share: float, split: str = "test") -> EFVideos:
    """The videos of a split with a share of the pixels of each frame set to 0, before normalisation (Sec. 7.5).

    At the size that the network sees; the same pixels for every model. Other splits are left out.
    """
    videos = data.of_split[split]
    counts = data.frames.counts[videos]
    first = counts.cumsum(0) - counts
    index = (data.frames.starts[videos] - first).repeat_interleave(counts)
    pixels = data.frames.gather(index + torch.arange(int(counts.sum()), device=index.device))
    generator = torch.Generator(pixels.device).manual_seed(NOISE_SEED)
    for part in pixels.split(512):
        part.masked_fill_(torch.rand(part.shape, generator=generator, device=part.device) < share, 0)
    frames = replace(data.frames, pixels=pixels, starts=first, counts=counts)
    kept = data.videos.iloc[videos.cpu()].reset_index(drop=True)
    rows = {split: torch.arange(len(videos), device=videos.device)}
    return EFVideos(kept, frames, data.ef[videos], data.normalise, rows)


@torch.no_grad()
def under_noise(results: Sequence[Result], place: Place, shares: Sequence[float]) -> dict[float, np.ndarray]:
    """EF by the trained models of each seed at each share of noise, ten random clips averaged: {share: (seeds, test
    videos)}, in the order of the predictions."""
    found: dict[float, list[np.ndarray]] = {share: [] for share in shares}
    for result in results:
        model, data = trained_model(result, place)
        for share in shares:
            noisy = degraded(data, share)
            task: EFRegression = result.experiment.task
            each = task.predict_random_clips(model, noisy, noisy.of_split["test"])
            found[share].append(each.cpu().double().numpy())
    return {share: np.stack(each) for share, each in found.items()}


def noisy_frames(result: Result, place: Place, shares: Sequence[float], video: int = 0) -> list[np.ndarray]:
    """The first frame of a test video at each share of noise, as the network sees it: uint8 (H, W)."""
    _, data = trained_model(result, place)
    frames = (degraded(data, share).frames for share in shares)
    return [each.pixels[each.starts[video]].cpu().numpy() for each in frames]


class Activations:
    """Class activation maps (Zhou et al. 2016) of the test clips that begin at the traced end diastole.

    names: of the videos; frames: uint8 (videos, H, W), each clip's first; maps: (videos, H, W) of the interval with the
    highest score, averaged over time and raised to the frame's size; ventricle: bool (videos, H, W) inside the tracing.
    """

    def __init__(self, result: Result, place: Place) -> None:
        task, dataset = result.experiment.task, result.experiment.data[0].open(place.cache)
        model, data = trained_model(result, place)
        videos, traced = _traced_diastoles(data, dataset)
        room = data.frames.counts[videos] - (task.clip_length - 1) * task.clip_period - 1
        device = videos.device
        starts = torch.tensor(traced["frame"].to_numpy(), device=device).minimum(room.clamp(min=0))
        self.names = traced["video"].to_numpy()
        self.frames = data.frames.gather(data.frames.starts[videos] + starts).cpu().numpy()
        self.maps = in_chunks(lambda v, s: _class_maps(model, task, data, v, s), videos, starts).cpu().numpy()
        scale = task.clip_size / dataset.frames.height
        size = (task.clip_size, task.clip_size)
        self.ventricle = np.stack([tracing_mask(each * scale, *size) for each in traced["tracing"]])

    @property
    def shares(self) -> np.ndarray:
        """Share of the positive activation that lies inside the ventricle: (videos,)."""
        positive = self.maps.clip(min=0)
        inside = (positive * self.ventricle).sum((1, 2))
        return inside / np.maximum(positive.sum((1, 2)), 1e-12)

    @property
    def areas(self) -> np.ndarray:
        """Share of the image that the ventricle fills, what activation without a place would give: (videos,)."""
        return self.ventricle.mean((1, 2))


def _traced_diastoles(data: EFVideos, dataset: Dataset) -> tuple[Tensor, pd.DataFrame]:
    """Test videos, and their ED tracings in the same order."""
    tracings = dataset.tables["tracings"].query("phase == 'ED'").set_index("video")
    videos = data.of_split["test"]
    names = data.videos["name"].to_numpy()[videos.cpu()]
    return videos, tracings.loc[names].reset_index()


@torch.no_grad()
def _class_maps(model: nn.Module, task: EFRegression, data: EFVideos, videos: Tensor, starts: Tensor) -> Tensor:
    clips = data.clips(videos, starts, task.clip_length, task.clip_period)
    if hasattr(model, "excited"):
        features = model.excited(clips)[0]
    else:
        features = clips
        for stage in (model.stem, model.layer1, model.layer2, model.layer3, model.layer4):
            features = stage(features)
    weight, bias = model.fc.classify.weight, model.fc.classify.bias
    interval = (features.mean((2, 3, 4)) @ weight.T + bias).argmax(1)
    maps = torch.einsum("bchw,bc->bhw", features.mean(2), weight[interval]).float()
    size = (task.clip_size, task.clip_size)
    return F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)


@torch.no_grad()
def gates_over_time(result: Result, place: Place, truth: pd.DataFrame) -> pd.DataFrame:
    """How open TCA's gates are at each frame of the middle test clips, beside what the heart truly does then.

    truth: item, frame, volume_ml and phase (0 to 1 from end diastole on) of every frame, which a simulation knows.
    Returns name, place (of the module), phase, speed (|dV/dt| in end-diastolic volumes a frame), excitation: the mean
    over channels of |E - 1/2|, 0 where nothing moves.
    """
    task = result.experiment.task
    model, data = trained_model(result, place)
    videos = data.of_split["test"]
    starts = task.middle(data, videos)
    found: dict[str, list[Tensor]] = {}
    hooks = [
        module.register_forward_pre_hook(
            lambda module, inputs, name=name: found.setdefault(_stage(name), []).append(
                (module.gate(inputs[0]).float() - 0.5).abs().mean(1)
            )
        )
        for name, module in attention_modules(model).items()
        if type(module) is TCA
    ]
    task.predict_clips(model, data, videos, starts)
    for hook in hooks:
        hook.remove()
    names = data.videos["name"].to_numpy()[videos.cpu()]
    heart = _heart(truth, names, starts.cpu().numpy(), task.clip_length, task.clip_period)
    parts = [
        _at_frames(torch.cat(each).cpu().numpy(), heart, task.clip_length).assign(place=p) for p, each in found.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _stage(name: str) -> str:
    """layer1.2 -> stage 1."""
    return name.partition(".")[0].replace("layer", "stage ")


def _heart(truth: pd.DataFrame, names, starts, length: int, period: int) -> pd.DataFrame:
    """Phase and speed at each frame of each clip: name, step, phase, speed."""
    by_video, parts = dict(iter(truth.groupby("item"))), []
    for name, start in zip(names, starts, strict=True):
        video = by_video[name].sort_values("frame")
        frames = np.minimum(start + period * np.arange(length), len(video) - 1)
        volume = video["volume_ml"].to_numpy()
        speed = abs(np.gradient(volume)) / volume.max()
        parts.append(
            pd.DataFrame(
                {
                    "name": name,
                    "step": range(length),
                    "phase": video["phase"].to_numpy()[frames],
                    "speed": speed[frames],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _at_frames(excitation: np.ndarray, heart: pd.DataFrame, length: int) -> pd.DataFrame:
    """Gates (videos, T) beside the heart: deep modules see fewer steps, each in the middle of the frames it covers."""
    steps = excitation.shape[1]
    middle = np.minimum(((np.arange(steps) + 0.5) * length / steps).astype(int), length - 1)
    seen = heart[heart["step"].isin(middle)].reset_index(drop=True)
    return seen.drop(columns="step").assign(excitation=excitation.ravel())


def gate_table(gates: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of a gate's excitation with how fast the volume changes, over the steps of each clip, averaged
    over test videos; one row a place."""
    rows = []
    for place, part in gates.groupby("place", sort=False):
        within = [
            spearmanr(each["excitation"], each["speed"]).statistic
            for _, each in part.groupby("name")
            if len(each) > 2 and each["excitation"].nunique() > 1 and each["speed"].nunique() > 1
        ]
        row = {
            "place": place,
            "steps": int(part.groupby("name").size().iloc[0]),
            "excitation": part["excitation"].mean(),
        }
        rows.append(row | {"correlation": np.mean(within) if within else np.nan, "n": len(within)})
    return pd.DataFrame(rows)


def phantom_truth(phantom: Path) -> pd.DataFrame:
    """What the simulation knows of every EchoNet-Dynamic frame; `phantom` holds the dataset's folder and truth/."""
    return pd.read_csv(phantom / "truth" / "EchoNet-Dynamic.csv", usecols=["item", "frame", "volume_ml", "phase"])
