"""What the notebook on the ablation of TCA shows: Chen and Li's Tables 1 to 3, and beyond."""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from echolib.papers.claims import Claim
from echolib.papers.ef_scores import SCORES, ef_evidence_from, predictions_of, scores_table
from echolib.papers.exhibits import ClaimsTable, Published, Results, Setup, Table
from echolib.papers.published import published
from echolib.papers.tca.experiments import (
    ATTENTION,
    MODELS,
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
    random_clip_predictions,
    random_clip_scores,
    tca_variants,
)

M0, M1, M2, M3 = MODELS.values()
MAE = "MAE (EF points)"
PAIRED = "Differences of MAE (EF points), paired over videos and seeds; 95 % intervals."


def _every_clip_scores(results: Results, setup: Setup) -> pd.DataFrame:
    return scores_table(*setup.once(predictions_of, results), resamples=setup.profile.resamples)


def _printed(table: str, titles: Mapping[str, str]) -> pd.DataFrame:
    return published("tca", table).replace({"method": titles})


def _beside(table: str, titles: Mapping[str, str]) -> Published:
    return Published(read=partial(_printed, table, titles), keys="method", metrics=tuple(SCORES))


def _lower_error(sentence: str, better: str, worse: str) -> Claim:
    return Claim(sentence, better=better, worse=worse, quantity=MAE, expected="lower")


PSEUDO_LABELS = Table(
    name="pseudo_labels",
    caption="Dice of the segmenter on the two tracings of each training video; alpha is their mean.",
    rows=pseudo_labels,
    measure=pseudo_label_quality,
    headings={"dice_ed": "Dice ED", "dice_es": "Dice ES"},
    decimals=3,
)
TABLE_2 = Table(
    name="table_2",
    caption=(
        "Each part added in turn: mean over seeds, 90 % bootstrap intervals over videos, ten random clips per video. "
        "Published: Chen and Li, on EchoNet-Dynamic."
    ),
    rows=ablation,
    measure=random_clip_scores,
    published=_beside("table_2", MODELS),
)
CLAIMS = ClaimsTable(
    name="claims",
    caption=PAIRED,
    rows=ablation,
    claims=(
        _lower_error("anchors lower the error (M1 below M0)", M1, M0),
        _lower_error("TCA lowers it further (M2 below M1)", M2, M1),
        _lower_error("masks and S-TCA lower it further (M3 below M2)", M3, M2),
        _lower_error("all of them together (M3 below M0)", M3, M0),
    ),
    evidence=ef_evidence_from(random_clip_predictions),
)
TABLE_1 = Table(
    name="table_1",
    caption="EF by system, predicted as in Table 2. Published: Chen and Li, Table 1.",
    rows=comparison,
    measure=random_clip_scores,
    published=_beside("table_1", SYSTEMS),
)
CLAIMS_SYSTEMS = ClaimsTable(
    name="claims_systems",
    caption=PAIRED,
    rows=comparison,
    claims=tuple(
        _lower_error(f"M3 has a lower error than {SYSTEMS[rival]}", SYSTEMS["ours"], SYSTEMS[rival])
        for rival in ("mc3", "r3d", "echonet_dynamic")
    ),
    evidence=ef_evidence_from(random_clip_predictions),
)
TABLE_3 = Table(
    name="table_3",
    caption="EF by kind of attention, predicted as in Table 2. Published: Chen and Li, Table 3.",
    rows=attention,
    measure=random_clip_scores,
    published=_beside("table_3", ATTENTION),
)
CLAIMS_ATTENTION = ClaimsTable(
    name="claims_attention",
    caption=PAIRED,
    rows=attention,
    claims=tuple(
        _lower_error(f"TCA has a lower error than {ATTENTION[rival]}", ATTENTION["tca"], ATTENTION[rival])
        for rival in ("se", "me")
    ),
    evidence=ef_evidence_from(random_clip_predictions),
)
EVERY_CLIP = Table(
    name="every_clip",
    caption="The models of Table 2, and SE, with every clip averaged.",
    rows=ablation_and_se,
    measure=_every_clip_scores,
)
PLACES = Table(
    name="places",
    caption="TCA at other places and with another window, first seed.",
    rows=sweep,
    measure=tca_variants,
)
