"""EchoMEN against its rivals: Table 1, Figs 1(c) and 3(a), cost, intervals, and the claims that the paper makes."""

from functools import partial

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.papers.cost import HOW_TIMED, cost_table
from echolib.papers.echomen.experiments import COMPARED, METHODS, asked, echomen_experiments, rival_experiments
from echolib.papers.echomen.scores import (
    HEADINGS,
    OTHER_SYSTEMS,
    beside_paper,
    conformal_table,
    errors_by_class,
    slopes_table,
)
from echolib.papers.ef_scores import convention_of, predictions_of
from echolib.papers.ef_systems.experiments import SYSTEMS, Protocol, system_experiments
from echolib.papers.exhibits import Figure, Results, Rows, Setup, Table
from echolib.report.ef_agreement import ef_scatter
from echolib.report.ef_errors import error_by_ef
from echolib.report.style import panels

ECHONET, DIR, ECHOMEN = (METHODS[method] for method in COMPARED)
STORY = frozenset((ECHONET, DIR, ECHOMEN))
COMPUTE = (
    "EchoMEN's and Rank-N-Contrast's encoders read two views of each clip in a step, twice the clips of the others."
)
PROTOCOLS: dict[Protocol, str] = {"common": "", "own": ", own protocol"}


def comparison(setup: Setup) -> Rows:
    """Table 1 by row: losses on the common encoder, EchoMEN, and systems under both protocols."""
    profile, folder, settings, denominator = asked(setup)
    rivals = {
        title: rival_experiments(profile, folder, method, settings)
        for method, title in METHODS.items()
        if title != ECHOMEN
    }
    systems = {
        OTHER_SYSTEMS[row] + suffix: system_experiments(profile, folder, system, protocol)
        for system, row in SYSTEMS.items()
        for protocol, suffix in PROTOCOLS.items()
    }
    return {**rivals, ECHOMEN: echomen_experiments(profile, folder, settings, denominator), **systems}


def compared(setup: Setup) -> Rows:
    """The methods that the paper's claims and Fig. 1(c) set against each other."""
    rows = comparison(setup)
    return {method: rows[method] for method in (ECHONET, DIR, ECHOMEN)}


def base_and_echomen(setup: Setup) -> Rows:
    """EchoNet and EchoMEN."""
    rows = comparison(setup)
    return {method: rows[method] for method in (ECHONET, ECHOMEN)}


def _error_by_ef(results: Results, setup: Setup) -> Drawing:
    label, methods = predictions_of(results, setup)
    pooled = {str(name): (label.repeat(len(seeds)), seeds.T.ravel()) for name, seeds in methods.items()}
    return error_by_ef(pooled, data=setup.label("echonet_dynamic"))


def _scatter(results: Results, setup: Setup) -> Drawing:
    label, methods = predictions_of(results, setup)
    figure, axes = panels(1, len(methods), height=3.4)
    for (name, seeds), panel in zip(methods.items(), axes, strict=True):
        ef_scatter(label, seeds[0], data=setup.label("echonet_dynamic"), title=str(name), axes=panel)
    return figure


def _slopes(results: Results, setup: Setup) -> pd.DataFrame:
    label, methods = setup.once(predictions_of, results)
    return slopes_table(label, methods, resamples=setup.profile.resamples)


def _cost(results: Results, setup: Setup) -> pd.DataFrame:
    assert setup.context is not None
    return cost_table({str(row): of_row[0].experiment for row, of_row in results.items() if of_row}, setup.context)


def _cost_caption(setup: Setup) -> str:
    device = setup.context.device if setup.context else "a device"
    return f"A forward pass of one clip in the {setup.profile.name} profile, on {device}. {HOW_TIMED}."


def _conformal(results: Results, setup: Setup) -> pd.DataFrame:
    return conformal_table(results, convention=convention_of(setup))


TABLE_1_MAE = Table(
    name="table_1_mae",
    caption=(
        f"Mean absolute error (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al. {COMPUTE}"
    ),
    rows=comparison,
    story=STORY.__contains__,
    measure=partial(errors_by_class, metric="mae"),
    published=beside_paper("table_1", "mae"),
    headings=HEADINGS,
)
TABLE_1_GM = Table(
    name="table_1_gm",
    caption=(
        "Geometric mean of absolute errors (EF points) by class: mean over seeds, 90 % intervals; beside it Lai et al. "
        f"{COMPUTE}"
    ),
    rows=comparison,
    story=STORY.__contains__,
    measure=partial(errors_by_class, metric="gm"),
    published=beside_paper("table_1", "gm"),
    headings=HEADINGS,
)
ERROR_BY_EF = Figure(
    name="error_by_ef",
    caption="Error by labelled EF, all seeds pooled (Fig. 1c).",
    rows=compared,
    draw=_error_by_ef,
)
SCATTER = Figure(
    name="scatter",
    caption="EchoNet and EchoMEN, first seed, with least-squares lines.",
    rows=base_and_echomen,
    draw=_scatter,
)
SLOPES = Table(
    name="slopes",
    caption="Slope of the least-squares line; 1 is ideal. 90 % intervals over test videos.",
    rows=comparison,
    story=STORY.__contains__,
    measure=_slopes,
)
COST = Table(
    name="cost",
    caption=_cost_caption,
    rows=comparison,
    story=STORY.__contains__,
    measure=_cost,
    headings={"gflop": "GFLOP a clip", "ms": "ms a clip"},
)
CONFORMAL = Table(
    name="conformal",
    caption="Split-conformal 90 % intervals: half-width in EF points, and the share of test videos within, by class.",
    rows=compared,
    measure=_conformal,
)
