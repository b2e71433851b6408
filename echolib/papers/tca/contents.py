"""The notebooks on temporal channel-wise attention, and what they show."""

from echolib.papers.exhibits import Paper
from echolib.papers.tca import robustness_tables, tables

PAPER = Paper(
    title="TCA / S-TCA",
    notebooks={
        "30_tca_ablation": (
            tables.PSEUDO_LABELS,
            tables.TABLE_2,
            tables.CLAIMS,
            tables.TABLE_1,
            tables.CLAIMS_SYSTEMS,
            tables.TABLE_3,
            tables.CLAIMS_ATTENTION,
            tables.EVERY_CLIP,
            tables.PLACES,
        ),
        "31_tca_robustness": (
            robustness_tables.NOISE_SCORES,
            robustness_tables.NOISE_CURVES,
            robustness_tables.ROBUSTNESS,
            robustness_tables.CLAIMS_NOISE,
            robustness_tables.ACTIVATION_MAPS,
            robustness_tables.ACTIVATION_SHARES,
            robustness_tables.CLAIMS_ACTIVATION,
            robustness_tables.GATES_OVER_CYCLE,
            robustness_tables.GATES,
        ),
    },
)
