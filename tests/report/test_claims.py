"""Claims: differences with their intervals, and outcomes by paper."""

import numpy as np
import pandas as pd

from echolib.report import claim_outcomes, forest_plot


def test_forest_plot_from_the_first_row_at_the_top():
    table = pd.DataFrame(
        {
            "claim": ["Dice rises", "keypoints nearer", "Dice rises"],
            "difference": [0.02, -1.5, 0.03],
            "difference_low": [-0.01, -2.0, 0.01],
            "difference_high": [0.05, -1.0, 0.05],
            "condition": ["shared", "shared", "split"],
            "quantity": ["Dice", "input px", "Dice"],
        }
    )
    figure = forest_plot(table, data="phantom")
    dice, pixels = figure.axes
    assert [text.get_text() for text in dice.get_yticklabels()] == ["Dice rises\n(split)", "Dice rises\n(shared)"]
    np.testing.assert_allclose(dice.lines[1].get_xydata(), [[0.03, 0], [0.02, 1]])
    np.testing.assert_allclose(dice.collections[0].get_segments(), [[[0.01, 0], [0.05, 0]], [[-0.01, 1], [0.05, 1]]])
    assert dice.lines[0].get_xdata() == [0, 0]
    assert (dice.get_xlabel(), pixels.get_xlabel()) == ("Difference (Dice)", "Difference (input px)")


def test_outcomes_are_stacked_counts(texts):
    counts = pd.DataFrame(
        {
            "paper": ["EchoMEN", "TCA"],
            "supported": [2, 0],
            "opposite": [0, 1],
            "equivalent": [1, 2],
            "open": [1, 3],
            "not testable": [1, 0],
        }
    )
    figure = claim_outcomes(counts)
    (axes,) = figure.axes
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(5, 2)
    np.testing.assert_array_equal(widths.T, counts.drop(columns="paper"))
    starts = np.array([bar.get_x() for bar in axes.patches]).reshape(5, 2)
    np.testing.assert_array_equal(starts, np.cumsum(widths, axis=0) - widths)
    figure.draw_without_rendering()  # names the ticks
    assert [text.get_text() for text in axes.get_yticklabels()] == ["EchoMEN", "TCA"]
    assert {"supported", "equivalent", "not testable", "Claims put to the test"} <= set(texts(figure))
