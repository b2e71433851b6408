"""The notebook of multi-task learning, and what it shows."""

from echolib.papers.exhibits import Paper
from echolib.papers.multitask import claims, tables

PAPER = Paper(
    title="Multi-task",
    notebooks={
        "40_multitask_ablation": (
            tables.LEARNING_CURVES,
            tables.DICE,
            tables.KEYPOINTS,
            tables.KEYPOINTS_PARTIAL,
            tables.KEYPOINTS_DERIVED,
            claims.CLAIMS,
            claims.CLAIMS_IN_PARTS,
            tables.WALLS,
            tables.EJECTION_FRACTION,
            tables.BIPLANE_RELEASE,
            tables.COST,
        )
    },
)
