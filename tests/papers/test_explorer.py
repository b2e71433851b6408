"""One video at a time: the beat-to-beat system reads it as it reads the test split, and any other video too."""

import numpy as np
import pandas as pd
import pytest
import torch

from echolib import report
from echolib.data import EchoNetDynamic, read_video
from echolib.engine import sweep
from echolib.engine.experiment import Place, trained_model
from echolib.geometry import Beats
from echolib.papers.echonet_dynamic import explorer
from echolib.papers.echonet_dynamic.experiments import beat_to_beat_experiment
from echolib.papers.echonet_dynamic.one_video import Reading, read_one
from echolib.papers.profiles import PROFILES
from echolib.report.style import STRUCTURE_COLOURS


@pytest.fixture(scope="module")
def finished(phantom, phantom_cache, tmp_path_factory):
    """A trained system: its result, and what shows its test videos."""
    place = Place(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))
    folder = phantom / "EchoNet-Dynamic"
    (result,) = sweep.run([beat_to_beat_experiment(PROFILES["smoke"], folder)], place, progress=False)
    videos = EchoNetDynamic(folder).videos
    model, data = trained_model(result, place)
    return result, explorer.Explorer(result.experiment.task, model, data, videos[videos["split"] == "test"])


def test_a_test_video_is_read_as_the_experiment_read_it(finished):
    result, shown = finished
    areas, beats = (result.table(name).groupby("name") for name in ("areas", "beats"))
    for name, label in zip(shown.videos["video"], shown.videos["ef_percent"], strict=True):
        reading = shown.read(name)
        np.testing.assert_allclose(reading.area_px, areas.get_group(name)["area_px"])
        np.testing.assert_allclose(reading.clips["prediction"], beats.get_group(name)["prediction"], rtol=1e-4)
        assert reading.ef_percent == pytest.approx(
            result.predictions.set_index("name").loc[name, "prediction"], rel=1e-4
        )
        assert reading.masks.shape == reading.frames.shape and reading.masks.dtype == bool
        assert f"labelled {label:.1f} %" in shown.scene(name).title


def test_a_video_of_another_size_is_fitted(finished):
    _, shown = finished
    frames = np.kron(read_video(shown.videos["path"].iloc[0]), np.ones((1, 2, 2), "uint8"))
    wide = np.pad(frames, ((0, 0), (0, 0), (40, 40)))  # a scanner's screen: the same picture with black beside
    reading = read_one(shown.task, shown.model, shown.data, wide)
    assert reading.frames.shape == (len(frames), 112, 112)
    assert np.isfinite(reading.ef_percent)


@pytest.mark.parametrize("frames", [np.zeros((7, 20, 20), "uint8"), np.zeros((9, 20, 20)), np.zeros((20, 20), "uint8")])
def test_what_is_not_a_video_is_refused(finished, frames):
    _, shown = finished
    with pytest.raises(ValueError, match=r"uint8 \(frames, height, width\) is wanted"):
        read_one(shown.task, shown.model, shown.data, frames)


@pytest.mark.parametrize("found", [True, False])
def test_the_frames_that_are_shown(found):
    frames, masks = np.zeros((5, 8, 8), "uint8"), np.zeros((5, 8, 8), bool)
    masks[1, 2:6, 2:6] = True
    area = masks.sum((1, 2)).astype(float)
    beats = Beats(np.array([1]), np.array([3])) if found else Beats(np.array([], int), np.array([], int))
    reading = Reading(frames, masks, area, beats, pd.DataFrame({"start": [0], "prediction": [50.0]}), 50.0)
    titles = [axes.get_title() for axes in explorer.extremes_figure(reading).axes]
    assert titles == (
        ["end diastole, frame 1", "end systole, frame 3"] if found else ["largest, frame 1", "smallest, frame 0"]
    )


def test_outlines_are_the_border_of_the_mask():
    frames, masks = np.full((1, 5, 5), 9, "uint8"), np.zeros((1, 5, 5), bool)
    masks[0, 1:4, 1:4] = True
    coloured = report.outlined(frames, masks)
    border = masks[0].copy()
    border[2, 2] = False
    assert (coloured[0][~border] == 9).all()
    red, green, blue = (int(STRUCTURE_COLOURS["LV"][place : place + 2], 16) for place in (1, 3, 5))
    assert (coloured[0][border] == (red, green, blue)).all()


def test_the_player_shows_what_is_chosen(finished):
    _, shown = finished
    names = list(shown.videos["video"])
    box = report.player(shown.scene, names)
    choice, title, image, (play, slider) = *box.children[:3], box.children[3].children
    first = bytes(image.value)
    assert first.startswith(b"\x89PNG") and slider.max == play.max == len(shown.read(names[0]).frames) - 1
    slider.value = slider.max
    assert bytes(image.value) != first
    before = title.value
    choice.value = names[1]
    assert slider.value == 0 and title.value != before
    assert slider.max == len(shown.read(names[1]).frames) - 1
