"""A video player for notebooks: choose a video, play it or step through it, with the ventricle outlined."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from echolib.report.style import STRUCTURE_COLOURS

if TYPE_CHECKING:
    from ipywidgets import VBox

ENLARGEMENT = 3  # pixels of the screen to one of the video


class Scene(NamedTuple):
    """What the player shows of a video: frames (T, H, W), uint8 grey, masks of the ventricle (T, H, W), bool, the rate
    at which it plays in frames per second, a line of text, and a figure below."""

    frames: np.ndarray
    masks: np.ndarray
    fps: float
    title: str
    figure: Figure


def player(scene_of: Callable[[str], Scene], names: Sequence[str]) -> "VBox":
    """A choice among videos by name, the outlined frames of the chosen one with a play button and a slider, and its
    figure.

    scene_of is called when a video is chosen, for the first one at once. Needs ipywidgets, of the extra `lab`.
    """
    # Without an Output widget, as `interact` has one: executed by papermill, that waits for a browser for ever.
    import ipywidgets as widgets

    choice = widgets.Dropdown(options=list(names), description="video")
    title, shown, below = widgets.Label(), widgets.Image(format="png"), widgets.Image(format="png")
    play, slider = widgets.Play(min=0, max=0, repeat=True), widgets.IntSlider(min=0, max=0, description="frame")
    widgets.jslink((play, "value"), (slider, "value"))
    images_png: list[bytes] = []

    def choose(name: str) -> None:
        scene = scene_of(name)
        images_png[:] = [_image_png(image) for image in outlined(scene.frames, scene.masks)]
        shown.width, shown.height = (str(ENLARGEMENT * extent) for extent in scene.frames.shape[:0:-1])
        title.value, below.value = scene.title, _figure_png(scene.figure)
        play.interval = max(1, round(1000 / scene.fps))
        play.value = slider.value = 0
        play.max = slider.max = len(images_png) - 1
        shown.value = images_png[0]

    slider.observe(lambda change: setattr(shown, "value", images_png[change["new"]]), names="value")
    choice.observe(lambda change: choose(change["new"]), names="value")
    choose(choice.value)
    return widgets.VBox([choice, title, shown, widgets.HBox([play, slider]), below])


def outlined(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Grey frames (T, H, W), uint8, with the border pixels of masks (T, H, W), bool, in the colour of the ventricle:
    (T, H, W, 3), uint8."""
    from matplotlib.colors import to_rgb
    from scipy.ndimage import binary_erosion

    inside = binary_erosion(masks, structure=np.ones((1, 3, 3), bool))
    coloured = np.repeat(frames[..., None], 3, axis=-1)
    coloured[masks & ~inside] = np.round(255 * np.array(to_rgb(STRUCTURE_COLOURS["LV"]))).astype("uint8")
    return coloured


def _image_png(image: np.ndarray) -> bytes:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, image, format="png")
    return buffer.getvalue()


def _figure_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
