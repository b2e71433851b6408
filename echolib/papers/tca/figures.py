"""Chen and Li's Figs. 3 and 4, and the gates of TCA over the true heart cycle."""

import numpy as np
from matplotlib.figure import Figure

from echolib.papers.exhibits import Results, Setup
from echolib.papers.tca.experiments import NOISE
from echolib.papers.tca.noise import noisy_frames
from echolib.papers.tca.scores import gates_in_cycle, labels_of, maps_by_model, noisy_predictions
from echolib.report.cardiac_cycle import mean_over_cycle
from echolib.report.overlays import activation_overlays
from echolib.report.score_curves import noise_curves

VIDEOS = 5  # of which activation maps are shown


def error_under_noise(results: Results, setup: Setup) -> Figure:
    """MAE and R2 by share of pixels set to 0; below, a frame at each share."""
    label, predictions = setup.once(noisy_predictions, results)
    first = next(iter(results.values()))[0]
    assert setup.context is not None
    frames = noisy_frames(first, setup.context, NOISE)
    return noise_curves(label, predictions, frames, data=setup.label("echonet_dynamic"))


def maps_on_frames(results: Results, setup: Setup) -> Figure:
    """Class activation maps of a few test videos, from the first to the last: one row per model."""
    label, by_model = labels_of(results), setup.once(maps_by_model, results)
    videos = np.linspace(0, len(label) - 1, min(VIDEOS, len(label))).round().astype(int)
    rows = {model: [(m.frames[v], m.maps[v], m.ventricle[v]) for v in videos] for model, (m, *_) in by_model.items()}
    return activation_overlays(rows, [f"EF {label[video]:.0f} %" for video in videos])


def gates_figure(results: Results, setup: Setup) -> Figure:
    """Excitation of TCA after each stage over the true heart cycle."""
    gates = setup.once(gates_in_cycle, results)
    return mean_over_cycle(gates, "excitation", "Mean |E - 1/2|", by="stage", data=setup.label("echonet_dynamic"))
