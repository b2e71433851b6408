"""EchoMEN taken apart: Table 2, the claim that each part is needed, and its contrastive loss swept: its weight (lambda)
and how steeply its own weights grow with the difference of labels (label_scale)."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.papers.echomen.experiments import (
    ABLATION,
    SETTINGS,
    asked,
    encoder_schedule,
    rival_experiments,
    stage1_experiment,
    stage1_experiments,
    stage2_experiment,
    stage2_experiments,
)
from echolib.papers.echomen.experts import expert_predictions, training_ef
from echolib.papers.echomen.label_weights import label_weights_table
from echolib.papers.echomen.scores import HEADINGS, beside_paper, errors_by_class, sweep_table
from echolib.papers.ef_scores import Predictions, convention_of, predictions_of
from echolib.papers.exhibits import Figure, Results, Rows, Setup, Table, no_row
from echolib.report.ef_errors import errors_by_class as bars_by_class

LABEL_SCALES = (100.0, 50.0, 20.0, 10.0, 5.0)  # as printed, and steeper
COMPUTE = "Equal compute: every encoder reads two views of each clip in a step."
FULL, WITHOUT_AGGREGATOR = ABLATION["echomen"], ABLATION["without_aggregator"]
STORY = frozenset(ABLATION.values()) - {ABLATION["without_ldw_supcon"]}  # which takes an encoder of its own


def ablation(setup: Setup) -> Rows:
    """Table 2 by row. The row without aggregator is read from the full model: see `ablation_predictions`."""
    profile, folder, settings, denominator = asked(setup)
    encoders = stage1_experiments(profile, folder, settings, denominator)
    unweighted = stage1_experiments(profile, folder, settings, denominator, distance="none")
    full = stage2_experiments(profile, encoders, settings)
    return {
        ABLATION["without_ldw_supcon"]: stage2_experiments(profile, unweighted, settings),
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


def by_label_scale(setup: Setup) -> Rows:
    """EchoMEN by the EF points that make a distance of 1 in Eq. 2, for the first seed; distances of ranks have no such
    scale, so that these are of EF whatever the settings."""
    profile, folder, settings, denominator = asked(setup)
    first = profile.compared_seeds[0]
    encoders = {
        scale: stage1_experiment(profile, folder, first, settings, denominator, distance="l1", label_scale=scale)
        for scale in LABEL_SCALES
    }
    return {scale: [stage2_experiment(profile, encoder, settings)] for scale, encoder in encoders.items()}


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


def _label_scale(results: Results, setup: Setup) -> pd.DataFrame:
    return sweep_table(results, "label_scale", convention_of(setup))


def _label_weights(results: Results, setup: Setup) -> pd.DataFrame:
    profile, chosen = setup.profile, SETTINGS[str(setup.choices["settings"])]
    ef = training_ef(setup.folder("echonet_dynamic"))
    batch = encoder_schedule(profile, chosen).batch_size
    return label_weights_table(ef, batch, LABEL_SCALES, bin_width=chosen.bin_width, temperature=chosen.temperature)


TABLE_2_MAE = Table(
    name="table_2_mae",
    caption=(
        f"Mean absolute error (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al. {COMPUTE}"
    ),
    rows=ablation,
    story=STORY.__contains__,
    measure=partial(errors_by_class, metric="mae", predictions=ablation_predictions),
    published=beside_paper("table_2", "mae"),
    headings=HEADINGS,
)
TABLE_2_GM = Table(
    name="table_2_gm",
    caption=(
        "Geometric mean of absolute errors (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al. "
        f"{COMPUTE}"
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
    caption=(
        "EchoMEN with other weights of its contrastive loss, one seed; 0 is an encoder of squared error alone, with "
        "one view of each clip in a step instead of two."
    ),
    rows=by_lambda,
    story=no_row,
    measure=_lambda,
    headings=HEADINGS,
)
LABEL_WEIGHTS = Table(
    name="label_weights",
    caption=(
        "What the weights beta of Eq. 2 do to batches of training videos, before anything is trained: their spread, "
        "and the cosine of the loss's gradient at random embeddings to that with every beta 1."
    ),
    measure=_label_weights,
    headings={"label_scale": "label scale (EF points)", "sd_log_beta": "SD of log beta"}
    | {"lowest": "lowest beta", "highest": "highest beta", "cosine": "cosine to beta = 1"},
)
LABEL_SCALE = Table(
    name="label_scale",
    caption=(
        "EchoMEN by the difference of EF that makes a label distance of 1, one seed: 100 points as printed; the "
        "smaller, the more the weights differ."
    ),
    rows=by_label_scale,
    story=no_row,
    measure=_label_scale,
    headings=HEADINGS | {"label_scale": "label scale (EF points)"},
)
