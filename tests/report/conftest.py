"""What the tests of figures share: the style, and the texts of a figure."""

import matplotlib
import pytest
from matplotlib.text import Text

from echolib.report import style


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        style()
        yield


@pytest.fixture
def texts():
    """All texts of a figure, those of its legends included."""
    return lambda figure: [text.get_text() for text in figure.findobj(Text)]
