"""What the notebook on the robustness of TCA shows: Chen and Li's Figs. 3 and 4, and when the gates open."""

from functools import partial

import pandas as pd

from echolib.papers.claims import Claim, mean_value
from echolib.papers.ef_scores import SCORES, ef_evidence_from
from echolib.papers.exhibits import ClaimsTable, Figure, Published, Table
from echolib.papers.published import published
from echolib.papers.tca.experiments import MODELS, NOISE, ablation, first_seed_of
from echolib.papers.tca.figures import error_under_noise, gates_figure, maps_on_frames
from echolib.papers.tca.scores import (
    activation_evidence,
    activation_inside,
    added_errors,
    gate_correlations,
    mean_added_errors,
    noise_scores,
)

anchored = partial(first_seed_of, ("m1", "m2", "m3"))  # whose intervals have class activation maps
excited = partial(first_seed_of, ("m2",))  # whose attention is all TCA


def _printed_noise() -> pd.DataFrame:
    return published("tca", "noise").assign(method=MODELS["m3"])


NOISE_SCORES = Table(
    name="noise",
    caption=(
        "EF by share of pixels set to 0: mean over seeds, 90 % intervals over videos. Published: the two points of the "
        "paper's text."
    ),
    rows=ablation,
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
    draw=error_under_noise,
    shows_items_of=("echonet_dynamic",),
)
ROBUSTNESS = Table(
    name="robustness",
    caption=f"What setting {100 * NOISE[-1]:g} % of the pixels to 0 adds to the MAE: mean over videos and seeds.",
    rows=ablation,
    measure=mean_added_errors,
    headings={"added": "added MAE (EF points)"},
)
CLAIMS_NOISE = ClaimsTable(
    name="claims_noise",
    caption="Differences of what the noise adds to the MAE, paired over videos and seeds; 95 % intervals.",
    rows=ablation,
    claims=tuple(
        Claim(
            f"with {100 * NOISE[-1]:g} % of the pixels set to 0, {row.upper()} loses less than M0",
            better=MODELS[row],
            worse=MODELS["m0"],
            quantity="added MAE (EF points)",
            expected="lower",
        )
        for row in ("m1", "m2", "m3")
    ),
    evidence=ef_evidence_from(added_errors, score=mean_value),
)
ACTIVATION_MAPS = Figure(
    name="activation_maps",
    caption="Where the interval's score comes from (bright), and the traced ventricle (white).",
    rows=anchored,
    draw=maps_on_frames,
    shows_items_of=("echonet_dynamic",),
)
ACTIVATION_SHARES = Table(
    name="activation_shares",
    caption="Share of the positive activation inside the ventricle, 90 % intervals over videos; the ventricle's share "
    "of the image.",
    rows=anchored,
    measure=activation_inside,
    headings={"ventricle_of_image": "ventricle of image"},
    decimals=3,
)
CLAIMS_ACTIVATION = ClaimsTable(
    name="claims_activation",
    caption="Differences of the share of activation inside the ventricle, paired over videos; 95 % intervals.",
    rows=anchored,
    claims=tuple(
        Claim(
            f"more of {row.upper()}'s activation than of M1's lies in the ventricle",
            better=MODELS[row],
            worse=MODELS["m1"],
            quantity="share of activation",
            expected="higher",
        )
        for row in ("m2", "m3")
    ),
    evidence=activation_evidence,
    decimals=3,
)
GATES_OVER_CYCLE = Figure(
    name="gates_over_cycle",
    caption="Excitation of TCA over the true cycle; grey: how fast the volume changes.",
    rows=excited,
    draw=gates_figure,
)
GATES = Table(
    name="gates",
    caption="Rank correlation, within a clip, of excitation and |dV/dt|: mean over test videos.",
    rows=excited,
    measure=gate_correlations,
    decimals=3,
)
