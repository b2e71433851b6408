"""The video player: what it shows of the chosen video, and how fast."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from echolib.report import STRUCTURE_COLOURS, Scene, outlined, panels, player


def scene(name: str) -> Scene:
    """A video of as many frames as its name has letters, with a square ventricle."""
    frames = np.full((len(name), 10, 14), 90, np.uint8)
    masks = np.zeros(frames.shape, bool)
    masks[:, 3:7, 4:9] = True
    return Scene(frames, masks, 25.0, f"video {name}", panels()[0])


def pixels(widget) -> np.ndarray:
    return np.round(255 * imread(io.BytesIO(widget.value))[..., :3]).astype(int)


def test_only_the_border_of_the_ventricle_is_coloured():
    shown = outlined(scene("a").frames, scene("a").masks)[0]
    border = np.zeros((10, 14), bool)
    border[3:7, 4:9] = True
    border[4:6, 5:8] = False
    assert shown.shape == (10, 14, 3) and (shown[~border] == 90).all()
    colour = [int(STRUCTURE_COLOURS["LV"][start : start + 2], 16) for start in (1, 3, 5)]
    assert (shown[border] == colour).all()


def test_the_first_video_is_shown_at_once_and_another_when_chosen():
    pytest.importorskip("ipywidgets")
    box = player(scene, ["abc", "de"])
    choice, title, image, controls, figure = box.children
    play, slider = controls.children
    assert title.value == "video abc" and slider.max == play.max == 2 and play.interval == 40
    assert (image.width, image.height) == ("42", "30") and bytes(figure.value).startswith(b"\x89PNG")
    np.testing.assert_array_equal(pixels(image), outlined(scene("abc").frames, scene("abc").masks)[0])
    slider.value = 2
    choice.value = "de"
    assert title.value == "video de" and slider.max == 1 and slider.value == 0
