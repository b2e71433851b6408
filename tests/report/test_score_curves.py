"""Scores against the share of labels, the share of noisy pixels and a swept parameter."""

import numpy as np
import pandas as pd

from echolib.report import dice_by_fraction, noise_curves, parameter_sweep


def band(collection):
    """Lower and upper end of a band, in the order of its points."""
    vertices = collection.get_paths()[0].vertices
    return [
        [vertices[vertices[:, 0] == x, 1].min() for x in np.unique(vertices[:, 0])],
        [vertices[vertices[:, 0] == x, 1].max() for x in np.unique(vertices[:, 0])],
    ]


def test_dice_by_the_share_of_labels(texts):
    table = pd.DataFrame({"start": ["random", "SimCLR", "not run"], "d5": [0.7, 0.8, None], "d100": [0.9, 0.91, None]})
    for column in ("d5", "d100"):
        table[f"{column}_low"], table[f"{column}_high"] = table[column] - 0.1, table[column] + 0.05
    figure = dice_by_fraction({"U-Net": table, "DeepLab": table}, {"d5": 5, "d100": 100}, data="phantom")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["U-Net", "DeepLab"]
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["random", "SimCLR"]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[5, 0.7], [100, 0.9]])
    np.testing.assert_allclose(band(axes.collections[0]), [[0.6, 0.8], [0.75, 0.95]])
    assert axes.get_xscale() == "log" and axes.get_ylabel() == "Dice" and "phantom" in texts(figure)


def test_cells_that_were_not_run_are_left_out_of_the_curves():
    table = pd.DataFrame({"start": ["random"], "d5": [0.7], "d25": [np.nan], "d100": [0.9]})
    for column in ("d5", "d25", "d100"):
        table[f"{column}_low"], table[f"{column}_high"] = table[column] - 0.1, table[column] + 0.05
    nothing = table.assign(d5=np.nan, d100=np.nan)
    figure = dice_by_fraction({"DeepLab": nothing, "U-Net": table}, {"d5": 5, "d25": 25, "d100": 100}, data="phantom")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "U-Net"
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[5, 0.7], [100, 0.9]])
    assert axes.get_xticks().tolist() == [5, 25, 100]


def test_noise_curves_are_means_over_seeds_with_their_range(texts):
    label = np.array([30.0, 50.0, 70.0])
    seeds = np.stack([label + 1, label - 3])
    curves = {"M0": {0.0: seeds, 0.5: seeds * 0 + 50}, "M1": {0.0: seeds, 0.5: seeds}}
    frames = [np.full((8, 8), grey, np.uint8) for grey in (10, 20)]
    figure = noise_curves(label, curves, frames, data="phantom")
    error, explained, *images = figure.axes
    assert (error.get_ylabel(), explained.get_ylabel()) == ("MAE (EF points)", "R²")
    np.testing.assert_allclose(error.lines[0].get_xydata(), [[0, 2], [0.5, 40 / 3]])
    np.testing.assert_allclose(band(error.collections[0]), [[1, 40 / 3], [3, 40 / 3]])
    np.testing.assert_allclose(
        explained.lines[0].get_ydata()[1], 0, atol=1e-12
    )  # the mean of the labels explains nothing
    assert [line.get_label() for line in error.lines] == ["M0", "M1"]
    assert [axes.get_title(loc="center") for axes in images] == ["0%", "50%"]
    assert [axes.images[0].get_array().max() for axes in images] == [10, 20]
    assert texts(figure).count("phantom, n = 3") == 2


def test_parameter_sweep():
    table = pd.DataFrame({"k": [1, 2, 3], "all": [4.0, 3.0, 3.5], "low": [9.0, 8.0, 7.0]})
    (axes,) = parameter_sweep(table, "k", {"all": "all videos", "low": "HFrEF"}, data="phantom", xlabel="Experts").axes
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[1, 9], [2, 8], [3, 7]])
    assert [line.get_label() for line in axes.lines] == ["all videos", "HFrEF"]
    assert axes.get_xlabel() == "Experts" and axes.get_xticks().tolist() == [1, 2, 3]
