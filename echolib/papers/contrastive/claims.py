"""What contrastive pretraining claims: of SimCLR, BYOL and ImageNet beside random weights, and of few labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from echolib.papers.claims import Claim, Comparison, Evidence, NotTestable, check_learnt, mean_value
from echolib.papers.contrastive.experiments import FRACTIONS, Start
from echolib.papers.contrastive.features import plateau
from echolib.papers.contrastive.scores import (
    NOT_AVAILABLE,
    column,
    dice_and_floor,
    dice_by_draw,
    measured,
    of_the_labels,
    printed_table,
)
from echolib.papers.contrastive.tables import cells, encoder_in_story, encoders, in_story
from echolib.papers.exhibits import ClaimsTable, Results, Rows, Setup
from echolib.papers.gates import contrastive_gate, mask_gate

DICE, GAIN = "Dice", "gain of Dice"
NETWORKS = ("deeplabv3", "unet")
NAMES = {"deeplabv3": "DeepLabV3", "unet": "U-Net"}
MEASURED_ON = {"echonet": "EchoNet-Dynamic", "camus": "CAMUS"}
TEST_PEOPLE = {"echonet": 1277, "camus": 50}  # of the published tables
FEWEST, ALL = min(FRACTIONS), max(FRACTIONS)


class Cell(NamedTuple):
    """A cell of either table: where it was measured, what the encoder started from, and the share of the labels."""

    dataset: str
    start: Start
    fraction: float

    @property
    def title(self) -> str:
        """What captions call it."""
        return f"{self.start.title} at {100 * self.fraction:g} % on {MEASURED_ON[self.dataset]}"


@dataclass(frozen=True)
class GainComparison(Comparison):
    """A gain of `better` over the first baseline beside that of `worse` over the second."""

    baselines: tuple[Cell, Cell] = ()  # type: ignore[assignment]


def both_tables(setup: Setup) -> Rows:
    """Every cell of Tables 1 and 2, and every encoder that one starts from, by its title."""
    by_cell = {Cell(where, *cell): of_cell for where in MEASURED_ON for cell, of_cell in cells(setup, where).items()}
    return {**encoders(setup), **by_cell}


def _in_story(row: Cell | str) -> bool:
    return encoder_in_story(row) if isinstance(row, str) else in_story((row.start, row.fraction))


@cache
def _printed(dataset: str) -> pd.DataFrame:
    return printed_table(dataset).set_index("start")


def printed_dice(cell: Cell) -> float:
    """The paper's own Dice of a cell."""
    return float(_printed(cell.dataset).loc[cell.start.title, column(cell.fraction)])


def _compared(better: Cell, worse: Cell, condition: str) -> Comparison:
    return Comparison(better, worse, condition, printed_dice(better) - printed_dice(worse))


def _everywhere(better: str, worse: str, networks: Sequence[str] = NETWORKS, where: Sequence[str] = tuple(MEASURED_ON)):
    """One way to start against another in every cell: methods as "simclr echonet", "none", ..."""
    for dataset, network, fraction in product(where, networks, FRACTIONS):
        one, other = (Cell(dataset, _start(method, network), fraction) for method in (better, worse))
        yield _compared(one, other, f"{MEASURED_ON[dataset]}, {NAMES[network]}, {of_the_labels(fraction)}")


def _start(method: str, network: str) -> Start:
    name, _, where = method.partition(" ")
    return Start(name, where, network)  # type: ignore[arg-type]


def _few_labels() -> Iterator[Comparison]:
    """SimCLR with the fewest labels against random weights with all of them."""
    for dataset, network in product(MEASURED_ON, NETWORKS):
        few, every = (_start("simclr echonet", network), FEWEST), (_start("none", network), ALL)
        yield _compared(Cell(dataset, *few), Cell(dataset, *every), f"{MEASURED_ON[dataset]}, {NAMES[network]}")


def _gains() -> Iterator[GainComparison]:
    """SimCLR's gain over random weights with the fewest labels against that with all."""
    for dataset, network in product(MEASURED_ON, NETWORKS):
        pairs = {
            fraction: [Cell(dataset, _start(method, network), fraction) for method in ("simclr echonet", "none")]
            for fraction in (FEWEST, ALL)
        }
        gain = {fraction: printed_dice(simclr) - printed_dice(random) for fraction, (simclr, random) in pairs.items()}
        (few, few_random), (every, every_random) = pairs[FEWEST], pairs[ALL]
        condition = f"{MEASURED_ON[dataset]}, {NAMES[network]}"
        yield GainComparison(few, every, condition, gain[FEWEST] - gain[ALL], (few_random, every_random))


def _networks() -> Iterator[Comparison]:
    for fraction in FRACTIONS:
        one, other = (Cell("echonet", _start("simclr echonet", network), fraction) for network in NETWORKS)
        yield _compared(one, other, of_the_labels(fraction))


def claims(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Tables 1 and 2 (Sec. 4 and 5)."""

    def higher(sentence: str, *parts: Comparison) -> Claim:
        return Claim(sentence, DICE, "higher", parts)

    on_camus = ("camus",)
    return (
        higher("SimCLR raises Dice above random weights", *_everywhere("simclr echonet", "none")),
        higher("SimCLR is above ImageNet weights", *_everywhere("simclr echonet", "imagenet", ("deeplabv3",))),
        higher("ImageNet weights are above random ones", *_everywhere("imagenet", "none", ("deeplabv3",))),
        Claim("BYOL does not help", DICE, "not higher", tuple(_everywhere("byol echonet", "none"))),
        higher("SimCLR is above BYOL", *_everywhere("simclr echonet", "byol echonet")),
        Claim("5 % of the labels with SimCLR are as good as all", DICE, "not lower", tuple(_few_labels())),
        Claim("SimCLR gains most where labels are few", GAIN, "higher", tuple(_gains())),
        higher("DeepLabV3 is above U-Net, both from SimCLR", *_networks()),
        higher(
            "pretraining on EchoNet-Dynamic is above pretraining on CAMUS",
            *_everywhere("simclr echonet", "simclr camus", where=on_camus),
            *_everywhere("byol echonet", "byol camus", where=on_camus),
        ),
        higher(
            "ImageNet weights are above SimCLR pretrained on CAMUS",
            *_everywhere("imagenet", "simclr camus", ("deeplabv3",), on_camus),
        ),
    )


def check_cell(cell: Cell, results: Results) -> None:
    """Raises NotTestable where a cell was not measured, or its encoder or its network did not learn."""
    of_cell = results.get(cell, ())
    if not measured(of_cell):
        raise NotTestable(NOT_AVAILABLE)
    if cell.start.method == "simclr":
        (encoder,) = results[cell.start.title]
        check_learnt({cell.start.title: contrastive_gate(*plateau(encoder))})
    check_learnt({cell.title: mask_gate(*dice_and_floor(of_cell))})


def evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    """Dice of the test images of both cells, or their gains over their baselines, paired over people and draws."""
    assert isinstance(part.better, Cell)
    pairs = [(part.worse, part.better)]
    if isinstance(part, GainComparison):
        pairs.append((part.baselines[1], part.baselines[0]))
    scores = []
    for pair in pairs:
        for cell in pair:
            check_cell(cell, results)
        scores.append([dice_by_draw(results[cell])[0] for cell in pair])
    people = dice_by_draw(results[part.better])[1]
    worse, better = (np.subtract(*of_both) if len(of_both) > 1 else of_both[0] for of_both in zip(*scores, strict=True))
    return Evidence(mean_value, np.zeros(len(people)), worse, better, people, TEST_PEOPLE[part.better.dataset])


CLAIMS = ClaimsTable(
    name="claims",
    caption="Differences of mean Dice, paired over people and draws, with 95 % intervals.",
    rows=both_tables,
    story=_in_story,
    claims=claims,
    evidence=evidence,
    data=("camus", "echonet_dynamic"),
    headings={"difference": "difference of Dice", "seeds": "draws"},
    decimals=3,
)
CLAIMS_IN_PARTS = CLAIMS.in_parts()
