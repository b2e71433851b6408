"""What the notebook on the robustness of TCA shows: Chen and Li's Figs. 3 and 4, and when the gates open."""

from functools import partial

import pandas as pd

from echolib.papers.ef_scores import SCORES
from echolib.papers.exhibits import Figure, Published, Table, no_row
from echolib.papers.published import published
from echolib.papers.tca.experiments import MODELS, NOISE, ablation, anchored, first_seed_of
from echolib.papers.tca.figures import error_under_noise, gates_figure, maps_on_frames
from echolib.papers.tca.scores import (
    activation_inside,
    gate_correlations,
    mean_added_errors,
    noise_scores,
)

excited = partial(first_seed_of, ("m2",))  # whose attention is all TCA


def _printed_noise() -> pd.DataFrame:
    return published("tca", "noise").assign(method=MODELS["m3"])


NOISE_SCORES = Table(
    name="noise",
    caption=(
        "EF by share of pixels set to 0: mean over seeds, 90 % intervals over videos and seeds. Published: the two "
        "points of the paper's text."
    ),
    rows=ablation,
    story=no_row,
    measure=noise_scores,
    published=Published(
        read=_printed_noise,
        keys=("method", "noise"),
        metrics=tuple(SCORES),
        order="ours",
    ),
    headings={"noise": "share set to 0"},
)
NOISE_CURVES = Figure(
    name="noise_curves",
    caption="Error and R² under noise, range over seeds shaded; below, a test frame at each share.",
    rows=ablation,
    story=no_row,
    draw=error_under_noise,
    shows_items_of=("echonet_dynamic",),
)
ROBUSTNESS = Table(
    name="robustness",
    caption=f"What setting {100 * NOISE[-1]:g} % of the pixels to 0 adds to the MAE: mean over videos and seeds.",
    rows=ablation,
    story=no_row,
    measure=mean_added_errors,
    headings={"added": "added MAE (EF points)"},
)
ACTIVATION_MAPS = Figure(
    name="activation_maps",
    caption="Where the interval's score comes from (bright), and the traced ventricle (white).",
    rows=anchored,
    story=no_row,
    draw=maps_on_frames,
    shows_items_of=("echonet_dynamic",),
)
ACTIVATION_SHARES = Table(
    name="activation_shares",
    caption="Share of the positive activation inside the ventricle, 90 % intervals over videos and seeds; the "
    "ventricle's share of the image.",
    rows=anchored,
    story=no_row,
    measure=activation_inside,
    headings={"ventricle_of_image": "ventricle of image"},
    decimals=3,
)
GATES_OVER_CYCLE = Figure(
    name="gates_over_cycle",
    caption="Excitation of TCA over the true cycle; grey: how fast the volume changes.",
    rows=excited,
    story=no_row,
    draw=gates_figure,
)
GATES = Table(
    name="gates",
    caption="Rank correlation, within a clip, of excitation and |dV/dt|: mean over test videos.",
    rows=excited,
    story=no_row,
    measure=gate_correlations,
    decimals=3,
)
