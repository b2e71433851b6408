"""EchoMEN taken apart: Table 2, the claim that each part is needed, and the weight of its contrastive loss swept."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.papers.echomen.experiments import (
    ABLATION,
    asked,
    rival_experiments,
    stage1_experiment,
    stage1_experiments,
    stage2_experiment,
    stage2_experiments,
    supcon_experiment,
)
from echolib.papers.echomen.experts import expert_predictions
from echolib.papers.echomen.scores import HEADINGS, beside_paper, errors_by_class, sweep_table
from echolib.papers.ef_scores import Predictions, convention_of, predictions_of
from echolib.papers.exhibits import Figure, Results, Rows, Setup, Table, no_row
from echolib.report.ef_errors import errors_by_class as bars_by_class

FULL, WITHOUT_AGGREGATOR = ABLATION["echomen"], ABLATION["without_aggregator"]
STORY = frozenset(ABLATION.values()) - {ABLATION["without_ldw_supcon"]}  # which takes an encoder of its own


def ablation(setup: Setup) -> Rows:
    """Table 2 by row. The row without aggregator is read from the full model: see `ablation_predictions`."""
    profile, folder, settings, denominator = asked(setup)
    encoders = stage1_experiments(profile, folder, settings, denominator)
    supcon_encoders = [supcon_experiment(profile, folder, seed, settings) for seed in profile.compared_seeds]
    full = stage2_experiments(profile, encoders, settings)
    return {
        ABLATION["without_ldw_supcon"]: stage2_experiments(profile, supcon_encoders, settings),
        ABLATION["without_multiple_experts"]: stage2_experiments(profile, encoders, settings, experts=1),
        ABLATION["without_reweighting"]: stage2_experiments(profile, encoders, settings, diversity="subsets"),
        WITHOUT_AGGREGATOR: full,
        FULL: full,
    }


def by_lambda(setup: Setup) -> Rows:
    """EchoMEN by the weight of its contrastive loss, for the first seed; 0 is an encoder of squared error alone."""
    profile, folder, settings, denominator = asked(setup)
    first = profile.compared_seeds[0]
    encoders = {
        weight: stage1_experiment(profile, folder, first, settings, denominator, contrast_weight=weight)
        if weight
        else rival_experiments(profile, folder, "echonet", settings)[0]
        for weight in profile.contrast_weights
    }
    return {weight: [stage2_experiment(profile, encoder, settings)] for weight, encoder in encoders.items()}


def ablation_predictions(results: Results, setup: Setup) -> Predictions:
    """Predictions by row. The aggregator's error never reaches the experts: without it they are those of the full
    model, averaged, and nothing is trained for that row."""
    label, methods = predictions_of(results, setup)
    first = next(iter(results.values()))[0]  # in the order of whose videos the others are
    return label, {**methods, WITHOUT_AGGREGATOR: expert_predictions(results[FULL], like=first)["mean"]}


def _bars(results: Results, setup: Setup) -> Drawing:
    label, methods = setup.once(ablation_predictions, results)
    return bars_by_class(label, methods, data=setup.label("echonet_dynamic"))


def _lambda(results: Results, setup: Setup) -> pd.DataFrame:
    return sweep_table(results, "lambda", convention_of(setup))


TABLE_2_MAE = Table(
    name="table_2_mae",
    caption="Mean absolute error (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al.",
    rows=ablation,
    story=STORY.__contains__,
    measure=partial(errors_by_class, metric="mae", predictions=ablation_predictions),
    published=beside_paper("table_2", "mae"),
    headings=HEADINGS,
)
TABLE_2_GM = Table(
    name="table_2_gm",
    caption=(
        "Geometric mean of absolute errors (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al."
    ),
    rows=ablation,
    story=STORY.__contains__,
    measure=partial(errors_by_class, metric="gm", predictions=ablation_predictions),
    published=beside_paper("table_2", "gm"),
    headings=HEADINGS,
)
ABLATION_BY_CLASS = Figure(
    name="ablation_by_class",
    caption="MAE of EchoMEN and of each ablation by class; lines span the seeds.",
    rows=ablation,
    story=STORY.__contains__,
    draw=_bars,
)
LAMBDA = Table(
    name="lambda",
    caption="EchoMEN with other weights of its contrastive loss, one seed; 0 is an encoder of squared error alone.",
    rows=by_lambda,
    story=no_row,
    measure=_lambda,
    headings=HEADINGS,
)
