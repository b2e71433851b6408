"""Figures as files."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from echolib.files import replacing

DPI = 200
METADATA = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}


def save_figure(figure: Figure, folder, name: str) -> Path:
    """Writes <name>.png and <name>.svg into the folder, atomically; the same figure gives the same bytes.

    The figure's layout is final from here on. Returns the path of the PNG.
    """
    folder = Path(folder)
    figure.set_dpi(DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once: each further pass would move it by fractions of a pixel
    for kind, metadata in METADATA.items():
        with (
            matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path", "savefig.bbox": None}),
            replacing(folder / f"{name}.{kind}") as partial,
        ):
            figure.savefig(partial, format=kind, dpi=DPI, metadata=metadata, facecolor="white")
    return folder / f"{name}.png"
