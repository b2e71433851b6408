"""EchoMEN's two stages: the features of its encoder (notebook 20), and its experts with their aggregator (21)."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.papers.echomen.experiments import (
    METHODS,
    asked,
    echomen_experiments,
    rival_experiments,
    stage1_experiments,
    stage2_experiments,
)
from echolib.papers.echomen.experts import expert_predictions, routing_table
from echolib.papers.echomen.features import encoder_features, order_table, two_components
from echolib.papers.echomen.scores import HEADINGS, errors_by_class, sweep_table
from echolib.papers.ef_scores import Predictions
from echolib.papers.exhibits import Figure, Results, Rows, Setup, Table, no_row
from echolib.report.embeddings import embedding_maps

ECHOMEN = METHODS["echomen"]
EXPERT_COUNTS = (1, 2, 3, 5)


def encoders(setup: Setup) -> Rows:
    """The same network with and without the contrastive loss beside its squared error."""
    profile, folder, settings, denominator = asked(setup)
    return {
        "squared error": rival_experiments(profile, folder, "echonet", settings),
        "with LDW-SupCon": stage1_experiments(profile, folder, settings, denominator),
    }


def echomen(setup: Setup) -> Rows:
    """EchoMEN whole."""
    return {ECHOMEN: echomen_experiments(*asked(setup))}


def by_number_of_experts(setup: Setup) -> Rows:
    """EchoMEN by its number of experts, each on the same encoders."""
    profile, folder, settings, denominator = asked(setup)
    trained = stage1_experiments(profile, folder, settings, denominator)
    return {count: stage2_experiments(profile, trained, settings, experts=count) for count in EXPERT_COUNTS}


def _embedding_maps(results: Results, setup: Setup) -> Drawing:
    features = setup.once(encoder_features, results)
    maps = [(row, two_components(of_seed[0][0]), of_seed[0][1]) for row, of_seed in features.items()]
    return embedding_maps(maps, data=setup.label("echonet_dynamic"))


def _experts(results: Results, setup: Setup) -> Predictions:
    return results[ECHOMEN][0].predictions["label"].to_numpy(), expert_predictions(results[ECHOMEN])


def _number_of_experts(results: Results, setup: Setup) -> pd.DataFrame:
    return sweep_table(results, "experts")


def _routing(results: Results, setup: Setup) -> pd.DataFrame:
    return routing_table(results[ECHOMEN])


FEATURE_MAPS = Figure(
    name="feature_maps",
    caption="Features of the test videos (first seed), by EF.",
    rows=encoders,
    draw=_embedding_maps,
)
FEATURE_ORDER = Table(
    name="feature_order",
    caption=(
        "Whether features order the test videos by EF: for each video the rank correlation, over all others, of the "
        "distance of features and the difference of EF; mean over videos, and its SD over seeds."
    ),
    rows=encoders,
    measure=order_table,
    headings={"correlation": "rank correlation"},
)
STAGE1_ERRORS = Table(
    name="stage1_errors",
    caption="EF by the regression head of stage 1.",
    rows=encoders,
    measure=partial(errors_by_class, metric="mae"),
    headings=HEADINGS,
)
EXPERTS_BY_CLASS = Table(
    name="experts_by_class",
    caption="MAE in EF points by class: mean over seeds, 90 % intervals over test videos.",
    rows=echomen,
    measure=partial(errors_by_class, metric="mae", predictions=_experts),
    headings=HEADINGS | {"method": "prediction"},
)
NUMBER_OF_EXPERTS = Table(
    name="number_of_experts",
    caption="EchoMEN with M experts; mean over seeds.",
    rows=by_number_of_experts,
    story=no_row,
    measure=_number_of_experts,
    headings=HEADINGS,
)
TOP_K_ROUTING = Table(
    name="top_k_routing",
    caption="MAE with the k experts of greatest weight.",
    rows=echomen,
    measure=_routing,
    headings=HEADINGS,
)
