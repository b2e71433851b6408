"""Clips: a beating heart in a view, scanned frame by frame."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from echolib.phantom.scanner.acquisition import Acquisition
from echolib.phantom.scanner.echogenicity import EchogenicityMap
from echolib.phantom.scanner.receive_chain import b_mode, receive_chain
from echolib.phantom.scanner.scan_geometry import (
    PixelGrid,
    ScanLines,
    Sector,
    polar_coordinates,
    scan_convert,
    scan_lines,
)
from echolib.phantom.scanner.speckle import Speckle

FRAMES_AT_ONCE = {"cpu": 10, "cuda": 256}  # on a CPU as many as fit a core's cache


class MovingView(Protocol):
    """A beating heart in one of the views: its echogenicity and its motion on scan lines."""

    acquisition: Acquisition
    speckle: Speckle
    mitral_opening: Tensor  # (1, T)

    def end_diastolic_echogenicity(self, lines: ScanLines) -> Tensor:
        """Levels (1, 1, R, A) at end diastole, without the mitral valve."""

    def end_diastolic_position(self, lines: ScanLines, frames: slice) -> tuple[Tensor, Tensor]:
        """x and z (1, frames, R, A), mm, where the tissue at each sample lay at end diastole."""

    def add_mitral_valve(self, level: Tensor, acquisition: Acquisition, lines: ScanLines, frames: slice) -> Tensor:
        """Levels (1, frames, R, A) with the mitral valve of those frames."""


def render(view: MovingView, sector: Sector, grid: PixelGrid, samples: tuple[int, int]) -> np.ndarray:
    """Frames (T, H, W), uint8, of a clip; samples: how many along each scan line, and how many scan lines."""
    speckle = view.speckle
    lines = scan_lines(sector, *samples)
    chain = receive_chain(view.acquisition, lines, speckle)
    echogenicity = EchogenicityMap(sector, *samples, view.end_diastolic_echogenicity)
    size, images = FRAMES_AT_ONCE[speckle.bank.device.type], []
    for start in range(0, view.mitral_opening.shape[1], size):
        frames = slice(start, start + size)
        depth, angle = polar_coordinates(*view.end_diastolic_position(lines, frames))
        level = view.add_mitral_valve(echogenicity.look_up(depth, angle), chain.acquisition, lines, frames)
        grey = b_mode(level, chain, speckle, depth, angle)
        images.append(scan_convert(grey, sector, grid)[0].cpu())
    return torch.cat(images).numpy()
