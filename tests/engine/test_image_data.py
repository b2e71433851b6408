"""Images and masks stay together whatever the order in which a store laid them down."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from echolib.data.loaders.images import MaskedImages, resize_images, resize_labels, structure_targets
from echolib.data.selection import DataSelection


class Shuffled:
    """A frame store whose frames lie on disk in reverse order, as parallel decoding may leave them."""

    def __init__(self, store, folder: Path):
        self.__dict__ |= store.__dict__
        self.starts = store.starts[::-1].copy()
        backwards = np.ascontiguousarray(store.pixels[::-1])
        backwards.tofile(folder / "backwards.u8")
        self.pixels = np.memmap(folder / "backwards.u8", "uint8", "r", shape=backwards.shape)


def test_camus_images_follow_their_names_not_their_place(phantom, phantom_cache, tmp_path):
    dataset = DataSelection(dataset="camus", folder=phantom / "CAMUS", size=(64, 64)).open(phantom_cache)
    plain = MaskedImages.load(dataset, torch.device("cpu"))
    mixed = MaskedImages.load(replace(dataset, frames=Shuffled(dataset.frames, tmp_path)), torch.device("cpu"))
    assert torch.equal(plain.images, mixed.images) and torch.equal(plain.labels, mixed.labels)
    for name, image, label in zip(plain.items["name"], plain.images, plain.labels, strict=True):
        assert np.array_equal(image, dataset.frames.frames(name)[0])
        assert np.array_equal(label, dataset.masks.frames(name)[0])


def test_traced_frames_carry_their_own_tracing(phantom, phantom_cache):
    from echolib.geometry import tracing_mask

    selection = DataSelection(dataset="echonet_dynamic", folder=phantom / "EchoNet-Dynamic", size=(112, 112))
    dataset = selection.open(phantom_cache)
    data = MaskedImages.load(dataset, torch.device("cpu"))
    tracings = dataset.tables["tracings"].set_index(["video", "phase"])
    for row, image, label in zip(data.items.itertuples(), data.images, data.labels, strict=True):
        traced = tracings.loc[(row.person, row.phase)]
        assert np.array_equal(image, dataset.frames.frames(row.person)[traced["frame"]])
        assert np.array_equal(label, tracing_mask(traced["tracing"], 112, 112))


def test_targets_nest_and_resizing_keeps_labels():
    labels = torch.randint(0, 4, (3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    lv, epicardium, atrium = structure_targets(labels, ("lv", "epicardium", "atrium")).unbind(1)
    assert torch.equal(lv, labels == 1) and torch.equal(atrium, labels == 3)
    assert torch.equal(epicardium, (labels == 1) | (labels == 2))
    assert set(resize_labels(labels, 5).unique().tolist()) <= {0, 1, 2, 3}
    means = labels.double().view(3, 4, 3, 4, 3).mean((2, 4))
    assert ((resize_images(labels, 4).double() - means).abs() <= 0.5).all()
