"""Clips drawn on the device against written-out loops."""

import numpy as np
import pytest
import torch

from echolib.data import sampling
from echolib.data.sampling import Normalisation, ResidentFrames, passes

CPU = torch.device("cpu")


@pytest.fixture
def frames() -> ResidentFrames:
    """Three videos of 12, 5 and 30 frames of 6 x 6 pixels whose level tells the frame."""
    counts = torch.tensor([12, 5, 30])
    pixels = torch.arange(47, dtype=torch.uint8).view(-1, 1, 1).expand(-1, 6, 6).contiguous()
    return ResidentFrames(pixels, counts.cumsum(0) - counts, counts, CPU)


def test_every_start_matches_a_loop():
    counts, length, period = torch.tensor([128, 64, 62, 63, 40]), 32, 2
    for stride in (1, 3):
        video, start = sampling.all_starts(counts, length, period, stride)
        expected = [
            (v, s) for v, f in enumerate(counts.tolist()) for s in range(0, max(f - (length - 1) * period, 1), stride)
        ]
        assert list(zip(video.tolist(), start.tolist(), strict=True)) == expected
    video, _ = sampling.all_starts(counts, length, period)
    assert torch.bincount(video).tolist() == [66, 2, 1, 1, 1]  # as the reference: 66 clips of 128 frames


def test_random_starts_cover_their_range_evenly():
    counts = torch.full((60_000,), 72)
    starts = sampling.random_starts(counts, 32, 2, torch.Generator().manual_seed(0))
    share = torch.bincount(starts, minlength=10) / len(counts)
    assert starts.min() == 0 and starts.max() == 9  # [0, 72 - 31 * 2)
    assert ((share - 0.1).abs() < 0.01).all()
    assert (sampling.random_starts(torch.tensor([3, 63]), 32, 2, torch.Generator().manual_seed(0)) == 0).all()


@pytest.mark.parametrize("short", ["zero", "mirror"])
def test_clip_frames_match_a_loop(frames, short):
    videos, starts = torch.tensor([0, 1, 1, 2]), torch.tensor([3, 0, 2, 10])
    index, exists = sampling.clip_index(starts, frames.counts[videos], 8, 2, short)
    for row, (video, start) in enumerate(zip(videos.tolist(), starts.tolist(), strict=True)):
        count = int(frames.counts[video])
        there_and_back = list(range(count)) + list(range(count - 2, 0, -1))
        for t in range(8):
            wanted = start + 2 * t
            if short == "mirror":
                assert index[row, t] == there_and_back[wanted % len(there_and_back)] and exists[row, t]
            else:
                assert exists[row, t] == (wanted < count)
                assert index[row, t] == min(wanted, count - 1)


def test_missing_frames_are_zero_after_normalisation(frames):
    normalise = Normalisation.from_statistics(10.0, 2.0)
    clip = sampling.clips(frames, torch.tensor([1, 0]), torch.tensor([0, 0]), 8, 1, normalise)
    assert clip.shape == (2, 3, 8, 6, 6)
    assert (clip[0, :, 5:] == 0).all()
    assert torch.equal(clip[1, 2, :, 0, 0], (torch.arange(8.0) - 10) / 2)
    assert torch.equal(clip[0, 1, :5, 3, 3], (torch.arange(12.0, 17) - 10) / 2)


def test_unknown_treatment_of_short_videos_is_refused():
    with pytest.raises(ValueError, match="'zero' or 'mirror'"):
        sampling.clip_index(torch.tensor([0]), torch.tensor([3]), 8, 1, "repeat")


def test_shifted_crops_match_padding_and_cropping():
    images = torch.randn(5, 2, 3, 9, 7)
    offsets = sampling.crop_offsets(5, 3, torch.Generator().manual_seed(1))
    assert offsets.abs().max() <= 3
    moved = sampling.shift_crop(images, offsets)
    for image, (dy, dx), out in zip(images, offsets.tolist(), moved, strict=True):
        padded = torch.nn.functional.pad(image, (3, 3, 3, 3))
        assert torch.equal(out, padded[..., 3 + dy : 12 + dy, 3 + dx : 10 + dx])


def test_two_views_differ_and_repeat_with_their_seed():
    clips = torch.randn(4, 3, 2, 16, 16)
    first = sampling.two_views(clips, 4, torch.Generator().manual_seed(2))
    again = sampling.two_views(clips, 4, torch.Generator().manual_seed(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])


def test_normalisation_matches_numpy_with_and_without_a_look_up():
    pixels = torch.randint(0, 256, (7, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    out = Normalisation.from_frames(pixels)(pixels)
    levels = pixels.numpy().astype(float)
    assert out.shape == (7, 3, 5, 5)
    np.testing.assert_allclose(out[:, 1], (levels - levels.mean()) / levels.std(), rtol=1e-5, atol=1e-5)
    lookup = np.stack([np.arange(256), np.minimum(np.arange(256) + 1, 255), np.arange(256)], axis=1).astype(np.uint8)
    coloured = Normalisation.from_frames(pixels, lookup)(pixels)
    rgb = lookup[pixels.numpy()].astype(float)
    expected = (rgb - rgb.mean((0, 1, 2))) / rgb.std((0, 1, 2))
    np.testing.assert_allclose(coloured.movedim(1, -1), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="one single grey level"):
        Normalisation.from_frames(torch.zeros(2, 3, 3, dtype=torch.uint8))


def test_resizing_averages_areas(frames):
    textured = torch.randint(0, 256, (9, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    small = ResidentFrames(textured, torch.tensor([0]), torch.tensor([9]), CPU).resized(3).pixels
    means = textured.double().view(9, 3, 2, 3, 2).mean((2, 4))
    assert ((small.double() - means).abs() <= 0.5).all()
    assert frames.resized(6) is frames


def test_mirrored_clips_go_back_and_forth():
    first, last = torch.tensor([10, 3, 0, 5]), torch.tensor([14, 203, 1, 5])
    index = sampling.mirrored_index(first, last, 16, torch.Generator().manual_seed(0))
    assert bool((index >= first.unsqueeze(1)).all()) and bool((index <= last.unsqueeze(1)).all())
    assert set(index[0].tolist()) == {10, 11, 12, 13, 14}  # 16 frames hold two round trips of eight
    assert set(index[2].tolist()) == {0, 1} and set(index[3].tolist()) == {5}
    steps = index.diff(dim=1).abs()
    assert bool((steps[0] == 1).all()) and bool((steps[2] == 1).all())
    turns = steps[1] != 25  # 400 frames of the trip in 16 steps
    assert int(turns.sum()) <= 2 and int(index[1].max()) > 178 and int(index[1].min()) < 28
    begins = {
        tuple(sampling.mirrored_index(first, last, 16, torch.Generator().manual_seed(k))[0].tolist()) for k in range(20)
    }
    assert len(begins) > 4


def test_published_mirrored_clips_skip_every_second_frame_of_long_half_beats():
    """128 frames: every frame up to 64 between the two, every second one beyond."""
    for distance, step in ((10, 1), (64, 1), (65, 2), (128, 2)):
        index = sampling.mirrored_index(
            torch.tensor([0]), torch.tensor([distance]), 128, torch.Generator().manual_seed(1)
        )
        assert int(index.diff(dim=1).abs().max()) == step


@pytest.mark.parametrize(("items", "wanted"), [(5, 12), (5, 3), (5, 5), (1, 4)])
def test_passes_take_every_item_equally_often(items, wanted):
    order = passes(items, wanted, torch.Generator().manual_seed(0))
    assert len(order) == wanted
    for first in range(0, wanted - items + 1, items):
        assert sorted(order[first : first + items].tolist()) == list(range(items))
    assert torch.bincount(order, minlength=items).max() - torch.bincount(order, minlength=items).min() <= 1


def test_passes_are_in_fresh_order():
    order = passes(20, 40, torch.Generator().manual_seed(0))
    assert not torch.equal(order[:20], order[20:])
    assert torch.equal(order, passes(20, 40, torch.Generator().manual_seed(0)))
