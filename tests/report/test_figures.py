"""Figures: the same bytes for the same input, and what is drawn in them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from echolib.geometry import beat_clip_starts, find_beats
from echolib.report import (
    COLUMN,
    DPI,
    PAGE,
    PALETTE,
    area_over_time,
    coverage_curves,
    ef_population,
    ef_scatter,
    embedding_maps,
    error_by_ef,
    errors_by_class,
    frame_montage,
    learning_curves,
    panels,
    roc_curves,
    sample_weights,
    save_figure,
)


@pytest.fixture
def ef():
    rng = np.random.default_rng(0)
    label = rng.normal(52, 14, 200).clip(10, 85)
    return label, label + rng.normal(0, 5, 200)


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


def test_scatter_shows_each_item_and_the_fitted_line(ef, texts):
    label = np.arange(20.0, 80.0)  # errors 20 - label / 2
    figure = ef_scatter(label, 0.5 * label + 20, data="phantom", title="Half")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.collections[0].get_offsets(), np.stack([label, 0.5 * label + 20], axis=1))
    x, y = axes.lines[1].get_data()
    np.testing.assert_allclose(y, 0.5 * x + 20)
    assert "least squares, slope 0.50" in texts(figure)
    assert any("phantom, n = 60\nMAE 8.25 points" in text for text in texts(figure))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Labelled EF (%)", "Predicted EF (%)")
    assert ef_scatter(*ef, data="CAMUS", axes=axes) is figure


def test_scatter_of_one_item(texts):
    assert "MAE 5.00 points" in " ".join(texts(ef_scatter([50.0], [55.0], data="phantom")))


def test_population_shares(ef, texts):
    figure = ef_population({"phantom": np.array([30.0, 45.0, 60.0, 61.0]), "CAMUS": ef[0]})
    text = texts(figure)
    assert {"HFrEF\n25 %", "HFmrEF\n25 %", "HFpEF\n50 %"} <= set(text)
    assert {"phantom, n = 4", "CAMUS, n = 200"} <= set(text)


def test_error_by_ef_is_the_mean_in_each_bin():
    label = np.repeat([32.0, 57.0, 71.0], [10, 20, 3])
    prediction = label + np.repeat([4.0, -2.0, 9.0], [10, 20, 3])
    (axes,) = error_by_ef({"model": (label, prediction)}, data="phantom").axes
    np.testing.assert_allclose(axes.lines[0].get_data(), [[32.5, 57.5], [4, 2]])  # three items are too few
    assert axes.get_ylabel() == "Mean absolute error (EF points)"


def test_roc_lists_a_threshold_without_cases(ef, texts):
    figure = roc_curves(np.clip(ef[0], 36, None), ef[1], data="phantom")
    assert "EF < 35 %: one class only" in texts(figure)
    assert sum("(n = " in text for text in texts(figure)) == 3


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


def test_many_learning_curves_have_their_legend_beside_them(texts):
    log = pd.DataFrame({"epoch": range(3), "train_loss": [5.0, 4, 3], "val_loss": [6.0, 3, 4]})
    names = ["one", "two", "three", "four"]
    figure = learning_curves({name: log for name in names}, logarithmic=True)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log" and figure.get_figwidth() == PAGE and axes.get_ylabel() == "Loss"
    assert {*names, "training", "weights kept"} <= set(texts(figure))
    assert learning_curves({"one": log}).get_figwidth() == COLUMN


def test_more_items_than_colours_are_all_drawn():
    curves = {f"model {number}": (np.linspace(0, 1, 3), np.linspace(0, 1, 3)) for number in range(len(PALETTE) + 2)}
    (axes,) = coverage_curves(curves, data="phantom").axes
    assert len(axes.lines) == 1 + len(curves)
    assert axes.lines[1].get_color() == axes.lines[1 + len(PALETTE)].get_color()


def test_coverage_lies_against_the_diagonal(texts):
    nominal = np.array([0.5, 0.8, 0.9])
    figure = coverage_curves({"MC3": (nominal, nominal - 0.1)}, data="phantom")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0, 0], [1, 1]])
    np.testing.assert_allclose(axes.lines[1].get_data(), [nominal, nominal - 0.1])
    assert {"MC3", "phantom", "Nominal coverage"} <= set(texts(figure))


def test_errors_by_class_are_means_over_seeds_with_their_range(texts):
    label = np.array([30.0, 38, 45, 60, 65, 70])
    predictions = label + np.array([[2.0], [4.0]])  # two seeds
    figure = errors_by_class(label, {"a": predictions, "b": label + 1.0}, data="phantom")
    (axes,) = figure.axes
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, [3] * 4 + [1] * 4)
    (first, second) = axes.collections
    np.testing.assert_allclose([segment[:, 1] for segment in first.get_segments()], [[2, 4]] * 4)
    np.testing.assert_allclose([segment[:, 1] for segment in second.get_segments()], [[1, 1]] * 4)
    assert {"all\nn = 6", "HFrEF\nn = 2", "HFmrEF\nn = 1", "HFpEF\nn = 3"} <= set(texts(figure))
    without_failing = errors_by_class(label[3:], {"a": predictions[:, 3:]}, data="phantom")
    assert [text.get_text() for text in without_failing.axes[0].get_xticklabels()] == ["all\nn = 3", "HFpEF\nn = 3"]


def test_sample_weights_are_sorted_by_ef():
    ef = np.array([60.0, 20.0, 40.0])
    figure = sample_weights(ef, {"p = 0": np.ones(3), "p = 1": 1 / ef}, data="phantom")
    axes, counts = figure.axes
    np.testing.assert_allclose(axes.lines[1].get_data(), [[20, 40, 60], [1 / 20, 1 / 40, 1 / 60]])
    assert axes.get_yscale() == "log" and counts.get_ylabel() == "Training videos"
    assert sum(bar.get_height() for bar in counts.patches) == 3


def test_embeddings_share_one_colour_scale(texts):
    rng = np.random.default_rng(0)
    ef = np.array([20.0, 50.0, 70.0])
    coordinates = rng.normal(size=(3, 2))
    figure = embedding_maps([("one", coordinates, ef), ("two", -coordinates, ef - 10)], data="phantom")
    for axes in figure.axes[:2]:
        assert axes.collections[0].get_clim() == (10, 70)
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), coordinates)
    assert {"one", "two", "phantom, n = 3", "Labelled EF (%)"} <= set(texts(figure))
