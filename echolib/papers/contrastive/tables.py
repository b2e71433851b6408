"""What the notebooks of contrastive pretraining show: Tables 1 and 2, their details, and the claims behind them."""

from functools import partial

from echolib.papers.contrastive.experiments import (
    DATASETS,
    STARTS,
    Cell,
    pretraining_experiments,
    protocol_note,
    table_experiments,
)
from echolib.papers.contrastive.features import pretraining_table, probe_table
from echolib.papers.contrastive.scores import (
    COLUMNS,
    HEADINGS,
    detail_table,
    fraction_table,
    printed_table,
)
from echolib.papers.exhibits import Published, Rows, Setup, Table

STORY = ("U-Net", ("random", "SimCLR (E)"), (1.0, 0.05))  # network, starts, fractions of the labels


def in_story(cell: Cell) -> bool:
    """Whether a cell carries the paper's point: what pretraining gains, with few labels and with all."""
    network, starts, fractions = STORY
    start, fraction = cell
    return fraction in fractions and start.title in {f"{title}, {network}" for title in starts}


def encoder_in_story(title: str) -> bool:
    """Whether an encoder is one that those cells start from."""
    network, starts, _ = STORY
    return title in {f"{name}, {network}" for name in starts}


def encoders(setup: Setup) -> Rows:
    """Every pretrained encoder by its title."""
    experiments = pretraining_experiments(setup.profile, _folders(setup))
    return {title: [experiment] for title, experiment in experiments.items()}


def cells(setup: Setup, dataset: str) -> Rows:
    """Every cell of Table 1 ("echonet") or 2 ("camus"): (start, fraction of the labels) -> one experiment per draw."""
    return setup.once(_table, {dataset: ()})


def _table(asked: Rows, setup: Setup) -> Rows:
    """The cells of the one table asked for, which several exhibits show: made once."""
    (dataset,) = asked
    return table_experiments(setup.profile, _folders(setup), dataset)


def _folders(setup: Setup):
    return {name: setup.folder(name) for name in DATASETS.values()}


def _printed(dataset: str) -> Published:
    read = partial(printed_table, dataset)
    return Published(read=read, keys=("row", "start"), metrics=COLUMNS, note=protocol_note)


PRETRAINING = Table(
    name="pretraining",
    caption=(
        "Validation loss of each encoder, and SimCLR's where all embeddings are equal, log(2B - 1). Spread of the "
        "embeddings over directions: 1 evenly, 0 collapsed to one."
    ),
    rows=encoders,
    story=encoder_in_story,
    measure=pretraining_table,
    data=("echonet_dynamic", "camus"),
    decimals=3,
)
LINEAR_PROBE = Table(
    name="linear_probe",
    caption="R² of LV area read from frozen features by ridge regression, test split; 90 % intervals over videos.",
    rows=encoders,
    story=encoder_in_story,
    measure=probe_table,
)
TABLE_1 = Table(
    name="table_1",
    caption="Dice of the left ventricle by share of training labels: mean over draws, 90 % intervals over videos and "
    "draws.",
    rows=partial(cells, dataset="echonet"),
    story=in_story,
    measure=partial(fraction_table, dataset="echonet"),
    published=_printed("echonet"),
    headings=HEADINGS | {"seeds": "draws"},
    decimals=3,
)
TABLE_2 = Table(
    name="table_2",
    caption=lambda setup: (
        "Dice of the left ventricle by share of training labels: mean over draws, 90 % intervals over patients and "
        "draws. "
        f"Measured on {setup.label('camus')}; (E) pretrained on {setup.label('echonet_dynamic')}. Published: Table 2."
    ),
    rows=partial(cells, dataset="camus"),
    story=in_story,
    measure=partial(fraction_table, dataset="camus"),
    published=_printed("camus"),
    data=("camus",),
    headings=HEADINGS | {"seeds": "draws"},
    decimals=3,
)


def _details(dataset: str) -> Table:
    return Table(
        name=f"details_{DATASETS[dataset]}",
        caption=(
            "Dice per image and pooled over pixels, distance of outlines in mm, EF of the masks: every cell, mean over "
            "draws. Unreadable: patients whose masks are empty or give no EF between 0 and 100 %; not in the error."
        ),
        rows=partial(cells, dataset=dataset),
        story=in_story,
        measure=detail_table,
        data=(DATASETS[dataset],),
        headings={
            "labels_percent": "labels (%)",
            "ef_mae": "EF of masks, MAE (points)",
            "ef_unreadable": "EF unreadable (patients)",
        },
    )


DETAILS = {dataset: _details(dataset) for dataset in STARTS}
