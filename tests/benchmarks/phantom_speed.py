"""Frames per second of the phantom, beside a plain simulator of the same image.

    python tests/benchmarks/phantom_speed.py [--videos 24]

Ours: `write_phantom` of EchoNet-Dynamic alone, 112 x 112, from the population to encoded MJPG files. The peer is the
textbook way in numpy and scipy, one frame after another on the same grid of scan lines: contours filled by
scikit-image, complex noise convolved with the point-spread function by scipy, log compression, scan conversion by
`map_coordinates`; it draws three structures (we draw about twenty), moves no speckle with the
tissue and encodes nothing.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.draw import polygon2mask

from echolib.phantom import apical_frames, write_phantom
from echolib.phantom.anatomy.contours import endocardium, epicardium
from echolib.phantom.anatomy.heart import pose_at
from echolib.phantom.anatomy.population import draw_hearts
from echolib.phantom.writers.echonet_dynamic import SAMPLES, SIZE


def ours(videos: int) -> float:
    """Frames per second of `write_phantom`."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        items = {"echonet_dynamic": videos, "camus": 0, "echonet_lvh": 0}
        root = write_phantom(Path(folder) / "p", items, progress=False)
        seconds = time.perf_counter() - start
        with open(root / "EchoNet-Dynamic" / "FileList.csv", newline="") as file:
            return sum(int(row["NumberOfFrames"]) for row in csv.DictReader(file)) / seconds


def peer(frames: int) -> float:
    """Frames per second of the plain simulator."""
    rng = np.random.default_rng(0)
    heart = draw_hearts(rng, np.array([55.0]), np.array([100.0]))
    z, x = np.mgrid[:SIZE, :SIZE] * (150 / SIZE)
    x = x - 75
    depth, angle = np.hypot(x, z), np.degrees(np.arctan2(x, z))
    position = np.stack([depth / 150 * SAMPLES[0], (angle / 40 + 1) / 2 * SAMPLES[1]])
    along, across = np.mgrid[: SAMPLES[0], : SAMPLES[1]]
    line_depth, line_angle = along / SAMPLES[0] * 150, np.radians((across / SAMPLES[1] * 2 - 1) * 40)
    start = time.perf_counter()
    for contraction in np.linspace(0, 1, frames):
        pose = pose_at(heart, torch.tensor([[contraction]], dtype=torch.float64))
        contour = endocardium(pose)
        level = np.full((300, 300), 85.0)
        for outline, value in ((epicardium(heart, pose, contour), 110.0), (contour, 50.0)):
            points = pose.to_probe(outline)[0, 0].numpy() * 2
            level[polygon2mask((300, 300), points[:, ::-1] + [0, 150])] = value
        samples = np.stack([line_depth * np.cos(line_angle) * 2, line_depth * np.sin(line_angle) * 2 + 150])
        amplitude = 10 ** (map_coordinates(level, samples, order=1, mode="nearest") / 42)
        noise = rng.standard_normal((2, *SAMPLES)) * amplitude
        field = [gaussian_filter(component, (0.5, 1.0)) for component in noise]
        grey = 21 * np.log10(field[0] ** 2 + field[1] ** 2 + 1e-6)
        image = map_coordinates(grey, position, order=1, mode="nearest")
        np.clip(np.where((depth < 150) & (np.abs(angle) < 40), image, 0), 0, 255).astype(np.uint8)
    return frames / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=24)
    videos = parser.parse_args().videos
    ours(2)
    runs = [(ours(videos), peer(60)) for _ in range(3)]  # interleaved, so that both meet the same machine
    mine, other = np.median(runs, axis=0)
    print(f"write_phantom {mine:.0f} frames/s, plain simulator {other:.0f} frames/s, {mine / other:.1f} times")
    start = time.perf_counter()
    apical_frames(256, 96, seed=0)
    print(f"apical_frames at 96 px: {256 / (time.perf_counter() - start):.0f} frames/s")


if __name__ == "__main__":
    main()
