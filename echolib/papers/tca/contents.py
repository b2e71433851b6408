"""The notebooks on temporal channel-wise attention, and what they show."""

from echolib.papers.exhibits import Paper
from echolib.papers.tca import claims, robustness_tables, tables

PAPER = Paper(
    title="TCA / S-TCA",
    notebooks={
        "30_tca_ablation": (
            tables.PSEUDO_LABELS,
            tables.TABLE_2,
            claims.PARTS,
            tables.TABLE_1,
            claims.AGAINST_SYSTEMS,
            claims.AGAINST_SYSTEMS_IN_PARTS,
            tables.TABLE_3,
            claims.AGAINST_ATTENTION,
            claims.AGAINST_ATTENTION_IN_PARTS,
            tables.EVERY_CLIP,
            tables.PLACES,
        ),
        "31_tca_robustness": (
            robustness_tables.NOISE_SCORES,
            robustness_tables.NOISE_CURVES,
            robustness_tables.ROBUSTNESS,
            claims.UNDER_NOISE,
            robustness_tables.ACTIVATION_MAPS,
            robustness_tables.ACTIVATION_SHARES,
            claims.OF_ACTIVATION,
            robustness_tables.GATES_OVER_CYCLE,
            robustness_tables.GATES,
        ),
    },
)
