"""What outlines of real patients say of pretraining, and of the phantom as a teacher."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from echolib.engine.experiment import Result
from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt, mean_value
from echolib.papers.contrastive.experiments import Start
from echolib.papers.contrastive.features import plateau
from echolib.papers.contrastive.scores import dice_by_draw, of_the_labels
from echolib.papers.exhibits import ClaimsTable, Results, Setup, no_row
from echolib.papers.gates import contrastive_gate, mask_gate
from echolib.papers.real_patients.folds import CrossValidated, over_folds
from echolib.papers.real_patients.masks import CROSS_VALIDATED, DATA
from echolib.papers.real_patients.outlines import ALL, FEWEST, TAUGHT, pretrained, taught

DICE = "Dice"


def _gated_dice(of_row: Sequence[CrossValidated], title: str) -> tuple[np.ndarray, np.ndarray]:
    """Dice by draw and people; NotTestable where the masks are no better than the mean mask."""
    tables = pd.concat([result.predictions for result in of_row])
    check_learnt({title: mask_gate(tables["lv_dice"].mean(), tables["lv_mean_mask_dice"].mean())})
    return dice_by_draw(of_row)


def _evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    rows, pair = setup.once(over_folds, results), []
    for row in (part.worse, part.better):
        title = row if isinstance(row, str) else f"{row[0].title}, {of_the_labels(row[1])}"
        if not isinstance(row, str) and row[0].method == "simclr":
            check_learnt({row[0].title: _encoder_gate(results[row])})
        pair.append(_gated_dice(rows[row], title))
    (worse, people), (better, _) = pair
    return Evidence(mean_value, np.zeros(len(people)), worse, better, people)


def _encoder_gate(of_row: Sequence[Result]):
    """Whether the encoders of every fold left the plateau of equal embeddings: the worst of them."""
    folders = {result.experiment.parents["encoder"] for result in of_row}
    runs = of_row[0].folder.parent
    plateaus = [plateau(Result(encoder, encoder.folder(runs))) for encoder in folders]
    return contrastive_gate(*max(plateaus, key=lambda pair: pair[0] - pair[1]))


def of_few_labels(setup: Setup) -> Sequence[Claim]:
    """Saeed et al.'s point on patients, with every one of them a test patient."""

    def parts(better: tuple[str, str], fractions: Sequence[float]) -> tuple[Comparison, ...]:
        return tuple(
            Comparison(
                (Start(*better, network), fraction),
                (Start("none", "", network), fraction),
                f"{Start(*better, network).title}, {of_the_labels(fraction)}",
            )
            for network in ("deeplabv3", "unet")
            for fraction in fractions
        )

    simclr, byol = (parts((method, "echonet"), (ALL, FEWEST)) for method in ("simclr", "byol"))  # type: ignore
    return (
        Claim("real patients: SimCLR raises Dice above random weights", DICE, "higher", simclr),
        Claim("real patients: BYOL does not help", DICE, "not higher", byol),
    )


def of_phantom(setup: Setup) -> Sequence[Claim]:
    """Ours: does a simulated heart teach to outline real ones?"""
    part = Comparison(TAUGHT["phantom"], TAUGHT["random"], of_the_labels(FEWEST))
    return (
        Claim("real patients: learning from the phantom first raises Dice with few labels", DICE, "higher", (part,)),
    )


def _claims(name: str, rows: Callable, claims: Callable) -> ClaimsTable:
    return ClaimsTable(
        name=name,
        caption=f"Differences of mean Dice, paired over patients and draws, with 95 % intervals. {CROSS_VALIDATED}.",
        rows=rows,
        story=no_row,
        data=DATA,
        claims=claims,
        evidence=_evidence,
        headings={"difference": "difference of Dice", "seeds": "draws"},
        decimals=3,
    )


CLAIMS = (
    _claims("claims_pretrained", pretrained, of_few_labels),
    _claims("claims_phantom", taught, of_phantom),
)
