"""Features of clips by a trained, frozen EF network: extracted once, kept beside its weights."""

import hashlib
import json
import warnings
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from echolib.data.loaders.clips import EFVideos, in_chunks, labelled_videos
from echolib.data.sampling import crop_offsets, random_starts, shift_crop
from echolib.data.selection import Dataset
from echolib.engine.checkpoint import ResumeError, read_tensors, write_tensors
from echolib.engine.code import code_of_modules
from echolib.engine.task import Parent, on_device
from echolib.models.auxiliary import WithAuxiliary
from echolib.models.video import clip_features

SEED = 0  # of the training clips that are drawn: part of the features' description, not of an experiment's seed


@dataclass(frozen=True)
class ClipFeatures:
    """Features (clips, D) by split and the row of each clip's video in `videos`; ef (videos,) in percent.

    train: several random, randomly shifted clips a video; val and test: every `test_stride`-th start.
    """

    videos: pd.DataFrame
    ef: Tensor
    train: Tensor
    train_row: Tensor
    val: Tensor
    val_row: Tensor
    test: Tensor
    test_row: Tensor

    def by_video(self, split: str, each: Tensor) -> tuple[Tensor, Tensor]:
        """Rows of the videos of a split, and the mean over each one's clips of `each` (clips, ...)."""
        rows, place = getattr(self, f"{split}_row").unique(return_inverse=True)
        total = each.new_zeros(len(rows), *each.shape[1:]).index_add(0, place, each)
        counts = place.bincount(minlength=len(rows)).view(-1, *[1] * (each.dim() - 1))
        return rows, total / counts


TENSORS = tuple(field.name for field in fields(ClipFeatures) if field.name != "videos")


def frozen_features(encoder: Parent, dataset: Dataset, clips: int, device: torch.device) -> ClipFeatures:
    """Features by a finished EF experiment, in evaluation mode; `clips` random clips of each training video.

    Read from the encoder's folder when they were extracted before.
    """
    videos = labelled_videos(dataset)
    path = _path(encoder, clips)
    try:
        tensors = {name: tensor.to(device) for name, tensor in read_tensors(path)[0].items()}
    except ResumeError as error:
        if path.exists():
            warnings.warn(f"extracted again: {error}", stacklevel=2)
        tensors = _extract(encoder, EFVideos.load(dataset, encoder.task.clip_size, device), clips)
        write_tensors(path, tensors)
    return ClipFeatures(videos, **{name: tensors[name] for name in TENSORS})


def _path(encoder: Parent, clips: int) -> Path:
    extraction = code_of_modules(frozenset({__name__}))  # the encoder's key holds its own code, not this
    content = {"clips": clips, "seed": SEED, "task": encoder.task.model_dump(mode="json"), "code": extraction}
    described = json.dumps(content, sort_keys=True)
    return encoder.folder / f"features-{hashlib.sha256(described.encode()).hexdigest()[:12]}.safetensors"


def encoder_network(encoder: Parent, data: EFVideos) -> nn.Module:
    """The trained network of an EF experiment, without whatever only its training used, in evaluation mode."""
    # Published weights would be replaced at once by the trained ones: they need not be there.
    model, _ = encoder.task.model_copy(update={"weights": "none"}).build(data, {})
    model.load_state_dict(encoder.weights)
    network = model.network if isinstance(model, WithAuxiliary) else model
    return on_device(network, data.ef.device).eval()


@torch.no_grad()
def _extract(encoder: Parent, data: EFVideos, clips: int) -> dict[str, Tensor]:
    task, network = encoder.task, encoder_network(encoder, data)
    cuda = data.ef.device.type == "cuda"

    def features(video: Tensor, start: Tensor, offset: Tensor | None = None) -> Tensor:
        batch = data.clips(video, start, task.clip_length, task.clip_period)
        batch = batch if offset is None else shift_crop(batch, offset)
        with torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            return clip_features(network, batch).float()

    generator = torch.Generator(data.ef.device).manual_seed(SEED)
    train = data.of_split["train"].repeat(clips)
    starts = random_starts(data.frames.counts[train], task.clip_length, task.clip_period, generator)
    offsets = crop_offsets(len(train), task.crop_pad, generator)
    found = {"ef": data.ef, "train": in_chunks(features, train, starts, offsets), "train_row": train}
    for split in ("val", "test"):
        rows, starts = data.every_clip(split, task.clip_length, task.clip_period, task.test_stride)
        found |= {split: in_chunks(features, rows, starts), f"{split}_row": rows}
    return found
