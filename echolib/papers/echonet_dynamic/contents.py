"""Which notebook shows what of EchoNet-Dynamic."""

from echolib.papers.echonet_dynamic.tables import (
    AUC,
    BEATS,
    CAMUS_EF,
    CAMUS_SEGMENTATION,
    EF_LEARNING_CURVES,
    EJECTION_FRACTION,
    SEGMENTATION,
    VIDEOS,
)
from echolib.papers.exhibits import Paper

PAPER = Paper(
    title="EchoNet-Dynamic",
    notebooks={
        "01_explore": (BEATS,),
        "02_echonet_dynamic": (
            VIDEOS,
            EF_LEARNING_CURVES,
            SEGMENTATION,
            EJECTION_FRACTION,
            AUC,
            CAMUS_SEGMENTATION,
            CAMUS_EF,
        ),
    },
)
