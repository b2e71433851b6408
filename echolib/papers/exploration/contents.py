"""Which notebook shows what of the data."""

from echolib.papers.exhibits import Paper
from echolib.papers.exploration.tables import (
    HEART_FAILURE_CLASSES,
    PHANTOM_AND_REAL,
    POPULATION,
    WALL_MEASURES,
    WIDTH_PROFILE,
)

PAPER = Paper(
    title="The data",
    notebooks={
        "00_data_exploration": (
            HEART_FAILURE_CLASSES,
            POPULATION,
            PHANTOM_AND_REAL,
            WIDTH_PROFILE,
            WALL_MEASURES,
        )
    },
)
