"""Clips and frames drawn on the device: index, gather, crop and normalise, all from an explicit generator.

Shapes: pixels uint8 (frames, H, W); a clip batch uint8 or float (batch, channels, time, H, W).
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from echolib.data.store.frame_store import FrameStore

DEVICE_SHARE = 0.6  # of the free memory of a GPU that resident frames may take; the rest is for the network


@dataclass(frozen=True)
class ResidentFrames:
    """Every frame of some videos as one uint8 tensor, where the device reaches it fastest.

    `pixels` (frames, H, W) lies on the device when it fits, else in pinned host memory; `starts` and `counts`
    (videos,) say which frames belong to which video and lie on the device.
    """

    pixels: Tensor
    starts: Tensor
    counts: Tensor
    device: torch.device

    @classmethod
    def from_store(cls, store: FrameStore, device: torch.device | str = "cpu") -> "ResidentFrames":
        """All frames of a store: memory-mapped on a CPU, copied once to a CUDA device (or pinned when too large)."""
        device = torch.device(device)
        shape = tuple(store.pixels.shape)
        # shared=False maps privately: nothing that a kernel does can ever reach the file
        pixels = torch.from_file(str(store.pixels.filename), shared=False, size=int(np.prod(shape)), dtype=torch.uint8)
        pixels = pixels.view(shape)
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            pixels = pixels.to(device) if pixels.numel() < DEVICE_SHARE * free else pixels.pin_memory()
        starts = torch.as_tensor(np.asarray(store.starts), device=device)
        counts = torch.as_tensor(np.asarray(store.counts), device=device)
        return cls(pixels, starts, counts, device)

    def resized(self, size: int, chunk: int = 512) -> "ResidentFrames":
        """The same frames at size x size pixels (area averaging), computed once; itself when they have that size."""
        if tuple(self.pixels.shape[1:]) == (size, size):
            return self
        small = [
            F.interpolate(part.to(self.device).unsqueeze(1).float(), size=(size, size), mode="area")
            .round_()
            .to(torch.uint8)
            .squeeze(1)
            .to(self.pixels.device)
            for part in self.pixels.split(chunk)
        ]
        return replace(self, pixels=torch.cat(small))

    def gather(self, index: Tensor) -> Tensor:
        """Frames at `index` (any shape, frame numbers) -> uint8 (*index.shape, H, W) on the device."""
        flat = index.reshape(-1)
        if self.pixels.device == flat.device:
            frames = self.pixels.index_select(0, flat)
        else:
            frames = self.pixels.index_select(0, flat.to(self.pixels.device)).pin_memory()
            frames = frames.to(flat.device, non_blocking=True)
        return frames.view(*index.shape, *self.pixels.shape[1:])


def passes(items: int, wanted: int, generator: torch.Generator) -> Tensor:
    """`wanted` of the numbers below `items`: whole passes through all of them, each in a fresh order."""
    rounds = max(1, -(-wanted // items))
    orders = [torch.randperm(items, generator=generator, device=generator.device) for _ in range(rounds)]
    return torch.cat(orders)[:wanted]


def clip_span(length: int, period: int) -> int:
    """Frames from the first to the last frame of a clip, both counted."""
    return (length - 1) * period + 1


def random_starts(counts: Tensor, length: int, period: int, generator: torch.Generator) -> Tensor:
    """One start per video, uniform in [0, f - (L-1) p); 0 of one shorter than a clip. counts, starts: (batch,)."""
    room = (counts - (length - 1) * period).clamp(min=1)
    draw = torch.rand(counts.shape, generator=generator, device=counts.device, dtype=torch.float64)
    return (draw * room).long()


def all_starts(counts: Tensor, length: int, period: int, stride: int = 1) -> tuple[Tensor, Tensor]:
    """Every start (each `stride`-th) of every video: (video, start), two (clips,) tensors ordered by video."""
    room = (counts - (length - 1) * period).clamp(min=1)
    clips = (room + stride - 1) // stride
    video = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), clips)
    first = torch.repeat_interleave(clips.cumsum(0) - clips, clips)
    return video, (torch.arange(len(video), device=counts.device) - first) * stride


def clip_index(starts: Tensor, counts: Tensor, length: int, period: int, short: str = "zero") -> tuple[Tensor, Tensor]:
    """Frame numbers within the video of each clip, and which of them exist: (batch, time) int64 and bool.

    Videos shorter than the clip: "zero" marks the missing frames (they become 0 after normalisation, as in the
    EchoNet-Dynamic reference), "mirror" plays the video back and forth, so that every frame exists.
    """
    index = starts.unsqueeze(1) + torch.arange(length, device=starts.device) * period
    last = (counts - 1).unsqueeze(1)
    if short == "mirror":
        cycle = (2 * last).clamp(min=1)
        phase = index % cycle
        return torch.minimum(phase, cycle - phase).minimum(last), torch.ones_like(index, dtype=torch.bool)
    if short != "zero":
        raise ValueError(f"short must be 'zero' or 'mirror', not {short!r}")
    return index.minimum(last), index <= last


def mirrored_index(first: Tensor, last: Tensor, length: int, generator: torch.Generator) -> Tensor:
    """Frame numbers (batch, length) of clips that go back and forth between two frames (batch,), from a random point
    of that round trip, in the smallest steps with which a clip holds a whole one (Reynaud et al. 2021: 128 frames)."""
    distance = (last - first).clamp(min=1)
    trip = 2 * distance
    step = (trip + length - 1) // length
    begin = (torch.rand(first.shape, generator=generator, device=first.device, dtype=torch.float64) * trip).long()
    done = (begin.unsqueeze(1) + step.unsqueeze(1) * torch.arange(length, device=first.device)) % trip.unsqueeze(1)
    return torch.minimum(first.unsqueeze(1) + torch.minimum(done, trip.unsqueeze(1) - done), last.unsqueeze(1))


@dataclass(frozen=True)
class Normalisation:
    """Grey level -> network input by a (256, channels) table: (level - mean) / std, after the store's RGB look-up."""

    table: Tensor

    @classmethod
    def from_statistics(cls, mean, std, lookup: np.ndarray | None = None, channels: int = 3) -> "Normalisation":
        """`lookup` (256, 3) gives the reference's RGB of a grey level; without it the channels are equal."""
        levels = torch.arange(256.0).unsqueeze(1).expand(256, channels)
        if lookup is not None and channels == 3:
            levels = torch.as_tensor(np.asarray(lookup)).float()
        return cls((levels - torch.as_tensor(mean).float()) / torch.as_tensor(std).float())

    @classmethod
    def from_frames(cls, frames: Tensor, lookup: np.ndarray | None = None, channels: int = 3) -> "Normalisation":
        """Mean and standard deviation of uint8 frames (any shape), per channel, from their exact histogram."""
        share = torch.bincount(frames.reshape(-1).int().cpu(), minlength=256).double()
        share /= share.sum()
        levels = torch.arange(256, dtype=torch.float64).unsqueeze(1).expand(256, channels)
        if lookup is not None and channels == 3:
            levels = torch.as_tensor(np.asarray(lookup)).double()
        mean = (share.unsqueeze(1) * levels).sum(0)
        std = (share.unsqueeze(1) * (levels - mean) ** 2).sum(0).sqrt()
        if float(std.min()) == 0:
            raise ValueError("frames of one single grey level cannot be normalised: is the video black?")
        return cls.from_statistics(mean, std, lookup, channels)

    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (..., H, W) -> float (..., channels, H, W)."""
        table = self.table.to(pixels.device)
        if bool((table == table[:, :1]).all()):  # grey: one look-up, the channels share its memory
            grey = table[:, 0].contiguous()[pixels.int()]
            return grey.unsqueeze(-3).expand(*pixels.shape[:-2], table.shape[1], *pixels.shape[-2:])
        return table[pixels.int()].movedim(-1, -3)


def crop_offsets(batch: int, pad: int, generator: torch.Generator) -> Tensor:
    """Random offsets (batch, 2) in [-pad, pad] of a crop back to size after padding `pad` pixels on each side."""
    return torch.randint(-pad, pad + 1, (batch, 2), generator=generator, device=generator.device)


def shift_crop(images: Tensor, offsets: Tensor) -> Tensor:
    """Each sample of (batch, ..., H, W) moved by its offset; what comes from outside is 0, the mean grey level."""
    height, width = images.shape[-2:]
    rows = torch.arange(height, device=images.device) + offsets[:, :1]
    columns = torch.arange(width, device=images.device) + offsets[:, 1:]
    middle = (1,) * (images.dim() - 3)
    row_index = rows.clamp(0, height - 1).view(-1, *middle, height, 1).expand(*images.shape)
    column_index = columns.clamp(0, width - 1).view(-1, *middle, 1, width).expand(*images.shape)
    inside = ((rows >= 0) & (rows < height)).unsqueeze(2) & ((columns >= 0) & (columns < width)).unsqueeze(1)
    moved = images.gather(-2, row_index).gather(-1, column_index)
    return moved * inside.view(-1, *middle, height, width)


def two_views(images: Tensor, pad: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two independently shifted crops of each sample: the positive pairs of EchoMEN's first stage."""
    first, second = (shift_crop(images, crop_offsets(len(images), pad, generator)) for _ in range(2))
    return first, second


def clips(
    frames: ResidentFrames,
    videos: Tensor,
    starts: Tensor,
    length: int,
    period: int,
    normalise: Normalisation,
    *,
    short: str = "zero",
) -> Tensor:
    """Normalised clips (batch, channels, time, H, W) of `videos` (batch,) from `starts` (batch,)."""
    index, exists = clip_index(starts, frames.counts[videos], length, period, short)
    pixels = frames.gather(frames.starts[videos].unsqueeze(1) + index)
    clip = normalise(pixels).movedim(2, 1)
    if bool(exists.all()):
        return clip
    return clip * exists[:, None, :, None, None]
