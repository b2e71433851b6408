"""Chen and Li's Fig. 3: EF of test videos some of whose pixels are set to 0."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from echolib.data.loaders.clips import EFVideos
from echolib.engine.execution import trained_model
from echolib.engine.experiment import Result, RunContext
from echolib.tasks.ef_from_clips import EFFromClips

SEED = 0  # of the pixels that are lost
FRAMES_AT_ONCE = 512


def degraded(data: EFVideos, share: float, split: str = "test") -> EFVideos:
    """The videos of a split with a share of the pixels of each frame set to 0, before normalisation (Sec. 7.5).

    At the size that the network sees; the same pixels for every model. Other splits are left out.
    """
    videos = data.of_split[split]
    counts = data.frames.counts[videos]
    first = counts.cumsum(0) - counts
    index = (data.frames.starts[videos] - first).repeat_interleave(counts)
    pixels = data.frames.gather(index + torch.arange(int(counts.sum()), device=index.device))
    generator = torch.Generator(pixels.device).manual_seed(SEED)
    for part in pixels.split(FRAMES_AT_ONCE):
        part.masked_fill_(torch.rand(part.shape, generator=generator, device=part.device) < share, 0)
    frames = replace(data.frames, pixels=pixels, starts=first, counts=counts)
    kept = data.videos.iloc[videos.cpu()].reset_index(drop=True)
    rows = {split: torch.arange(len(videos), device=videos.device)}
    return EFVideos(kept, frames, data.ef[videos], data.normalise, rows)


@torch.no_grad()
def under_noise(results: Sequence[Result], context: RunContext, shares: Sequence[float]) -> dict[float, np.ndarray]:
    """EF by the trained model of each seed at each share of lost pixels, the mean over random clips: {share: (seeds,
    test videos)}, videos in the order of the predictions."""
    by_share: dict[float, list[np.ndarray]] = {share: [] for share in shares}
    for result in results:
        model, data = trained_model(result, context)
        task: EFFromClips = result.experiment.task
        for share in shares:
            noisy = degraded(data, share)
            prediction = task.predict_random_clips(model, noisy, noisy.of_split["test"])
            by_share[share].append(prediction.cpu().double().numpy())
    return {share: np.stack(of_seeds) for share, of_seeds in by_share.items()}


def noisy_frames(result: Result, context: RunContext, shares: Sequence[float], video: int = 0) -> list[np.ndarray]:
    """The first frame of a test video at each share of lost pixels, as the network sees it: uint8 (H, W)."""
    _, data = trained_model(result, context)
    noisy = (degraded(data, share).frames for share in shares)
    return [frames.pixels[frames.starts[video]].cpu().numpy() for frames in noisy]
