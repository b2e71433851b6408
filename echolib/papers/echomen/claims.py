"""What EchoMEN claims: of its errors beside its rivals', of its parts, of its experts and of its features."""

from collections.abc import Iterable, Sequence
from functools import cache

import pandas as pd

from echolib.metrics.ejection import CLASSES, geometric_mean_error, mae
from echolib.papers.claims import Claim, Comparison, Evidence, check_learnt, mean_value
from echolib.papers.echomen.ablation import FULL, ablation, ablation_predictions
from echolib.papers.echomen.ablation import STORY as ABLATION_STORY
from echolib.papers.echomen.comparison import DIR, ECHOMEN, ECHONET, STORY, base_and_echomen, comparison
from echolib.papers.echomen.experiments import ABLATION, METHODS
from echolib.papers.echomen.experts import expert_predictions
from echolib.papers.echomen.features import order_by_video
from echolib.papers.echomen.scores import OTHER_SYSTEMS, printed, slope_error
from echolib.papers.echomen.stages import echomen, encoders
from echolib.papers.ef_scores import (
    TEST_VIDEOS,
    ClassComparison,
    Predictions,
    convention_of,
    ef_evidence_from,
    in_group,
    predictions_of,
)
from echolib.papers.exhibits import ClaimsTable, Results, Setup
from echolib.papers.gates import ef_gate

MAE, GM = "MAE (EF points)", "GM (EF points)"
LOSSES = tuple(METHODS[row] for row in ("sqinv", "dir", "focal_r", "ranksim", "echonet"))
RIVALS = (*LOSSES, *OTHER_SYSTEMS.values())


@cache
def _printed(table: str) -> pd.DataFrame:
    return printed(table).set_index("method")


def _part(table: str, better: str, worse: str, group: str = "all", metric: str = "mae", condition: str = ""):
    """A comparison of two rows of Table 1 or 2 in one class, beside the paper's own difference."""
    numbers = _printed(table)[f"{metric}_{group.lower()}"]
    difference = float(numbers[better] - numbers[worse])
    return ClassComparison(better, worse, condition or f"against {worse}", difference, group)


def _below_all(sentence: str, group: str = "all", metric: str = "mae") -> Claim:
    parts = tuple(_part("table_1", ECHOMEN, rival, group, metric) for rival in RIVALS)
    return Claim(sentence, MAE if metric == "mae" else GM, "lower", parts)


def against_rivals(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Table 1 (Sec. 3.3)."""
    trade = (
        _part("table_1", DIR, ECHONET, "HFrEF", condition="HFrEF: DIR below EchoNet"),
        _part("table_1", ECHONET, DIR, "HFpEF", condition="HFpEF: EchoNet below DIR"),
    )
    return (
        _below_all("EchoMEN has the lowest error of all methods"),
        _below_all("EchoMEN has the lowest error of all methods in HFrEF", "HFrEF"),
        _below_all("EchoMEN has the lowest error of all methods in HFmrEF", "HFmrEF"),
        Claim(
            "EchoMEN is on a par with the best rival in HFpEF",
            MAE,
            "equal",
            (_part("table_1", ECHOMEN, METHODS["ranksim"], "HFpEF"),),
        ),
        Claim("DIR pays for rare labels with frequent ones", MAE, "lower", trade),
    )


def against_rivals_gm(setup: Setup) -> Sequence[Claim]:
    """What the paper says of the second metric of Table 1."""
    return (_below_all("EchoMEN has the lowest geometric mean error of all methods", metric="gm"),)


def of_slope(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Fig. 3(a)."""
    sentence = "the line of EchoMEN's predictions is closer to slope 1 than EchoNet's"
    return (Claim(sentence, "|slope - 1|", "lower", (Comparison(ECHOMEN, ECHONET, "against ECHONET"),)),)


def _needs(sentence: str, parts: Iterable[tuple[str, str]]) -> Claim:
    """A claim that EchoMEN errs less than without a part of it: (row of Table 2, class) of each comparison."""
    compared = tuple(
        _part(
            "table_2", FULL, ABLATION[row], group, condition=f"{ABLATION[row]}{'' if group == 'all' else ', ' + group}"
        )
        for row, group in parts
    )
    return Claim(sentence, MAE, "lower", compared)


def of_parts(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Table 2 (Sec. 3.4)."""
    return (
        _needs("EchoMEN needs the label-distance weights", [("without_ldw_supcon", "all")]),
        _needs("EchoMEN needs more than one expert", [("without_multiple_experts", "all")]),
        _needs("EchoMEN needs re-weighting instead of subsets", [("without_reweighting", "all")]),
        _needs("EchoMEN needs the aggregator", [("without_aggregator", "all")]),
        _needs(
            "label distances and experts help most in HFrEF, re-weighting in HFmrEF",
            [("without_ldw_supcon", "HFrEF"), ("without_multiple_experts", "HFrEF"), ("without_reweighting", "HFmrEF")],
        ),
    )


def of_experts(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Fig. 3(b): in each class the aggregated prediction nearly matches the best expert."""
    parts = tuple(ClassComparison("aggregated", "best expert", group, group=group) for group in CLASSES)
    return (Claim("the aggregator comes near the best expert of each class", MAE, "not higher", parts),)


def experts_by_seed(results: Results, setup: Setup) -> Predictions:
    """The experts, their mean, the aggregated prediction and the oracle, on the videos in one order."""
    (of_seeds,) = results.values()
    return of_seeds[0].predictions["label"].to_numpy(), expert_predictions(of_seeds)


def _expert_evidence(results: Results, setup: Setup, claim: Claim, part: Comparison) -> Evidence:
    """The best expert is the one of least error in the class on the test videos themselves, which favours it."""
    assert isinstance(part, ClassComparison)
    label, by_name = setup.once(experts_by_seed, results)
    check_learnt({ECHOMEN: ef_gate(label, by_name["aggregated"])})
    chosen = in_group(label, part.group, convention_of(setup))
    experts = [seeds[:, chosen] for name, seeds in by_name.items() if name.startswith("expert ")]
    best = min(experts, key=lambda seeds: float(mae(label[chosen], seeds).mean()))
    return Evidence(mae, label[chosen], best, by_name["aggregated"][:, chosen], paper_people=TEST_VIDEOS[part.group])


def of_features(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Fig. 1 and Sec. 2.1: the features of stage 1 are ordered as the labels are."""
    sentence = "the contrastive loss orders features by EF"
    return (Claim(sentence, "rank correlation", "higher", (Comparison("with LDW-SupCon", "squared error"),)),)


FEATURES = ClaimsTable(
    name="claims",
    caption="Features of the test videos by EF: does the contrastive loss order them?",
    rows=encoders,
    claims=of_features,
    evidence=ef_evidence_from(order_by_video, score=mean_value, learnt=predictions_of),
    decimals=3,
)
EXPERTS = ClaimsTable(
    name="claims",
    caption="MAE (EF points) of the aggregated prediction less that of the best expert; 95 % intervals.",
    rows=echomen,
    claims=of_experts,
    evidence=_expert_evidence,
)
ERRORS = ClaimsTable(
    name="claims",
    caption="Differences of MAE (EF points), paired over test videos and seeds; 95 % intervals.",
    rows=comparison,
    story=STORY.__contains__,
    claims=against_rivals,
    evidence=ef_evidence_from(),
)
ERRORS_GM = ClaimsTable(
    name="claims_gm",
    caption="Differences of the geometric mean error (EF points), paired over test videos and seeds; 95 % intervals.",
    rows=comparison,
    story=STORY.__contains__,
    claims=against_rivals_gm,
    evidence=ef_evidence_from(score=geometric_mean_error),
)
SLOPE = ClaimsTable(
    name="claims_slope",
    caption="Difference of |slope - 1|, paired over test videos and seeds, with its 95 % interval.",
    rows=base_and_echomen,
    claims=of_slope,
    evidence=ef_evidence_from(score=slope_error),
    decimals=3,
)
PARTS = ClaimsTable(
    name="claims",
    caption="Differences of MAE (EF points), EchoMEN minus ablation, paired over videos and seeds; 95 % intervals.",
    rows=ablation,
    story=ABLATION_STORY.__contains__,
    claims=of_parts,
    evidence=ef_evidence_from(ablation_predictions),
)
ERRORS_IN_PARTS, ERRORS_GM_IN_PARTS = ERRORS.in_parts(), ERRORS_GM.in_parts()
EXPERTS_IN_PARTS, PARTS_IN_PARTS = EXPERTS.in_parts(), PARTS.in_parts()
