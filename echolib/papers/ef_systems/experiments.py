"""The other EF systems of EchoMEN's Table 1, which it copied from their papers, trained and measured here.

Each under its own protocol (clips, loss and schedule of its paper or released code) and under the common one (the clips
and the schedule of EchoMEN's encoders). A system's loss belongs to it under both. All start from random weights but the
Bayesian network, whose encoder has Kinetics weights where the profile has them.
"""

import math
from pathlib import Path
from typing import Literal, NamedTuple

from echolib.engine.experiment import Experiment
from echolib.engine.schedule import Schedule
from echolib.models.echocotr import DEPTHS
from echolib.papers.echomen.experiments import SETTINGS, encoder_schedule
from echolib.papers.echonet_dynamic.experiments import echonet_selection, ef_task, head_scale
from echolib.papers.sizes import Profile
from echolib.tasks.bayesian_ef import BayesianEF
from echolib.tasks.echocotr_ef import EchoCoTrEF
from echolib.tasks.echognn_ef import EchoGNNEF
from echolib.tasks.ef_from_clips import EFFromClips
from echolib.tasks.uvt_ef import UVTEF

Protocol = Literal["own", "common"]
PROTOCOLS: tuple[Protocol, ...] = ("own", "common")
SYSTEMS = {  # in the order of Table 1, by the name of their row there
    "bayesian": "esfeh",
    "uvt": "reynaud",
    "echognn": "echognn",
    "echocotr": "echocotr",
}
NETWORK = "r2plus1d_18"  # of the common clips and of the Bayesian network
BASE_CLIP = (32, 2)  # frames and period of the base system's clips, against which the systems' own are scaled
BASE_RATE = 1e-4  # of most systems, against which UVT's is scaled


class OwnProtocol(NamedTuple):
    """A system's own clips and schedule at full size."""

    frames: int
    period: int
    pad: int  # pixels of random shift
    schedule: Schedule


OWN = {
    # Mokhtari et al.: 64 consecutive frames; Adam 1e-4, weight decay 1e-5, batches of 80, the rate halved at 50, 150
    # and 200. The number of epochs is ours: 50 more after the last change of the rate.
    "echognn": OwnProtocol(
        64, 1, 0,
        Schedule(epochs=250, batch_size=80, optimiser="adam", learning_rate=1e-4, weight_decay=1e-5,
                 decay="halving", halve_at=(50, 150, 200)),
    ),
    # Muhtaseb and Yaqub: 36 frames, every fourth; AdamW 1e-4, weight decay 1e-4, batches of 25, 45 epochs, a tenth of
    # the rate every 15
    "echocotr": OwnProtocol(
        36, 4, 12,
        Schedule(epochs=45, batch_size=25, optimiser="adamw", learning_rate=1e-4, weight_decay=1e-4,
                 decay="step", decay_every=15),
    ),
    # Reynaud et al., released script: 128 mirrored frames; AdamW 1e-5, torch's own weight decay, batches of 2, 5
    # epochs, a tenth of the rate after 3
    "uvt": OwnProtocol(
        128, 1, 0,
        Schedule(epochs=5, batch_size=2, optimiser="adamw", learning_rate=1e-5, weight_decay=1e-2,
                 decay="step", decay_every=3),
    ),
    # Our design on the base system: its clips; AdamW, whose steps do not shrink with the variance as SGD's do
    "bayesian": OwnProtocol(
        32, 2, 12,
        Schedule(epochs=45, batch_size=20, optimiser="adamw", learning_rate=1e-4, weight_decay=1e-2, decay="cosine"),
    ),
}  # fmt: skip


def own_clip(profile: Profile, system: str) -> dict[str, int]:
    """Frames and period of a system's own clips, scaled as the profile scales the base system's 32 frames at period 2.

    UVT's keep the profile's length: its network takes any number, and a mirrored clip always holds a whole beat. The
    phantom's videos hold little more than a beat, so that elsewhere than in `paper` a longer clip spans about as many
    frames as the base system's: EchoCoTr's would span two beats.
    """
    frames, period, *_ = OWN[system]
    if profile.published_schedules:
        return {"clip_length": frames, "clip_period": period}
    sizes = profile.clips
    length = sizes.length if system == "uvt" else max(2, round(sizes.length * frames / BASE_CLIP[0]))
    scaled = max(1, round(sizes.period * period / BASE_CLIP[1]))
    longest = max(1, round((sizes.length - 1) * sizes.period / (length - 1)))
    return {"clip_length": length, "clip_period": min(scaled, longest)}


def own_schedule(profile: Profile, system: str) -> Schedule:
    """A system's own schedule; where the published ones are not kept the same shape at the profile's batch size and
    epochs, and at its larger rate for networks from random weights (UVT, a deep transformer, at a tenth of it)."""
    published = OWN[system].schedule
    if profile.published_schedules:
        return published
    common = encoder_schedule(profile, SETTINGS["printed"])
    if system == "bayesian":
        return common
    share = common.epochs / published.epochs
    return published.model_copy(
        update={
            "epochs": common.epochs,
            "batch_size": common.batch_size,
            "learning_rate": common.learning_rate * published.learning_rate / BASE_RATE,
            "decay_every": max(1, round(share * published.decay_every)),
            "halve_at": tuple(max(1, round(share * epoch)) for epoch in published.halve_at),
        }
    )


def system_task(profile: Profile, system: str, protocol: Protocol) -> EFFromClips:
    """One of `SYSTEMS` at the profile's sizes. Narrow networks are also less deep (EchoCoTr as the base system's
    blocks, UVT as its width) and drop less (EchoGNN and EchoCoTr): half of the four units that a layer keeps would
    leave nothing to learn from."""
    base = ef_task(profile, NETWORK)
    shared = base.model_dump(include={"width", "clip_length", "clip_period", "clip_size", "pad", "test_stride"})
    if protocol == "own":
        shared |= own_clip(profile, system) | {"pad": OWN[system].pad}
    full = profile.clips.width / 64
    if system == "echognn":
        return EchoGNNEF(**shared, dropout=0.5 * min(1.0, full))
    if system == "echocotr":
        depths = tuple(math.ceil(depth * base.blocks / 2) for depth in DEPTHS)
        return EchoCoTrEF(**shared, depths=depths, dropout=0.1 * min(1.0, full), ef_scale=head_scale(profile))
    if system == "uvt":
        clips = "mirrored" if protocol == "own" else "window"
        return UVTEF(**shared, blocks=max(1, round(8 * full)), layers=max(2, round(16 * full)), training_clips=clips)
    base_fields = base.model_dump(include={"network", "blocks", "weights"})
    return BayesianEF(**base_fields, **shared, ef_scale=head_scale(profile), samples=20 if full == 1 else 10)


def system_experiments(profile: Profile, folder: Path, system: str, protocol: Protocol) -> list[Experiment]:
    """One of `SYSTEMS` under one protocol, for each of the profile's seeds.

    Where the two protocols of a system are the same they are one experiment of one name, and it is trained once.
    """
    own, common = ((system_task(profile, system, of), _schedule(profile, system, of)) for of in PROTOCOLS)
    task, schedule = own if protocol == "own" else common
    name = system if own == common else f"{system}-{protocol}"
    return [
        Experiment(
            name=f"system-{name}-seed{seed}",
            task=task,
            data=(echonet_selection(profile, folder),),
            schedule=schedule,
            seed=seed,
        )
        for seed in profile.seeds
    ]


def _schedule(profile: Profile, system: str, protocol: Protocol) -> Schedule:
    return own_schedule(profile, system) if protocol == "own" else encoder_schedule(profile, SETTINGS["printed"])
