"""ED and ES images as clips of two frames."""

import numpy as np
import torch

from echolib.data.loaders.clips import EFVideos, expected_videos
from echolib.data.loaders.pairs import are_pairs, paired
from echolib.data.selection import DataSelection


def selection(phantom) -> DataSelection:
    return DataSelection(dataset="camus", folder=phantom / "CAMUS", size=(32, 32)).choosing(views=("2CH", "4CH"))


def test_a_pair_is_the_two_images_of_a_view(phantom, phantom_cache):
    dataset = selection(phantom).open(phantom_cache)
    videos = EFVideos.load(dataset, 32, torch.device("cpu"))
    assert len(videos.videos) == len(dataset.items) // 2 == len(videos.ef)
    names = dataset.items["name"].tolist()
    for row, pair in videos.videos.iterrows():
        for place, phase in enumerate(("ED", "ES")):
            stored = names.index(f"{pair['person']}_{pair['view']}_{phase}")
            frame = videos.frames.pixels[int(videos.frames.starts[row]) + place]
            assert np.array_equal(frame.numpy(), dataset.frames.pixels[dataset.frames.starts[stored]])
            assert pair[phase.lower()] == stored
    assert videos.frames.counts.eq(2).all()


def test_an_image_without_its_other_phase_is_no_pair(phantom, phantom_cache):
    items = selection(phantom).open(phantom_cache).items
    assert are_pairs(items) and not are_pairs(items.drop(columns="phase"))
    assert len(paired(items.iloc[1:])) == len(paired(items)) - 1


def test_training_pairs_are_counted_before_they_are_decoded(phantom):
    chosen = selection(phantom)
    items = chosen.items()
    assert expected_videos(chosen) == (items["split"] == "train").sum() / 2
