"""The beat-to-beat system pointed at one video, of its dataset or of your own."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from echolib.data.letterbox import fit_frames
from echolib.data.loaders.clips import EFVideos, in_chunks
from echolib.data.sampling import ResidentFrames
from echolib.geometry.beats import Beats, find_beats
from echolib.tasks.beat_to_beat import BeatData, BeatToBeat

FEWEST_FRAMES = 8  # a shorter video holds no beat


@dataclass(frozen=True)
class Reading:
    """What the system reads from a video.

    frames: uint8 (frames, H, W) at the size of the dataset's; masks: bool (frames, H, W) of the left ventricle;
    area_px: (frames,) its area in pixels; beats: where it is largest and smallest; clips: one row per beat, or a single
    one where there is no clear beat: start (frame) and prediction (EF in percent); ef_percent: their mean.
    """

    frames: np.ndarray
    masks: np.ndarray
    area_px: np.ndarray
    beats: Beats
    clips: pd.DataFrame
    ef_percent: float


@torch.no_grad()
def read_one(task: BeatToBeat, model: nn.Module, data: BeatData, frames: np.ndarray) -> Reading:
    """EF and outlines of one video by a trained system.

    model, data: of `trained_model`; frames: uint8 (frames, height, width) of any size, letterboxed into that of the
    dataset's frames. Raises ValueError for another type or shape, or a video too short for a beat.
    """
    if frames.ndim != 3 or frames.dtype != np.uint8 or len(frames) < FEWEST_FRAMES:
        raise ValueError(
            f"a video of {frames.dtype} and shape {frames.shape}: uint8 (frames, height, width) is wanted, "
            f"as read_video gives it, with at least {FEWEST_FRAMES} frames"
        )
    fitted = fit_frames(frames, (data.stored_size, data.stored_size))
    alone = _alone(data, fitted)
    tables = task.predict(model, alone)
    area, clips = tables["areas"]["area_px"].to_numpy(), tables["beats"][["start", "prediction"]]
    beats = find_beats(area, prominence=task.prominence)
    masks = _ventricle(model["segmenter"], alone)
    return Reading(fitted, masks, area, beats, clips.reset_index(drop=True), float(clips["prediction"].mean()))


def _alone(data: BeatData, frames: np.ndarray) -> BeatData:
    """The data of a system with one video, uint8 (frames, size, size) as stored, for its test split."""
    device = data.videos.ef.device
    first, count = torch.zeros(1, dtype=torch.long, device=device), torch.tensor([len(frames)], device=device)
    stored = ResidentFrames(torch.tensor(frames, device=device), first, count, device)
    video = pd.DataFrame({"name": ["video"], "ef_percent": [np.nan]})
    unknown = torch.full((1,), torch.nan, device=device)
    at_clip_size = stored.resized(data.ef_task.clip_size)
    videos = EFVideos(video, at_clip_size, unknown, data.videos.normalise, {"test": first})
    return replace(data, videos=videos, frames=stored.resized(data.segmentation_task.size))


def _ventricle(segmenter: nn.Module, data: BeatData) -> np.ndarray:
    """The segmenter's mask of every frame at the stored size: bool (frames, size, size)."""
    size = (data.stored_size, data.stored_size)

    def masks(index: torch.Tensor) -> torch.Tensor:
        logits = segmenter(data.normalise_frames(data.frames.gather(index)))[:, :1].float()
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)[:, 0] > 0

    return in_chunks(masks, torch.arange(int(data.frames.counts[0]), device=data.frames.device), size=64).cpu().numpy()
