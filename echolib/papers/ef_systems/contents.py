"""The notebook on the other EF systems, and what it shows."""

from echolib.papers.ef_systems.tables import (
    CALIBRATION,
    CALIBRATION_CURVES,
    EF_BY_PROTOCOL,
    FRAME_WEIGHTS,
    KEY_FRAMES,
    WEIGHTS_OVER_CYCLE,
)
from echolib.papers.exhibits import Paper

PAPER = Paper(
    title="EF systems",
    notebooks={
        "24_ef_systems": (
            EF_BY_PROTOCOL,
            KEY_FRAMES,
            WEIGHTS_OVER_CYCLE,
            FRAME_WEIGHTS,
            CALIBRATION,
            CALIBRATION_CURVES,
        ),
    },
)
