"""EF of real patients from two frames: errors by class of heart failure, for all patients and under imbalance, and what
they say of the papers' claims."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.data.camus_folds import Population
from echolib.papers.claims import Claim, Comparison, Evidence
from echolib.papers.echomen.ablation import ablation_predictions
from echolib.papers.echomen.experiments import ABLATION, METHODS
from echolib.papers.echomen.scores import HEADINGS, errors_by_class
from echolib.papers.ef_scores import ClassComparison, Predictions, ef_evidence_from, predictions_of, scores_table
from echolib.papers.exhibits import ClaimsTable, Figure, Results, Rows, Setup, Table, no_row
from echolib.papers.real_patients.experiments import (
    ANCHORS,
    ECHOMEN,
    ECHONET,
    OUTLINES,
    POPULATIONS,
    REMEDIES,
    ablation,
    anchors,
    methods,
)
from echolib.papers.real_patients.folds import over_folds
from echolib.report.ef_errors import error_by_ef

DATA = ("camus",)
READ_FROM = "EF of CAMUS patients from the ED and ES frame of the four-chamber view, cross-validated"
MAE = "MAE (EF points)"
SHOWN = frozenset((ECHONET, ECHOMEN))
PredictionsOf = Callable[[Results, Setup], Predictions]


def pooled_predictions(results: Results, setup: Setup, of: PredictionsOf = predictions_of) -> Predictions:
    """EF of every patient who was a test patient, and each row's predictions (seeds, patients)."""
    return of(setup.once(over_folds, results), setup)


pooled_ablation = partial(pooled_predictions, of=ablation_predictions)


def _errors(
    results: Results, setup: Setup, metric: str, predictions: PredictionsOf = pooled_predictions
) -> pd.DataFrame:
    return errors_by_class(results, setup, metric=metric, predictions=predictions)


def _scores(results: Results, setup: Setup) -> pd.DataFrame:
    label, by_row = setup.once(pooled_predictions, results)
    return scores_table(label, by_row, resamples=setup.profile.resamples)


def _error_by_ef(results: Results, setup: Setup) -> Drawing:
    label, by_row = setup.once(pooled_predictions, results)
    shown = {row: (label, predictions.mean(0)) for row, predictions in by_row.items() if row in SHOWN}
    return error_by_ef(shown, data=setup.label(*DATA))


def _of(rows: Callable[..., Rows], population: Population) -> Callable[[Setup], Rows]:
    return partial(rows, population=population)


def _caption(metric: str, population: Population) -> str:
    learnt = "" if population == "natural" else f" Learnt from patients thinned to {POPULATIONS[population]}."
    return f"{metric} by class (EF points): {READ_FROM}.{learnt} Mean over seeds, 90 % intervals."


def _by_class(name: str, metric: str, population: Population, rows, predictions: PredictionsOf) -> Table:
    titles = {"mae": "Mean absolute error", "gm": "Geometric mean error"}
    return Table(
        name=f"{name}_{population}_{metric}",
        caption=_caption(titles[metric], population),
        rows=_of(rows, population),
        story=no_row,
        measure=partial(_errors, metric=metric, predictions=predictions),
        data=DATA,
        headings=HEADINGS,
    )


TABLES = tuple(
    _by_class(name, metric, population, rows, predictions)
    for population in POPULATIONS
    for name, rows, predictions in (
        ("methods", methods, pooled_predictions),
        ("ablation", ablation, pooled_ablation),
    )
    for metric in ("mae", "gm")
)
ANCHORS_AND_MASKS = Table(
    name="anchors",
    caption=(
        f"{READ_FROM}: regression, anchors, anchors beside masks; and another encoder. Attention over time needs "
        "sequences, which these patients have none of. Mean over seeds, 90 % intervals."
    ),
    rows=anchors,
    story=no_row,
    measure=_scores,
    data=DATA,
)
ERROR_BY_EF = Figure(
    name="error_by_ef",
    caption=f"Error by labelled EF, mean prediction over seeds. {READ_FROM}; learnt under {POPULATIONS['echonet']}.",
    rows=_of(methods, "echonet"),
    story=no_row,
    data=DATA,
    draw=_error_by_ef,
)


def _below(group: str = "all") -> tuple[ClassComparison, ...]:
    rivals = (ECHONET, *(METHODS[method] for method in REMEDIES))
    return tuple(ClassComparison(ECHOMEN, rival, f"against {rival}", group=group) for rival in rivals)


def of_methods(setup: Setup) -> Sequence[Claim]:
    """EchoMEN's claims about Table 1, where the training population has EchoNet-Dynamic's imbalance."""
    return (
        Claim("real patients: EchoMEN has the lowest error of all methods", MAE, "lower", _below()),
        Claim("real patients: EchoMEN has the lowest error in HFrEF", MAE, "lower", _below("HFrEF")),
        Claim("real patients: EchoMEN has the lowest error in HFmrEF", MAE, "lower", _below("HFmrEF")),
        Claim(
            "real patients: DIR pays for rare labels with frequent ones",
            MAE,
            "lower",
            (
                ClassComparison(METHODS["dir"], ECHONET, "HFrEF: DIR below EchoNet", group="HFrEF"),
                ClassComparison(ECHONET, METHODS["dir"], "HFpEF: EchoNet below DIR", group="HFpEF"),
            ),
        ),
    )


def of_parts(setup: Setup) -> Sequence[Claim]:
    """EchoMEN's claims about Table 2, under the same imbalance."""
    wholes = {row: title for row, title in ABLATION.items() if row != "echomen"}
    parts = tuple(ClassComparison(ABLATION["echomen"], title, title) for title in wholes.values())
    return (Claim("real patients: EchoMEN needs each of its parts", MAE, "lower", parts),)


def of_anchors(setup: Setup) -> Sequence[Claim]:
    """Chen and Li's claims about Table 2, as far as two frames can tell."""
    return (
        Claim("real patients: anchors lower the error", MAE, "lower", (Comparison(ANCHORS, ECHONET),)),
        Claim("real patients: masks beside anchors lower the error", MAE, "lower", (Comparison(OUTLINES, ANCHORS),)),
    )


def _claims(
    name: str,
    rows: Callable[[Setup], Rows],
    claims: Callable[[Setup], Sequence[Claim]],
    predictions: PredictionsOf = pooled_predictions,
) -> ClaimsTable:
    evidence: Callable[[Results, Setup, Claim, Comparison], Evidence] = ef_evidence_from(predictions, paper_people={})
    return ClaimsTable(
        name=name,
        caption=f"Differences of MAE (EF points), paired over patients and seeds; 95 % intervals. {READ_FROM}.",
        rows=rows,
        story=no_row,
        data=DATA,
        claims=claims,
        evidence=evidence,
    )


CLAIMS = (
    _claims("claims_methods", _of(methods, "echonet"), of_methods),
    _claims("claims_parts", _of(ablation, "echonet"), of_parts, pooled_ablation),
    _claims("claims_anchors", anchors, of_anchors),
)
