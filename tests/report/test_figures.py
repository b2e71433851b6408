"""Figures: the same bytes for the same input, and what is drawn in them."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from echolib import report
from echolib.geometry import beat_clip_starts, find_beats
from echolib.report import (
    DPI,
    area_over_time,
    ef_population,
    ef_scatter,
    error_by_ef,
    frame_montage,
    learning_curves,
    panels,
    roc_curves,
    save_figure,
    style,
)


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        style()
        yield


@pytest.fixture
def ef():
    rng = np.random.default_rng(0)
    label = rng.normal(52, 14, 200).clip(10, 85)
    return label, label + rng.normal(0, 5, 200)


def words(figure):
    """All texts of a figure, its legends' too."""
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


@pytest.fixture
def mask():
    rows, columns = np.indices((40, 60))
    return (rows - 20) ** 2 + (columns - 30) ** 2 < 100


def tracing():
    chords = [[20 - i / 4, 5 + i, 40 + i / 4, 5 + i] for i in range(20)]
    return np.array([[30, 4, 30, 24], *chords], dtype=np.float32)


def test_saved_twice_the_bytes_are_the_same(tmp_path, ef, mask):
    rng = np.random.default_rng(0)
    area = 100 - 40 * np.cos(np.arange(150) / 7)
    frame = rng.integers(0, 255, (40, 60), dtype=np.uint8)
    drawn = {
        "scatter": lambda: ef_scatter(*ef, data="phantom"),
        "area": lambda: area_over_time(area, find_beats(area), fps=50),
        "montage": lambda: frame_montage([frame] * 2, masks=[{"LV": mask}] * 2, tracings=[tracing(), None]),
    }
    for name, draw in drawn.items():
        first = draw()
        for folder, figure in (("a", first), ("b", draw()), ("c", first)):
            assert save_figure(figure, tmp_path / folder, name) == tmp_path / folder / f"{name}.png"
        for kind in ("png", "svg"):
            contents = {(tmp_path / folder / f"{name}.{kind}").read_bytes() for folder in "abc"}
            assert len(contents) == 1, (name, kind)
            assert b"Date" not in next(iter(contents)) and b"dc:date" not in next(iter(contents))
    assert {path.suffix for path in (tmp_path / "a").iterdir()} == {".png", ".svg"}


def test_size_in_pixels(tmp_path):
    figure, (axes,) = panels(width=2, height=1)
    axes.set(xlabel="Time (s)")
    with Image.open(save_figure(figure, tmp_path, "small")) as image:
        assert image.size == (2 * DPI, DPI)


def test_a_figure_that_cannot_be_drawn_leaves_the_old_one(tmp_path):
    figure, (axes,) = panels()
    save_figure(figure, tmp_path, "kept")
    before = (tmp_path / "kept.png").read_bytes()
    axes.set_title("$\\notacommand$")
    with pytest.raises(ValueError, match="notacommand"):
        save_figure(figure, tmp_path, "kept")
    assert (tmp_path / "kept.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.png", "kept.svg"]


def test_scatter_shows_each_item_and_the_fitted_line(ef):
    label = np.arange(20.0, 80.0)  # errors 20 - label / 2
    figure = ef_scatter(label, 0.5 * label + 20, data="phantom", title="Half")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([label, 0.5 * label + 20], axis=1))
    x, y = axes.lines[1].get_data()
    np.testing.assert_allclose(y, 0.5 * x + 20)
    assert "least squares, slope 0.50" in words(figure)
    assert any("phantom, n = 60\nMAE 8.25 points" in text for text in words(figure))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Labelled EF (%)", "Predicted EF (%)")
    assert ef_scatter(*ef, data="CAMUS", axes=axes) is figure


def test_scatter_of_one_item():
    assert "MAE 5.00 points" in " ".join(words(ef_scatter([50.0], [55.0], data="phantom")))


def test_population_shares(ef):
    figure = ef_population({"phantom": np.array([30.0, 45.0, 60.0, 61.0]), "CAMUS": ef[0]})
    text = words(figure)
    assert {"HFrEF\n25 %", "HFmrEF\n25 %", "HFpEF\n50 %"} <= set(text)
    assert {"phantom, n = 4", "CAMUS, n = 200"} <= set(text)


def test_error_by_ef_is_the_mean_in_each_bin():
    label = np.repeat([32.0, 57.0, 71.0], [10, 20, 3])
    prediction = label + np.repeat([4.0, -2.0, 9.0], [10, 20, 3])
    (axes,) = error_by_ef({"model": (label, prediction)}, data="phantom").axes
    np.testing.assert_allclose(axes.lines[0].get_data(), [[32.5, 57.5], [4, 2]])  # three items are too few
    assert axes.get_ylabel() == "Mean absolute error (EF points)"


def test_roc_lists_a_threshold_without_cases(ef):
    figure = roc_curves(np.clip(ef[0], 36, None), ef[1], data="phantom")
    assert "EF < 35 %: one class only" in words(figure)
    assert sum("(n = " in text for text in words(figure)) == 3


def test_area_marks_the_beats():
    area = 100 - 40 * np.cos(2 * np.pi * (np.arange(200) - 30) / 50)
    beats = find_beats(area)
    clips = [(start, start + 64) for start in beat_clip_starts(beats.systoles)]
    (axes,) = area_over_time(area, beats, fps=50, unit="cm²", clips=clips).axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_allclose(lines["end systole"].get_xdata(), [0.6, 1.6, 2.6, 3.6])
    np.testing.assert_allclose(lines["end diastole"].get_ydata(), 140)
    assert axes.get_ylabel() == "LV area (cm²)" and axes.get_xlabel() == "Time (s)"
    (axes,) = area_over_time(np.ones(5), find_beats(np.ones(5)), fps=None).axes
    assert axes.get_xlabel() == "Frame"


def test_montage_draws_what_is_given(mask):
    frame = np.zeros((40, 60), dtype=np.uint8)
    figure = frame_montage(
        [frame] * 3, titles=["ED", "ES", "ED"], masks=[{"LV": mask}, {}, {"LV": mask, "other": mask}],
        tracings=[tracing(), None, None], points=[None, [[1, 2], [3, 4]], None], columns=2,
    )  # fmt: skip
    assert len(figure.axes) == 4 and not figure.axes[3].images
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == ["ED", "ES", "ED"]
    np.testing.assert_allclose(figure.axes[1].collections[0].get_offsets(), [[1, 2], [3, 4]])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["LV", "other"]
    with pytest.raises(ValueError, match="2 titles for 1 frames"):
        frame_montage([frame], titles=["a", "b"])


def test_learning_curves_from_a_log(tmp_path):
    log = pd.DataFrame({"epoch": range(4), "train_loss": [5, 4, 3, 2], "val_loss": [6.0, 3, 4, 5]})
    log["val_mae"] = [4, 3, 2, 1]
    log.to_csv(tmp_path / "log.csv", index=False)
    (axes,) = learning_curves({"net": tmp_path / "log.csv"}, metric="mae", unit="EF points").axes
    np.testing.assert_allclose(axes.lines[0].get_data(), [[1, 2, 3, 4], [4, 3, 2, 1]])
    np.testing.assert_allclose(axes.lines[1].get_data(), [[2], [3]])  # the lowest validation loss, not MAE
    assert axes.get_ylabel() == "MAE (EF points)"
    (axes,) = learning_curves({"net": log}, metric="mae", kept={"net": 3}).axes
    np.testing.assert_allclose(axes.lines[1].get_data(), [[4], [1]])
    with pytest.raises(ValueError, match="net has no val_dice"):
        learning_curves({"net": log}, metric="dice")


def test_figures_of_label_imbalance(tmp_path):
    rng = np.random.default_rng(0)
    ef = np.clip(rng.normal(56, 12, 60), 15, 80)
    methods = {name: np.stack([ef + rng.normal(0, sd, 60) for _ in range(2)]) for name, sd in (("a", 3), ("b", 6))}
    figure = report.errors_by_class(ef, methods, data="phantom")
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights[0] == pytest.approx(np.abs(methods["a"] - ef).mean())
    weights = report.sample_weights(ef, {"p = 0": np.ones(60), "p = 1": 1 / ef}, data="phantom")
    assert len(weights.axes[0].lines) == 2
    maps = report.feature_maps([("one", rng.normal(size=(60, 2)), ef)] * 2, data="phantom")
    assert maps.axes[0].collections[0].get_clim() == (ef.min(), ef.max())
    table = pd.DataFrame({"k": [1, 2], "mae_all": [4.0, 3.0]})
    line = report.swept(table, "k", {"mae_all": "all"}, data="phantom", xlabel="k").axes[0].lines[0]
    assert line.get_ydata().tolist() == [4.0, 3.0]
    for number, each in enumerate((figure, weights, maps)):
        assert report.save_figure(each, tmp_path, f"figure{number}").exists()


def test_figures_of_segmentation(tmp_path):
    image = np.full((20, 20), 90, np.uint8)
    mask = np.zeros((20, 20), bool)
    mask[5:12, 6:14] = True
    masks = {"one": [mask, mask], "empty": [np.zeros_like(mask)] * 2}
    figure = report.outlines([image] * 2, [mask] * 2, masks, ["easy", "hard"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["easy", "hard"]
    rows = report.image_rows([[image] * 3] * 2, ["a", "b", "c"])
    assert len(rows.axes) == 6
    table = pd.DataFrame({"start": ["random"], "d5": [0.7], "d5_low": [0.6], "d5_high": [0.8]})
    table = table.assign(d100=0.9, d100_low=0.88, d100_high=0.92)
    curve = report.dice_by_fraction({"U-Net": table}, {"d100": 100, "d5": 5}, data="phantom")
    assert curve.axes[0].lines[0].get_xydata().tolist() == [[100, 0.9], [5, 0.7]]
    for number, each in enumerate((figure, rows, curve)):
        assert report.save_figure(each, tmp_path, f"segmentation{number}").exists()
