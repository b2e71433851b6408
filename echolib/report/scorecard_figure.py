"""The scorecard as a figure."""

import pandas as pd
from matplotlib.figure import Figure

from echolib.report.style import PAGE, panels

COLOURS = {"supported": "#009E73", "open": "#CCCCCC", "opposite": "#D55E00", "not testable": "white"}


def outcomes(counts: pd.DataFrame) -> Figure:
    """How the claims of each paper ended, a bar a paper.

    Parameters
    ----------
    counts : a row a paper with its name in `paper` and a column of counts for each of `COLOURS`.
    """
    figure, (axes,) = panels(width=PAGE, height=0.7 + 0.4 * len(counts))
    left = pd.Series(0, index=counts.index)
    for name, colour in COLOURS.items():
        bars = axes.barh(counts["paper"], counts[name], left=left, color=colour, edgecolor="0.4", label=name)
        axes.bar_label(bars, [str(n) if n else "" for n in counts[name]], label_type="center", fontsize=7)
        left = left + counts[name]
    axes.set(xlabel="Claims put to the test")
    axes.invert_yaxis()
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(COLOURS), borderaxespad=0.2)
    return figure
