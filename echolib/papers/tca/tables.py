"""What the notebook on the ablation of TCA shows: Chen and Li's Tables 1 to 3, and beyond."""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from echolib.papers.echonet_dynamic.experiments import protocol_note
from echolib.papers.ef_scores import SCORES, predictions_of, scores_table
from echolib.papers.exhibits import Published, Results, Setup, Table, no_row
from echolib.papers.published import published
from echolib.papers.tca.experiments import (
    ATTENTION,
    MODELS,
    STORY,
    SYSTEMS,
    ablation,
    ablation_and_se,
    attention,
    comparison,
    pseudo_labels,
    sweep,
)
from echolib.papers.tca.scores import (
    pseudo_label_quality,
    random_clip_scores,
    tca_variants,
)


def _every_clip_scores(results: Results, setup: Setup) -> pd.DataFrame:
    return scores_table(*setup.once(predictions_of, results), resamples=setup.profile.resamples)


def _printed(table: str, titles: Mapping[str, str]) -> pd.DataFrame:
    return published("tca", table).replace({"method": titles})


def _beside(table: str, titles: Mapping[str, str]) -> Published:
    return Published(
        read=partial(_printed, table, titles),
        keys="method",
        metrics=tuple(SCORES),
        beside=("learnt",),
        note=lambda profile: protocol_note(profile, profile.attention),
    )


PSEUDO_LABELS = Table(
    name="pseudo_labels",
    caption="Dice of the segmenter on the two tracings of each training video; alpha is their mean.",
    rows=pseudo_labels,
    story=no_row,
    measure=pseudo_label_quality,
    headings={"dice_ed": "Dice ED", "dice_es": "Dice ES"},
    decimals=3,
)
TABLE_2 = Table(
    name="table_2",
    caption=(
        "Each part added in turn: mean over seeds, 90 % intervals over videos and seeds, ten random clips per video. "
        "Published: Chen and Li, on EchoNet-Dynamic."
    ),
    rows=ablation,
    story=STORY.__contains__,
    measure=random_clip_scores,
    published=_beside("table_2", MODELS),
)
TABLE_1 = Table(
    name="table_1",
    caption="EF by system, predicted as in Table 2. Published: Chen and Li, Table 1.",
    rows=comparison,
    story=no_row,
    measure=random_clip_scores,
    published=_beside("table_1", SYSTEMS),
)
TABLE_3 = Table(
    name="table_3",
    caption="EF by kind of attention, predicted as in Table 2. Published: Chen and Li, Table 3.",
    rows=attention,
    story=no_row,
    measure=random_clip_scores,
    published=_beside("table_3", ATTENTION),
)
EVERY_CLIP = Table(
    name="every_clip",
    caption="The models of Table 2, and SE, with every clip averaged.",
    rows=ablation_and_se,
    story=STORY.__contains__,
    measure=_every_clip_scores,
)
PLACES = Table(
    name="places",
    caption="TCA at other places and with another window, first seed.",
    rows=sweep,
    story=no_row,
    measure=tca_variants,
)
