"""How the claims of the papers fared: differences with their intervals, and outcomes by paper."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from echolib.report.style import GREY, PAGE, PALETTE, corner_note, panels

OUTCOME_COLOURS = {
    "supported": "#009E73",
    "opposite": "#D55E00",
    "equivalent": "#56B4E9",
    "open": "#CCCCCC",
    "not testable": "white",
}


def forest_plot(table: pd.DataFrame, *, data: str) -> Figure:
    """Paired differences with their intervals around zero, one panel per quantity, one line per row of the table.

    table: claim, condition, quantity (with its unit), difference, difference_low and difference_high, as a table of
    claims has them.
    """
    figure, axes = panels(1, table["quantity"].nunique(), width=7.0, height=2.4)
    for panel, (quantity, rows) in zip(axes, table.groupby("quantity", sort=False), strict=True):
        rows = rows.iloc[::-1]  # the first one on top
        heights = np.arange(len(rows))
        panel.axvline(0, color=GREY, linewidth=0.8)
        panel.hlines(heights, rows["difference_low"], rows["difference_high"], color=PALETTE[0])
        panel.plot(rows["difference"], heights, "o", color=PALETTE[0])
        names = [f"{claim}\n({condition})" for claim, condition in zip(rows["claim"], rows["condition"], strict=True)]
        panel.set_yticks(heights, names, fontsize=6)
        panel.set(xlabel=f"Difference ({quantity})", ylim=(-0.6, len(rows) - 0.4))
    corner_note(axes[0], data, "lower left")
    return figure


def claim_outcomes(counts: pd.DataFrame) -> Figure:
    """How many claims of each paper ended in each outcome, one bar per paper.

    counts: one row per paper with its name in `paper` and a column of counts for each of `OUTCOME_COLOURS`.
    """
    figure, (axes,) = panels(width=PAGE, height=0.7 + 0.4 * len(counts))
    left = pd.Series(0, index=counts.index)
    for outcome, colour in OUTCOME_COLOURS.items():
        bars = axes.barh(counts["paper"], counts[outcome], left=left, color=colour, edgecolor="0.4", label=outcome)
        labels = [str(count) if count else "" for count in counts[outcome]]
        axes.bar_label(bars, labels, label_type="center", fontsize=7)
        left = left + counts[outcome]
    axes.set(xlabel="Claims put to the test")
    axes.invert_yaxis()
    # pyrefly: ignore[unexpected-keyword]  (the locator of a linear axis has it, the base class does not)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(OUTCOME_COLOURS), borderaxespad=0.2)
    return figure
