"""Values over the cardiac cycle."""

import numpy as np
import pandas as pd

from echolib.report import mean_over_cycle


def test_means_in_bins_of_the_phase():
    phase = np.array([0.1, 0.2, 0.6, 0.7])
    table = pd.DataFrame(
        {
            "stage": ["first"] * 4 + ["second"] * 4,
            "phase": np.tile(phase, 2),
            "speed": [0.01, 0.03, 0.1, 0.1] * 2,
            "gate": [1.0, 3.0, 5.0, 7.0, 0.0, 0.0, 2.0, 2.0],
        }
    )
    figure = mean_over_cycle(table, "gate", "Mean gate", by="stage", data="phantom", bins=2)
    axes, volume = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.25, 2], [0.75, 6]])
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[0.25, 0], [0.75, 2]])
    assert [line.get_label() for line in axes.lines] == ["first", "second"]
    assert axes.get_ylabel() == "Mean gate" and volume.get_ylabel() == "|dV/dt| (% of EDV a frame)"
    grey = volume.collections[0].get_paths()[0].vertices
    assert grey[:, 1].max() == 10 and grey[grey[:, 0] == 0.25, 1].max() == 2  # percent of EDV per frame
