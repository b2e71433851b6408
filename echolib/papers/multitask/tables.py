"""What the notebook of multi-task learning shows."""

from functools import partial

from echolib.papers.cost import HOW_TIMED
from echolib.papers.exhibits import Figure, Published, Setup, Table
from echolib.papers.multitask.biplane import first_release_ef
from echolib.papers.multitask.experiments import DESIGNS, JOINT, ROWS, STORY, Design, Row, ablation, first_seed
from echolib.papers.multitask.figures import keypoints_on_frames, learning_curves
from echolib.papers.multitask.scores import (
    cost_of_joint,
    dice_by_structure,
    ef_errors,
    errors_by_measure,
    keypoint_errors,
    printed_dice,
    printed_keypoint_error,
)

MASK_ROWS = tuple(row for row in ROWS if row.has_masks)
KEYPOINT_ROWS = tuple(row for row in ROWS if row.has_keypoints)
WALL_ROWS = tuple(row for row in KEYPOINT_ROWS if row.design == "partial")  # only EchoNet-LVH has points of the walls

DICE = Table(
    name="dice",
    caption="Dice per test image: mean over seeds, 90 % intervals over people and seeds; the mean training mask, given "
    "to every image, first. Every model saw as many masks. Published: the abstract's, on the datasets themselves.",
    rows=partial(ablation, rows=MASK_ROWS),
    story=STORY.__contains__,
    data=("camus", "echonet_dynamic"),
    measure=dice_by_structure,
    published=Published(
        read=printed_dice, keys=("model", "dataset", "structure"), metrics=("dice",), order="ours", beside=("learnt",)
    ),
)

KEYPOINTS = Table(
    name="keypoints",
    caption="Keypoints on test frames: mean over seeds, 90 % intervals over people and seeds; their mean position "
    "first. Every model saw as many labelled keypoints. Published: the abstract's 1.13 px.",
    rows=partial(ablation, rows=KEYPOINT_ROWS),
    story=STORY.__contains__,
    data=("echonet_lvh", "camus"),
    measure=keypoint_errors,
    published=Published(
        read=printed_keypoint_error,
        keys=("model", "point"),
        metrics=("px", "native_px", "mm"),
        order="ours",
        beside=("learnt",),
    ),
    headings={"px": "input px", "native_px": "native px", "mm": "mm"},
)


def _keypoints_of(design: Design, dataset: str) -> Figure:
    return Figure(
        name=f"keypoints_{design}",
        caption=f"Labelled and predicted keypoints, {DESIGNS[design]}.",
        rows=partial(first_seed, rows=(Row(design, None), Row(design, "keypoints"))),
        story=STORY.__contains__,
        data=(dataset,),
        draw=keypoints_on_frames,
        shows_items_of=(dataset,),
    )


LEARNING_CURVES = Figure(
    name="learning_curves",
    caption="Validation images over the epochs, first seed of each row; a dot marks the weights that are kept.",
    rows=first_seed,
    data=("camus", "echonet_dynamic", "echonet_lvh"),
    story=STORY.__contains__,
    draw=learning_curves,
)
KEYPOINTS_PARTIAL = _keypoints_of("partial", "echonet_lvh")
KEYPOINTS_DERIVED = _keypoints_of("derived", "camus")

WALLS = Table(
    name="walls",
    caption="EchoNet-LVH test frames: mean absolute error of what follows from the points, mean over seeds with 90 % "
    "intervals over people and seeds.",
    rows=partial(ablation, rows=WALL_ROWS),
    story=STORY.__contains__,
    data=("echonet_lvh",),
    measure=errors_by_measure,
)

EJECTION_FRACTION = Table(
    name="ejection_fraction",
    caption="EF of CAMUS test patients by discs of predicted masks: mean absolute error, mean over seeds with 90 % "
    "intervals over patients and seeds.",
    rows=partial(ablation, rows=MASK_ROWS),
    story=STORY.__contains__,
    data=("camus",),
    measure=ef_errors,
)

BIPLANE_RELEASE = Table(
    name="biplane_release",
    caption="EF (%) of the first release's patients.",
    rows=partial(first_seed, rows=(JOINT,)),
    story=STORY.__contains__,
    data=("camus",),
    shows_items_of=("camus",),
    measure=first_release_ef,
    decimals=1,
)


def _cost_caption(setup: Setup) -> str:
    assert setup.context is not None
    return (
        f"One image through each network of the {setup.profile.name} profile, on {setup.context.device}. {HOW_TIMED}."
    )


COST = Table(  # nothing has to be trained for it
    name="cost",
    caption=_cost_caption,
    data=(),
    measure=cost_of_joint,
    headings={"gflop": "GFLOP an image", "ms": "ms an image"},
)
