"""A video with the outline of the ventricle, to be played and stepped through in a notebook."""

import io
from typing import TYPE_CHECKING

import numpy as np

from echolib.report.style import STRUCTURE_COLOURS

if TYPE_CHECKING:
    from ipywidgets import VBox

ENLARGED = 3  # pixels of the screen to one of the video


def outlined(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Grey frames, uint8 (frames, H, W), with the border pixels of masks, bool (frames, H, W), in the ventricle's
    colour: uint8 (frames, H, W, 3)."""
    from matplotlib.colors import to_rgb
    from scipy.ndimage import binary_erosion

    inside = binary_erosion(masks, structure=np.ones((1, 3, 3), bool))
    coloured = np.repeat(frames[..., None], 3, axis=-1)
    coloured[masks & ~inside] = np.round(255 * np.array(to_rgb(STRUCTURE_COLOURS["LV"]))).astype("uint8")
    return coloured


def player(frames: np.ndarray, masks: np.ndarray, *, fps: float, title: str = "") -> "VBox":
    """The outlined video with a play button and a slider over its frames.

    Parameters
    ----------
    frames, masks : as for `outlined`. fps : frames per second at which it plays.
    """
    import ipywidgets as widgets

    pictures = [_png(picture) for picture in outlined(frames, masks)]
    height, width = frames.shape[1:]
    image = widgets.Image(value=pictures[0], format="png", width=ENLARGED * width, height=ENLARGED * height)
    last = len(pictures) - 1
    play = widgets.Play(min=0, max=last, interval=max(1, round(1000 / fps)), repeat=True)
    slider = widgets.IntSlider(min=0, max=last, description="frame")
    widgets.jslink((play, "value"), (slider, "value"))
    slider.observe(lambda change: setattr(image, "value", pictures[change["new"]]), names="value")
    return widgets.VBox([widgets.Label(title), image, widgets.HBox([play, slider])])


def _png(picture: np.ndarray) -> bytes:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, picture, format="png")
    return buffer.getvalue()
