"""EchoMEN's claims from made predictions: rivals that did not learn, the best expert of each class, the slope."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from echolib.folders import DataFolders
from echolib.metrics.ejection import CLASSES, heart_failure_class
from echolib.papers.claims import NotTestable
from echolib.papers.echomen import claims, features
from echolib.papers.echomen.experiments import ABLATION, METHODS
from echolib.papers.echomen.scores import OTHER_SYSTEMS
from echolib.papers.ef_scores import ClassComparison
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES

CHOICES = {"settings": "printed", "denominator": "negatives", "convention": "paper"}
LABEL = np.linspace(25, 75, 72)
CLASS = heart_failure_class(LABEL, "paper")
NAMES = [f"v{k}" for k in range(len(LABEL))]


def make_setup(profile="smoke") -> Setup:
    small = PROFILES[profile].model_copy(update={"resamples": 50})
    return Setup(small, DataFolders({}, Path("/phantom")), CHOICES)


def predicted(prediction, **columns) -> SimpleNamespace:
    """A finished experiment with predictions of the videos of `LABEL`; columns: of its experts."""
    table = pd.DataFrame({"name": NAMES, "label": LABEL, "prediction": prediction} | columns)
    task = SimpleNamespace(experts=sum(name.startswith("expert_") for name in columns))
    result = SimpleNamespace(predictions=table, experiment=SimpleNamespace(task=task))
    result.folder = f"made-{id(result)}"
    return result


def off_by(errors: dict) -> dict:
    """Rows of two seeds whose predictions are off by so many EF points: a number, or one for each class."""

    def error(points):
        return np.array([points[name] for name in CLASS]) if isinstance(points, dict) else points

    return {row: [predicted(LABEL + error(points)), predicted(LABEL - error(points))] for row, points in errors.items()}


def rivals(**changed):
    """Every rival of Table 1 off by 3 points, EchoMEN by 1."""
    errors = dict.fromkeys((*METHODS.values(), *OTHER_SYSTEMS.values()), 3.0) | {METHODS["echomen"]: 1.0}
    return off_by(errors | changed)


def test_the_claim_of_the_lowest_error_is_against_every_rival():
    setup = make_setup()
    table = claims.ERRORS.make(rivals(), setup).set_index("claim")
    lowest = table.loc["EchoMEN has the lowest error of all methods"]
    assert (lowest["verdict"], lowest["parts"], lowest["seeds"]) == ("supported", "9 of 9", 2)
    assert lowest["difference"] == pytest.approx(-2)
    # one rival as near as it leaves the claim undecided, however far the others are
    tie = claims.ERRORS.make(rivals(RANKSIM=1.0), setup).set_index("claim")
    assert tie.loc["EchoMEN has the lowest error of all methods", ["verdict", "condition"]].tolist() == [
        "equivalent", "against RANKSIM"
    ]  # fmt: skip
    assert tie.loc["EchoMEN is on a par with the best rival in HFpEF", "verdict"] == "supported"
    one_class = {"HFrEF": 0.5, "HFmrEF": 3.0, "HFpEF": 3.0}
    lost = claims.ERRORS.make(rivals(DIR=one_class), setup).set_index("claim")
    assert lost.loc["EchoMEN has the lowest error of all methods in HFrEF", "verdict"] == "opposite"
    assert lost.loc["EchoMEN has the lowest error of all methods in HFmrEF", "verdict"] == "supported"


def test_the_geometric_mean_has_a_claim_of_its_own():
    (claim,) = claims.ERRORS_GM.make(rivals(), make_setup()).to_dict("records")
    assert claim["quantity"] == "GM (EF points)" and claim["verdict"] == "supported"
    assert claim["difference"] == pytest.approx(1 - 3, abs=1e-2) and claim["parts"] == "9 of 9"


def test_a_rival_that_did_not_learn_decides_nothing():
    """Off by 13 points of labels with an SD of 14.6: R2 is 0.21."""
    parts = claims.ERRORS_IN_PARTS.make(rivals(ECHOGNN=13.0), make_setup())
    of_claim = parts[parts["claim"] == "EchoMEN has the lowest error of all methods"].set_index("condition")
    assert of_claim.loc["against ECHOGNN", "verdict"] == "not testable: ECHOGNN did not learn (R² 0.21)"
    assert set(of_claim.drop("against ECHOGNN")["verdict"]) == {"supported"}
    table = claims.ERRORS.make(rivals(ECHOGNN=13.0), make_setup()).set_index("claim")
    assert table.loc["EchoMEN has the lowest error of all methods", ["verdict", "parts"]].tolist() == [
        "supported", "8 of 9"
    ]  # fmt: skip


def test_what_dir_pays_and_what_it_gains_are_one_claim():
    trade = "DIR pays for rare labels with frequent ones"
    pays = {"HFrEF": 1.0, "HFmrEF": 2.0, "HFpEF": 4.0}
    table = claims.ERRORS.make(rivals(DIR=pays), make_setup()).set_index("claim")
    assert (table.loc[trade, "verdict"], table.loc[trade, "parts"]) == ("supported", "2 of 2")
    better_everywhere = claims.ERRORS.make(rivals(DIR=2.0), make_setup()).set_index("claim")
    assert better_everywhere.loc[trade, ["verdict", "condition"]].tolist() == ["opposite", "HFpEF: EchoNet below DIR"]


def test_the_story_leaves_the_other_rivals_to_the_larger_profiles():
    setup = make_setup("demo")
    assert list(claims.ERRORS.rows_of(setup)) == ["DIR", "ECHONET", "ECHOMEN"]
    kept = {row: of_row for row, of_row in rivals().items() if row in claims.ERRORS.rows_of(setup)}
    table = claims.ERRORS.make(kept, setup).set_index("claim")
    assert table.loc["EchoMEN has the lowest error of all methods", ["verdict", "parts"]].tolist() == [
        "open", "2 of 9"
    ]  # fmt: skip
    par = table.loc["EchoMEN is on a par with the best rival in HFpEF"]
    assert par["verdict"] == "not testable: in full" and np.isnan(par["difference"])
    assert "In the larger profiles: SQINV; " in claims.ERRORS.caption_for(setup)


def test_the_slope_nearer_to_1_from_either_side():
    centre = LABEL.mean()
    results = {
        METHODS[method]: [predicted(centre + factor * (LABEL - centre)) for _ in range(2)]
        for method, factor in {"echonet": 0.5, "echomen": 1.2}.items()
    }
    (claim,) = claims.SLOPE.make(results, make_setup()).to_dict("records")
    assert claim["difference"] == pytest.approx(0.2 - 0.5)
    assert claim["verdict"] == "supported" and claim["seeds"] == 2


def by_experts(aggregated=1.5, off=None):
    """EchoMEN by two seeds: expert 0 is best in HFrEF, expert 1 in HFmrEF, and of HFpEF expert 2 by its mean alone."""
    off = off or [
        {"HFrEF": (1.0, 1.2), "HFmrEF": (4.0, 4.0), "HFpEF": (2.0, 4.0)},
        {"HFrEF": (5.0, 5.0), "HFmrEF": (2.0, 2.0), "HFpEF": (4.0, 4.0)},
        {"HFrEF": (6.0, 6.0), "HFmrEF": (3.0, 3.0), "HFpEF": (2.5, 2.5)},
    ]
    return {
        METHODS["echomen"]: [
            predicted(
                LABEL + aggregated,
                **{f"expert_{m}": LABEL + [errors[name][seed] for name in CLASS] for m, errors in enumerate(off)},
            )
            for seed in range(2)
        ]
    }


def test_the_best_expert_of_a_class_by_hand():
    parts = claims.EXPERTS_IN_PARTS.make(by_experts(), make_setup()).set_index("condition")
    assert parts.index.tolist() == list(CLASSES)
    assert parts["difference"].to_dict() == pytest.approx({"HFrEF": 1.5 - 1.1, "HFmrEF": 1.5 - 2, "HFpEF": 1.5 - 2.5})
    assert parts["n"].to_dict() == {name: int((name == CLASS).sum()) for name in CLASSES}
    assert parts.loc["HFpEF", "verdict"] == "supported"  # not more than 0.5 points above


def test_an_aggregator_that_did_not_learn_is_beside_no_expert():
    setup = make_setup()
    (claim,) = claims.of_experts(setup)
    with pytest.raises(NotTestable, match=r"ECHOMEN did not learn \(R² 0.05\)"):
        claims.EXPERTS.evidence(by_experts(aggregated=14.3), setup, claim, claim.parts[0])


def test_the_order_of_features_counts_where_both_encoders_read_ef(monkeypatch):
    made = {
        "squared error": np.random.default_rng(0).standard_normal((72, 2)),
        "with LDW-SupCon": LABEL[:, None] ** [1, 0],
    }
    results = off_by({"squared error": 2.0, "with LDW-SupCon": 2.0})
    row_of = {result.folder: row for row, of_row in results.items() for result in of_row}
    monkeypatch.setattr(features, "mean_features", lambda result, context, clips: (made[row_of[result.folder]], LABEL))
    setup = make_setup()
    setup = Setup(setup.profile, setup.folders, CHOICES, context=object())
    (claim,) = claims.FEATURES.make(results, setup).to_dict("records")
    assert claim["verdict"] == "supported" and claim["difference"] > 0.5 and claim["quantity"] == "rank correlation"
    unlearnt = off_by({"squared error": 14.0, "with LDW-SupCon": 2.0})
    row_of |= {result.folder: row for row, of_row in unlearnt.items() for result in of_row}
    (claim,) = claims.FEATURES.make(unlearnt, setup).to_dict("records")
    assert claim["verdict"].startswith("not testable: squared error did not learn")


def test_parts_needed_most_in_their_class():
    """The sentence of Table 2 on classes is tested in each class that it names."""
    errors = dict.fromkeys(ABLATION.values(), 2.0) | {ABLATION["echomen"]: 1.0}
    experts = {f"expert_{m}": LABEL + 1.0 for m in range(3)}
    results = off_by(errors)
    results[ABLATION["echomen"]] = [predicted(LABEL + 1.0, **experts), predicted(LABEL - 1.0, **experts)]
    table = claims.PARTS_IN_PARTS.make(results, make_setup())
    of_claim = table[table["claim"].str.startswith("label distances and experts")].set_index("condition")
    assert of_claim["n"].tolist() == [(name == CLASS).sum() for name in ("HFrEF", "HFrEF", "HFmrEF")]
    assert set(of_claim["verdict"]) == {"supported"}
    demo = make_setup("demo")
    assert claims.PARTS.left_out(demo) == [ABLATION["without_ldw_supcon"]]


def test_comparisons_name_a_class_and_the_printed_difference():
    by_sentence = {claim.sentence: claim for claim in claims.against_rivals(make_setup())}
    part = by_sentence["EchoMEN has the lowest error of all methods"].parts[4]
    assert part == ClassComparison("ECHOMEN", "ECHONET", "against ECHONET", pytest.approx(3.93 - 4.05), "all")
