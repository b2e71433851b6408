"""A dataset is one module: a made-up fourth one is found, simulated, opened, loaded and learnt from, and no more."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from echolib.data import DataError, DataSelection, dataset_names, entry, readers
from echolib.data.loaders.clips import EFVideos, expected_videos
from echolib.data.loaders.images import MaskedImages, expected_images
from echolib.data.loaders.keypoints import PointedImages
from echolib.data.loaders.labelled import masked_set, pointed_set
from echolib.engine import execution
from echolib.engine.experiment import Experiment, RunContext
from echolib.engine.schedule import Schedule
from echolib.folders import locate
from echolib.phantom import write_phantom
from echolib.tasks.ef_regression import EFRegression
from echolib.workspace import Workspace

CPU = torch.device("cpu")
ITEMS = {"camus": 0, "echonet_dynamic": 0, "echonet_lvh": 0, "short_axis": 12}


@pytest.fixture
def known(monkeypatch):
    """The fourth dataset's module lies among the readers, for one test."""
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(Path(__file__).parent / "fourth")])
    yield
    sys.modules.pop("echolib.data.readers.short_axis", None)


@pytest.fixture
def folder(known, tmp_path) -> Path:
    """Its phantom."""
    return write_phantom(tmp_path / "phantom", ITEMS, progress=False) / "Short Axis"


def select(folder, **options) -> DataSelection:
    return DataSelection(dataset="short_axis", folder=folder, options=options)


def test_it_is_found_among_the_others_and_nowhere_else(known, tmp_path):
    assert dataset_names() == ("camus", "echonet_dynamic", "echonet_lvh", "short_axis")
    folders = locate(Workspace(tmp_path), "demo", {"short_axis": str(tmp_path)}, phantom=True)
    assert folders.label("short_axis") == "Short Axis" and folders.label("camus") == "phantom"
    simulated = locate(Workspace(tmp_path), "demo", {}, phantom=True)
    assert simulated.folder("short_axis") == tmp_path / "data" / "phantom-demo" / "Short Axis"


def test_without_its_module_it_is_unknown(tmp_path):
    with pytest.raises(DataError, match=r"no dataset 'short_axis': one of camus, echonet_dynamic, echonet_lvh$"):
        entry("short_axis")
    with pytest.raises(ValidationError, match="no dataset 'short_axis'"):
        select(tmp_path)


def test_videos_carry_their_label(folder, tmp_path):
    selection = select(folder)
    assert expected_videos(selection) == selection.expected_items() == 4
    videos = EFVideos.load(selection.open(tmp_path / "cache"), 24, CPU)
    assert videos.videos["name"].tolist() == [f"P{number}" for number in range(12)]
    assert videos.ef.tolist() == [40.0 + number for number in range(12)]
    third = videos.frames.pixels[videos.frames.starts[3] : videos.frames.starts[3] + videos.frames.counts[3]]
    assert np.array_equal(third, np.load(folder / "arrays" / "P3_video.npy"))


def test_images_carry_their_mask(folder, tmp_path):
    selection = select(folder, what="images")
    assert expected_images(selection) == 4
    dataset = selection.open(tmp_path / "cache")
    stored = MaskedImages.of(dataset, CPU)
    assert torch.equal(stored.labels[5], torch.from_numpy(np.load(folder / "arrays" / "P5_mask.npy")[0]))
    assert stored.items["row_mm"].isna().all() and (stored.items["view"] == "SAX").all()
    masked = masked_set(dataset, 24, ("epicardium", "lv"), 1, CPU, derived=False)
    assert masked.structures == (1,) and torch.equal(masked.targets[:, 0], stored.labels == 1)


def test_frames_carry_their_keypoints(folder, tmp_path):
    dataset = select(folder).open(tmp_path / "cache")
    pointed = PointedImages.of(dataset, CPU)
    assert pointed.points.tolist() == [[[12.0, 10.0 + number % 3]] for number in range(12)]
    assert np.array_equal(pointed.images[4], np.load(folder / "arrays" / "P4_video.npy")[2])
    assert pointed_set(dataset, 24, CPU).has_points


def test_what_it_does_not_have_is_said(folder, tmp_path):
    with pytest.raises(DataError, match="Short Axis has no masks here"):
        MaskedImages.of(select(folder).open(tmp_path / "cache"), CPU)
    with pytest.raises(ValidationError, match="what\n"):
        select(folder, what="volumes")
    with pytest.raises(ValidationError, match="views\n"):
        select(folder).choosing(views=("4CH",))


def test_a_task_learns_from_it(folder, tmp_path):
    task = EFRegression(network="mc3_18", width=4, blocks=1, weights="none", clip_length=4, clip_size=24, test_stride=4)
    schedule = Schedule(epochs=1, batch_size=2, optimiser="sgd", learning_rate=1e-3)
    experiment = Experiment(name="fourth", task=task, data=(select(folder),), schedule=schedule)
    result = execution.run(experiment, RunContext(tmp_path / "runs", tmp_path / "cache", CPU))
    assert result.predictions["name"].tolist() == ["P2", "P5", "P8", "P11"]
    assert result.predictions["label"].tolist() == [42, 45, 48, 51]
