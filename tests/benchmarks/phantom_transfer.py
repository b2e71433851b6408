"""How far the phantom alone carries: a small U-Net trained on simulated frames, tested on real ones.

    python tests/benchmarks/phantom_transfer.py [--images 4000] [--steps 1500] [--picture out.png]

Trains on `echolib.phantom.apical_frames` only and prints the Dice of cavity, myocardium and atrium on the real CAMUS
four-chamber ED and ES frames of the official test split (ECHOLIB_CAMUS), and how steadily the cavity is found in the
three real cines (ECHOLIB_CINES). No real frame takes part in training or in the choice of weights.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from echolib.data import CAMUS, read_image, read_mask, read_video
from echolib.data.sector import crop_to_sector
from echolib.models.segmentation import UNet
from echolib.phantom import apical_frames

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SIZE = 96


def normalise(images: torch.Tensor) -> torch.Tensor:
    """uint8 (N, H, W) -> float (N, 1, H, W), each image by the mean and SD of its own sector."""
    x = images.float()[:, None]
    inside = (x > 0).float()
    count = inside.sum((1, 2, 3), keepdim=True).clamp(min=1)
    mean = (x * inside).sum((1, 2, 3), keepdim=True) / count
    sd = (((x - mean) * inside).square().sum((1, 2, 3), keepdim=True) / count).sqrt()
    return (x - mean) / (sd + 1) * inside - 1.5 * (1 - inside)


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Contrast (gamma), gain, blur and noise, different for each image."""
    count = len(images)

    def uniform(low, high):
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    x = images.float() / 255
    inside = x > 0
    x = x.clamp(min=1e-4) ** torch.exp(uniform(-0.5, 0.5)) * uniform(0.7, 1.4)
    blurred = F.avg_pool2d(F.pad(x[:, None], (1, 1, 1, 1), mode="replicate"), 3, 1)[:, 0]
    x = x + (blurred - x) * uniform(-0.5, 1)
    x = x + uniform(0, 0.04) * torch.randn(x.shape, generator=generator)
    return (x.clamp(0, 1) * 255 * inside).round()


def segmentation_loss(logits, labels):
    """Cross-entropy plus soft Dice of the three structures."""
    chance = logits.softmax(1)
    truth = F.one_hot(labels, 4).permute(0, 3, 1, 2).float()
    overlap = (chance * truth).sum((0, 2, 3))
    dice = 2 * overlap / ((chance + truth).sum((0, 2, 3)) + 1)
    return F.cross_entropy(logits, labels) + 1 - dice[1:].mean()


def train(images, labels, steps: int, seed: int, batch: int = 16) -> UNet:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = UNet(classes=4, width=16, channels=1).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(steps):
        index = torch.randint(0, len(images), (batch,), generator=generator)
        x = normalise(augment(images[index], generator)).contiguous(memory_format=torch.channels_last)
        loss = segmentation_loss(model(x), labels[index].long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def predict(model: UNet, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([model(normalise(part)).argmax(1) for part in images.split(32)])


def square(frames: np.ndarray, labels: bool = False) -> torch.Tensor:
    """Letterboxes (T, H, W) to SIZE by area (pictures) or nearest neighbour (labels)."""
    frames = torch.from_numpy(np.ascontiguousarray(frames))[:, None].float()
    height, width = frames.shape[2:]
    scale = SIZE / max(height, width)
    size = (round(height * scale), round(width * scale))
    small = F.interpolate(frames, size, mode="nearest-exact") if labels else F.interpolate(frames, size, mode="area")
    top, left = (SIZE - size[0]) // 2, (SIZE - size[1]) // 2
    out = torch.zeros(len(frames), SIZE, SIZE)
    out[:, top : top + size[0], left : left + size[1]] = small[:, 0]
    return out.round().to(torch.uint8)


def real_frames(root: Path, split: str):
    """CAMUS four-chamber ED and ES frames of a split: images, labels."""
    table = CAMUS(root).images
    rows = table[(table["split"] == split) & (table["view"] == "4CH") & table["phase"].isin(["ED", "ES"])]
    pairs = [(read_image(r.path)[0], read_mask(r.mask_path)[0]) for r in rows.itertuples()]
    images, labels = zip(*((square(i), square(m, True)) for i, m in pairs), strict=True)
    return torch.cat(images), torch.cat(labels)


def dice(prediction, truth, structure: int) -> np.ndarray:
    p, t = (prediction == structure), (truth == structure)
    return (2 * (p & t).sum((1, 2)) / (p.sum((1, 2)) + t.sum((1, 2))).clamp(min=1)).numpy()


def cines(root: Path):
    for name in ("pydicom/examples_ybr_color.dcm", "volunteer/Apical4chVolunteer.mov", "echotracker/input.mp4"):
        path = root / name
        yield path.stem, square(crop_to_sector(read_video(path))[0])


def outlined(images, masks) -> np.ndarray:
    """Pictures with the border of cavity, myocardium and atrium in white."""
    edge = F.max_pool2d(masks[:, None].float(), 3, 1, 1)[:, 0] != masks
    return torch.where(edge & (masks < 4), torch.full_like(images, 255), images).numpy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--variability", type=float, default=1.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", default="test")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    start = time.perf_counter()
    images, labels = apical_frames(options.images, SIZE, options.seed, variability=options.variability)
    print(f"{options.images} simulated frames in {time.perf_counter() - start:.0f} s", flush=True)
    start = time.perf_counter()
    model = train(images, labels, options.steps, options.seed)
    print(f"{options.steps} steps of 16 in {time.perf_counter() - start:.0f} s", flush=True)
    held, held_labels = apical_frames(200, SIZE, options.seed + 1000, variability=1.0)
    report("phantom, held out", predict(model, held), held_labels)
    real, truth = real_frames(Path(os.environ.get("ECHOLIB_CAMUS", SHARED / "camus")), options.split)
    predicted = predict(model, real)
    report(f"real CAMUS 4CH {options.split}", predicted, truth)
    shown = [np.concatenate(list(outlined(real[:12], masks[:12])), 1) for masks in (predicted, truth)]
    for name, frames in cines(Path(os.environ.get("ECHOLIB_CINES", SHARED / "a4c_cines"))):
        masks = predict(model, frames)
        area = (masks == 1).sum((1, 2)).float()
        share, ratio = area.mean() / SIZE**2, area.min() / area.max()
        print(f"cine {name}: cavity {share:.3f} of the picture, smallest/largest {ratio:.2f}")
        pick = torch.linspace(0, len(frames) - 1, 12).long()
        shown.append(np.concatenate(list(outlined(frames[pick], masks[pick])), 1))
    if options.picture:
        from PIL import Image

        Image.fromarray(np.concatenate(shown, 0)).resize((SIZE * 24, SIZE * 2 * len(shown))).save(options.picture)


def report(name: str, predicted, truth) -> None:
    values = {s: dice(predicted, truth, k) for k, s in ((1, "cavity"), (2, "myocardium"), (3, "atrium"))}
    text = ", ".join(f"{s} {v.mean():.3f} (median {np.median(v):.3f}, worst {v.min():.2f})" for s, v in values.items())
    print(f"{name}: Dice {text}", flush=True)


if __name__ == "__main__":
    main()
