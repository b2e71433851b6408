"""One video at a time: the beat-to-beat system reads it as it reads the test split, and any other video too."""

import numpy as np
import pandas as pd
import pytest
import torch

from echolib import report
from echolib.data import read_video
from echolib.engine import sweep
from echolib.engine.experiment import RunContext
from echolib.folders import DataFolders
from echolib.geometry import Beats
from echolib.papers.echonet_dynamic import explorer, tables
from echolib.papers.echonet_dynamic.one_video import Reading, read_one
from echolib.papers.registry import make_setup
from echolib.report.style import STRUCTURE_COLOURS


@pytest.fixture(scope="module")
def context(phantom_cache, tmp_path_factory) -> RunContext:
    return RunContext(tmp_path_factory.mktemp("runs"), phantom_cache, torch.device("cpu"))


def make(phantom, context, **choices: str):
    """The notebook's setup, and the results of its table."""
    parameters = {"profile": "smoke", "video": "", "clip": ""} | choices
    setup = make_setup(parameters, DataFolders({}, phantom), context)
    rows = tables.BEATS.rows(setup)
    return setup, {row: sweep.run_all(experiments, context, progress=False) for row, experiments in rows.items()}


@pytest.fixture(scope="module")
def finished(phantom, context):
    """A trained system: its result, and what shows its test videos."""
    setup, results = make(phantom, context)
    ((result,),) = results.values()
    return result, setup.once(explorer.open_explorer, results)


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


def test_a_name_that_no_test_video_has_is_refused(finished):
    _, shown = finished
    with pytest.raises(ValueError, match=f"no test video 'none': choose one of {len(shown.videos)}"):
        shown.read("none")


def test_the_table_is_of_the_first_video_or_the_chosen_one_or_a_file(phantom, context, finished):
    _, shown = finished
    names, paths = shown.videos["video"].tolist(), shown.videos["path"].tolist()
    expected = [shown.read(name).clips.rename(columns={"prediction": "ef_percent"}) for name in names[:2]]
    first, chosen, clip = (
        tables.BEATS.make(results, setup)
        for setup, results in (
            make(phantom, context),
            make(phantom, context, video=names[1]),
            make(phantom, context, video=names[1], clip=str(paths[0])),
        )
    )
    pd.testing.assert_frame_equal(first, expected[0])
    pd.testing.assert_frame_equal(chosen, expected[1])
    pd.testing.assert_frame_equal(clip, expected[0].assign(data="your video"))


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


@pytest.mark.parametrize("has_beat", [True, False])
def test_the_frames_that_are_shown(has_beat):
    frames, masks = np.zeros((5, 8, 8), "uint8"), np.zeros((5, 8, 8), bool)
    masks[1, 2:6, 2:6] = True
    area = masks.sum((1, 2)).astype(float)
    beats = Beats(np.array([1]), np.array([3])) if has_beat else Beats(np.array([], int), np.array([], int))
    reading = Reading(frames, masks, area, beats, pd.DataFrame({"start": [0], "prediction": [50.0]}), 50.0)
    titles = [axes.get_title() for axes in explorer.extremes_figure(reading).axes]
    assert titles == (
        ["end diastole, frame 1", "end systole, frame 3"] if has_beat else ["largest, frame 1", "smallest, frame 0"]
    )


def test_outlines_are_the_border_of_the_mask():
    frames, masks = np.full((1, 5, 5), 9, "uint8"), np.zeros((1, 5, 5), bool)
    masks[0, 1:4, 1:4] = True
    coloured = report.outlined(frames, masks)
    border = masks[0].copy()
    border[2, 2] = False
    assert (coloured[0][~border] == 9).all()
    red, green, blue = (int(STRUCTURE_COLOURS["LV"][first : first + 2], 16) for first in (1, 3, 5))
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
