"""What contrastive pretraining claims, from made Dice: gates of encoders and cells, gains by hand, rows left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from echolib.engine.schedule import Schedule
from echolib.folders import DataFolders
from echolib.papers.claims import NotTestable
from echolib.papers.contrastive import claims as contrastive
from echolib.papers.contrastive.claims import CLAIMS, CLAIMS_IN_PARTS, Cell, GainComparison, both_tables, check_cell
from echolib.papers.contrastive.experiments import FRACTIONS, STARTS, Start
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.tasks.byol import BYOLPretraining
from echolib.tasks.simclr import SimCLRPretraining

SETUP = Setup(PROFILES["smoke"].model_copy(update={"resamples": 50}), DataFolders({}, Path("phantom")))
DEMO = Setup(PROFILES["demo"].model_copy(update={"resamples": 50}), DataFolders({}, Path("phantom")))
GAIN = "SimCLR gains most where labels are few"
RAISES = "SimCLR raises Dice above random weights"
RANDOM, SIMCLR, BYOL = (
    Start(method, where, "unet") for method, where in (("none", ""), ("simclr", "echonet"), ("byol", "echonet"))
)
NAMES = [f"p{k // 2}_{k % 2}" for k in range(8)]


class Encoder:
    """A pretrained encoder whose loss of equal embeddings is log(2 * 64 - 1) = 4.84."""

    def __init__(self, task, loss=4.0):
        self.folder = f"encoder-{id(self)}"
        self.predictions = pd.DataFrame({"name": range(128)})
        self.metrics = {"best_val_loss": loss}
        schedule = Schedule(epochs=1, batch_size=8, optimiser="adam", learning_rate=1e-3)
        self.experiment = type("E", (), {"task": task, "schedule": schedule})()


class Tuned:
    """A fine-tuned network: the Dice of eight test images of four people, beside that of the mean mask."""

    def __init__(self, dice, mean_mask=0.5, order=None):
        table = pd.DataFrame({"name": NAMES, "person": [name[:2] for name in NAMES], "lv_dice": dice})
        self.predictions = table if order is None else table.iloc[order].reset_index(drop=True)
        self.folder = f"tuned-{id(self)}"
        self.metrics = {"started_from": "random", "dice_lv": np.mean(dice), "dice_lv_mean_mask": mean_mask}
        self.experiment = type("E", (), {"task": type("T", (), {"weights": "none"})()})()


def dice_of(start: Start, fraction: float) -> float:
    """SimCLR gains 0.1 with the fewest labels and 0.01 with the others; BYOL nothing."""
    return 0.8 + (0.1 if fraction == min(FRACTIONS) else 0.01) * (start.method == "simclr")


def made(dice=dice_of, loss=4.0) -> dict:
    """Every encoder, and every cell of both tables by two draws; ImageNet weights are not available."""
    image = np.array([-0.03, 0.02, 0.01, -0.01, 0.0, 0.03, -0.02, 0.0])
    titles = {start.title for start in STARTS["camus"] if start.pretrained_on}
    results = {
        title: [Encoder(SimCLRPretraining() if title.startswith("SimCLR") else BYOLPretraining(), loss)]
        for title in titles
    }
    for dataset, starts in STARTS.items():
        for start in starts:
            for fraction in FRACTIONS:
                level = dice(start, fraction)
                draws = [] if start.method == "imagenet" else [Tuned(level + image), Tuned(level - 0.02 + image)]
                results[Cell(dataset, start, fraction)] = draws
    return results


def parts_of(table: pd.DataFrame, claim: str) -> pd.DataFrame:
    return table[table["claim"] == claim].set_index("condition")


def test_the_gain_where_labels_are_few_is_a_difference_of_differences():
    part = next(
        part
        for claim in contrastive.claims(SETUP)
        if claim.sentence == GAIN
        for part in claim.parts
        if part.condition == "CAMUS, U-Net"
    )
    assert isinstance(part, GainComparison)
    assert (part.better, part.baselines[0]) == (Cell("camus", SIMCLR, 0.05), Cell("camus", RANDOM, 0.05))
    assert (part.worse, part.baselines[1]) == (Cell("camus", SIMCLR, 1.0), Cell("camus", RANDOM, 1.0))
    results = made()
    rng = np.random.default_rng(0)
    four = part.better, part.baselines[0], part.worse, part.baselines[1]
    dice = {cell: rng.uniform(0.6, 0.9, (2, 8)) for cell in four}
    for cell in four:  # the second draw's table in another order
        results[cell] = [Tuned(dice[cell][0]), Tuned(dice[cell][1], order=[7, 6, 5, 4, 3, 2, 1, 0])]
    evidence = contrastive.evidence(results, SETUP, None, part)
    few, few_random, every, every_random = (dice[cell] for cell in four)
    np.testing.assert_allclose(evidence.better, few - few_random)
    np.testing.assert_allclose(evidence.worse, every - every_random)
    assert evidence.people.tolist() == [name[:2] for name in NAMES] and evidence.paper_people == 50


def test_printed_gains_by_hand():
    """Table 1, U-Net: the four printed numbers of a gain."""
    (claim,) = (claim for claim in contrastive.claims(SETUP) if claim.sentence == GAIN)
    part = next(part for part in claim.parts if part.condition == "EchoNet-Dynamic, U-Net")
    printed = contrastive.printed_table("echonet").set_index("start")
    gain = printed.loc["SimCLR (E), U-Net"].drop("row") - printed.loc["random, U-Net"].drop("row")
    assert part.printed == pytest.approx(gain["dice_5"] - gain["dice_100"])


def test_claims_of_made_dice():
    claims = CLAIMS.make(made(), SETUP).set_index("claim")
    assert len(claims) == 10 and claims.loc[RAISES, "parts"] == "16 of 16"
    assert claims.loc[RAISES, "verdict"] == "supported" and claims.loc[RAISES, "difference"] == pytest.approx(0.01)
    assert claims.loc[GAIN, "verdict"] == "supported" and claims.loc[GAIN, "difference"] == pytest.approx(0.09)
    assert claims.loc["BYOL does not help", "verdict"] in ("supported", "equivalent")
    imagenet = claims.loc["ImageNet weights are above random ones"]
    assert imagenet["verdict"] == "not testable: weights not available" and imagenet["parts"] == "0 of 8"
    parts = parts_of(CLAIMS_IN_PARTS.make(made(), SETUP), RAISES)
    assert parts.loc["CAMUS, U-Net, 5 % of the labels", "difference"] == pytest.approx(0.1)
    assert set(parts["seeds"]) == {2} and set(parts["n"]) == {8}


def test_one_draw_decides_nothing():
    one = {row: of_row[:1] for row, of_row in made().items()}
    claims = CLAIMS.make(one, SETUP).set_index("claim")
    assert claims.loc[RAISES, "verdict"] == "not testable: one seed"


def test_an_encoder_on_the_plateau_decides_nothing():
    """The loss has to lie 0.2 below that of equal embeddings; BYOL's has no such floor."""
    results = made(loss=np.log(127) - 0.19)
    with pytest.raises(NotTestable, match=r"SimCLR \(E\), U-Net did not learn \(loss 4.65, equal embeddings 4.84\)"):
        check_cell(Cell("camus", SIMCLR, 1.0), results)
    check_cell(Cell("camus", SIMCLR, 1.0), made(loss=np.log(127) - 0.21))
    check_cell(Cell("camus", BYOL, 1.0), results)
    check_cell(Cell("camus", RANDOM, 1.0), results)
    claims = CLAIMS.make(results, SETUP).set_index("claim")
    assert claims.loc[RAISES, "verdict"].startswith("not testable: SimCLR (E), DeepLabV3 did not learn")
    assert not claims.loc["BYOL does not help", "verdict"].startswith("not testable")


def test_a_cell_no_better_than_the_mean_mask_decides_nothing():
    results = made()
    cell = Cell("camus", RANDOM, 0.05)
    results[cell] = [Tuned(np.full(8, 0.4)), Tuned(np.full(8, 0.6))]  # 0.5 on average, as the mean mask
    with pytest.raises(NotTestable, match=r"at 5 % on CAMUS did not learn \(Dice 0.50, the mean mask 0.50\)"):
        check_cell(cell, results)
    parts = parts_of(CLAIMS_IN_PARTS.make(results, SETUP), RAISES)
    untested = parts["verdict"].str.contains("did not learn")
    assert untested[untested].index.tolist() == ["CAMUS, U-Net, 5 % of the labels"]
    gains = parts_of(CLAIMS_IN_PARTS.make(results, SETUP), GAIN)
    assert "did not learn" in gains.loc["CAMUS, U-Net", "verdict"]  # a baseline counts as well


def test_the_story_runs_u_net_with_few_labels_and_with_all():
    rows = CLAIMS.rows_of(DEMO)
    cells = {row for row in rows if isinstance(row, Cell)}
    assert cells == {
        Cell(dataset, start, fraction)
        for dataset in ("echonet", "camus")
        for start in (RANDOM, SIMCLR)
        for fraction in (1.0, 0.05)
    }
    assert {row for row in rows if isinstance(row, str)} == {"SimCLR (E), U-Net"}
    results = {row: made()[row] for row in rows}
    parts = parts_of(CLAIMS_IN_PARTS.make(results, DEMO), RAISES)
    tested = ~parts["verdict"].str.startswith("not testable")
    assert sorted(parts.index[tested]) == [
        f"{dataset}, U-Net, {percent} % of the labels"
        for dataset in ("CAMUS", "EchoNet-Dynamic")
        for percent in (100, 5)
    ]
    assert set(parts.loc[~tested, "verdict"]) == {"not testable: in full"}
    claims = CLAIMS.make(results, DEMO).set_index("claim")
    assert claims.loc[GAIN, "parts"] == "2 of 4" and claims.loc[RAISES, "parts"] == "4 of 16"
    assert claims.loc["DeepLabV3 is above U-Net, both from SimCLR", "verdict"] == "not testable: in full"


def test_every_row_of_a_claim_is_trained_in_the_larger_profiles():
    full = Setup(PROFILES["full"], DataFolders({}, Path("phantom")))
    rows = both_tables(full)
    assert CLAIMS.rows_of(full) == rows and CLAIMS.left_out(full) == []
    compared = {
        cell
        for claim in contrastive.claims(full)
        for part in claim.parts
        for cell in (part.better, part.worse, *getattr(part, "baselines", ()))
    }
    assert compared <= set(rows)
