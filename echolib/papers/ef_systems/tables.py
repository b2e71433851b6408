"""What the notebook on the other EF systems shows: EF under both protocols, and what they say beside EF."""

import pandas as pd
from matplotlib.figure import Figure as Drawing

from echolib.papers.echomen.scores import OTHER_SYSTEMS
from echolib.papers.ef_scores import predictions_of, scores_table
from echolib.papers.ef_systems.experiments import PROTOCOLS, SYSTEMS, Protocol, system_experiments
from echolib.papers.ef_systems.scores import (
    calibration_curves,
    calibration_table,
    key_frame_table,
    weight_table,
    weights_over_cycle,
)
from echolib.papers.exhibits import Figure, Results, Rows, Setup, Table, no_row
from echolib.papers.true_cycle import true_cycle
from echolib.report.cardiac_cycle import mean_over_cycle
from echolib.report.ef_agreement import coverage_curves


def title(system: str, protocol: Protocol) -> str:
    """What the tables call a system under one protocol: its name in EchoMEN's Table 1, and the protocol."""
    return f"{OTHER_SYSTEMS[SYSTEMS[system]]}, {protocol}"


def both_protocols(setup: Setup) -> Rows:
    """Every system under its own and the common protocol, one experiment per seed."""
    profile, folder = setup.profile, setup.folder("echonet_dynamic")
    return {
        title(system, protocol): system_experiments(profile, folder, system, protocol)
        for system in SYSTEMS
        for protocol in PROTOCOLS
    }


def transformers(setup: Setup) -> Rows:
    """UVT, which names key frames, under both protocols, first seed."""
    rows = both_protocols(setup)
    return {name: rows[name][:1] for name in (title("uvt", protocol) for protocol in PROTOCOLS)}


def graph_network(setup: Setup) -> Rows:
    """EchoGNN, which weighs frames, under the common protocol, first seed."""
    name = title("echognn", "common")
    return {name: both_protocols(setup)[name][:1]}


def bayesian_network(setup: Setup) -> Rows:
    """The network that gives an uncertainty, under the common protocol."""
    name = title("bayesian", "common")
    return {name: both_protocols(setup)[name]}


def _scores(results: Results, setup: Setup) -> pd.DataFrame:
    scores = scores_table(*setup.once(predictions_of, results), resamples=setup.profile.resamples)
    tasks = [results[row][0].experiment.task for row in scores["method"]]
    return scores.assign(clip=[f"{task.clip_length} frames, period {task.clip_period}" for task in tasks])


def _key_frames(results: Results, setup: Setup) -> pd.DataFrame:
    return key_frame_table({row: result for row, (result,) in results.items()}, resamples=setup.profile.resamples)


def _weights(results: Results, setup: Setup) -> pd.DataFrame:
    ((graph,),) = results.values()
    return weights_over_cycle(graph.table("frame_weights"), true_cycle(setup))


def _weight_table(results: Results, setup: Setup) -> pd.DataFrame:
    return weight_table(setup.once(_weights, results))


def _weight_figure(results: Results, setup: Setup) -> Drawing:
    weights = setup.once(_weights, results).assign(system="EchoGNN")
    return mean_over_cycle(weights, "weight", "Frame weight", by="system", data=setup.label("echonet_dynamic"))


def _calibration(results: Results, setup: Setup) -> pd.DataFrame:
    (of_seeds,) = results.values()
    return calibration_table(of_seeds)


def _calibration_figure(results: Results, setup: Setup) -> Drawing:
    (of_seeds,) = results.values()
    return coverage_curves(calibration_curves(of_seeds), data=setup.label("echonet_dynamic"))


EF_BY_PROTOCOL = Table(
    name="protocols",
    caption="EF by system and protocol; 90 % intervals over test videos.",
    rows=both_protocols,
    story=no_row,
    measure=_scores,
)
KEY_FRAMES = Table(
    name="key_frames",
    caption="Distance of predicted from traced key frames: mean in frames with 90 % intervals, and in ms.",
    rows=transformers,
    story=no_row,
    measure=_key_frames,
    headings={"ed": "ED (frames)", "es": "ES (frames)", "ed_ms": "ED (ms)", "es_ms": "ES (ms)"},
)
WEIGHTS_OVER_CYCLE = Figure(
    name="frame_weights_over_cycle",
    caption="EchoGNN's frame weights over the true cycle; grey: |dV/dt|.",
    rows=graph_network,
    story=no_row,
    draw=_weight_figure,
)
FRAME_WEIGHTS = Table(
    name="frame_weights",
    caption="EchoGNN's frame weights: mean, standard deviation within a clip, rank correlation with |dV/dt|.",
    rows=graph_network,
    story=no_row,
    measure=_weight_table,
    decimals=3,
)
CALIBRATION = Table(
    name="calibration",
    caption="Coverage of central Gaussian intervals on the test split, expected calibration error, mean deviations.",
    rows=bayesian_network,
    story=no_row,
    measure=_calibration,
    decimals=3,
)
CALIBRATION_CURVES = Figure(
    name="calibration_curves",
    caption="Observed against nominal coverage; above the diagonal is too wide.",
    rows=bayesian_network,
    story=no_row,
    draw=_calibration_figure,
)
