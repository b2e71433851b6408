"""What the notebooks of contrastive pretraining show: Tables 1 and 2, their details, and the claims behind them."""

from functools import partial

import pandas as pd

from echolib.papers.claims import Claim
from echolib.papers.contrastive.experiments import (
    DATASETS,
    FRACTIONS,
    STARTS,
    pretraining_experiments,
    table_experiments,
)
from echolib.papers.contrastive.features import pretraining_table, probe_table
from echolib.papers.contrastive.scores import (
    COLUMNS,
    HEADINGS,
    detail_table,
    dice_evidence,
    fraction_table,
    gain_by_fraction,
    of_the_labels,
    printed_table,
)
from echolib.papers.exhibits import ClaimsTable, Published, Results, Rows, Setup, Table


def encoders(setup: Setup) -> Rows:
    """Every pretrained encoder by its title."""
    experiments = pretraining_experiments(setup.profile, _folders(setup))
    return {title: [experiment] for title, experiment in experiments.items()}


def cells(setup: Setup, dataset: str) -> Rows:
    """Every cell of Table 1 ("echonet") or 2 ("camus"): (start, fraction of the labels) -> one experiment per draw."""
    return table_experiments(setup.profile, _folders(setup), dataset)


def _folders(setup: Setup):
    return {name: setup.folder(name) for name in DATASETS.values()}


def _claims(dataset: str) -> tuple[Claim, ...]:
    """Every claim of the paper about a table's rows, at each fraction of the labels."""
    titles = {start.title: start for start in STARTS[dataset]}
    pairs = [(f"SimCLR (E), {network}", f"random, {network}", f"SimCLR above random, {network}") for network in NAMES]
    pairs += [(f"SimCLR (E), {network}", f"BYOL (E), {network}", f"SimCLR above BYOL, {network}") for network in NAMES]
    pairs += [
        ("SimCLR (E), DeepLabV3", "ImageNet, DeepLabV3", "SimCLR above ImageNet, DeepLabV3"),
        ("ImageNet, DeepLabV3", "random, DeepLabV3", "ImageNet above random, DeepLabV3"),
        ("SimCLR (E), DeepLabV3", "SimCLR (E), U-Net", "DeepLabV3 above U-Net, from SimCLR"),
        ("ImageNet, DeepLabV3", "SimCLR (C), DeepLabV3", "ImageNet above SimCLR (C), DeepLabV3"),
    ]
    pairs += [
        (f"{method} (E), {network}", f"{method} (C), {network}", f"{method} (E) above (C), {network}")
        for method in ("SimCLR", "BYOL")
        for network in NAMES
    ]
    return tuple(
        Claim(
            sentence,
            better=(titles[better], fraction),
            worse=(titles[worse], fraction),
            quantity="Dice",
            expected="higher",
            condition=of_the_labels(fraction),
        )
        for better, worse, sentence in pairs
        if {better, worse} <= titles.keys()
        for fraction in FRACTIONS
    )


NAMES = ("DeepLabV3", "U-Net")

PRETRAINING = Table(
    name="pretraining",
    caption=(
        "Validation loss of each encoder, and SimCLR's where all embeddings are equal, log(2B - 1). Spread of the "
        "embeddings over directions: 1 evenly, 0 collapsed to one."
    ),
    rows=encoders,
    measure=pretraining_table,
    data=("echonet_dynamic", "camus"),
    decimals=3,
)
LINEAR_PROBE = Table(
    name="linear_probe",
    caption="R² of LV area read from frozen features by ridge regression, test split; 90 % intervals over videos.",
    rows=encoders,
    measure=probe_table,
)
TABLE_1 = Table(
    name="table_1",
    caption="Dice of the left ventricle by share of training labels, mean over draws; 90 % intervals over videos.",
    rows=partial(cells, dataset="echonet"),
    measure=partial(fraction_table, dataset="echonet"),
    published=Published(read=partial(printed_table, "echonet"), keys=("row", "start"), metrics=COLUMNS),
    headings=HEADINGS | {"seeds": "draws"},
    decimals=3,
)
TABLE_2 = Table(
    name="table_2",
    caption=lambda setup: (
        "Dice of the left ventricle by share of training labels, mean over draws; 90 % intervals over patients. "
        f"Measured on {setup.label('camus')}; (E) pretrained on {setup.label('echonet_dynamic')}. Published: Table 2."
    ),
    rows=partial(cells, dataset="camus"),
    measure=partial(fraction_table, dataset="camus"),
    published=Published(read=partial(printed_table, "camus"), keys=("row", "start"), metrics=COLUMNS),
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
        measure=detail_table,
        data=(DATASETS[dataset],),
        headings={
            "labels_percent": "labels (%)",
            "ef_mae": "EF of masks, MAE (points)",
            "ef_unreadable": "EF unreadable (patients)",
        },
    )


def _claims_of(dataset: str, data: tuple[str, ...]) -> ClaimsTable:
    return ClaimsTable(
        name=f"claims_{DATASETS[dataset]}",
        caption="Differences of mean Dice, paired over people and draws, with 95 % intervals.",
        rows=partial(cells, dataset=dataset),
        claims=_claims(dataset),
        evidence=dice_evidence,
        data=data,
        headings={"difference": "difference of Dice"},
        decimals=3,
    )


def _gains(claims: ClaimsTable, dataset: str) -> Table:
    def measure(results: Results, setup: Setup) -> pd.DataFrame:
        return gain_by_fraction(setup.once(claims.make, results))

    return Table(
        name=f"gains_{DATASETS[dataset]}",
        caption="Is the gain largest with 5 % of the labels?",
        rows=claims.rows,
        measure=measure,
        data=claims.data,
        decimals=3,
    )


DETAILS = {dataset: _details(dataset) for dataset in STARTS}
CLAIMS = {  # those on CAMUS rest on encoders pretrained on either dataset
    "echonet": _claims_of("echonet", ("echonet_dynamic",)),
    "camus": _claims_of("camus", ("camus", "echonet_dynamic")),
}
GAINS = {dataset: _gains(claims, dataset) for dataset, claims in CLAIMS.items()}
