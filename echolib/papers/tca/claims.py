"""What Chen and Li claim: of each part, of other systems and other attention, under noise, and of where it looks."""

from collections.abc import Iterable, Sequence

from echolib.papers.claims import Claim, Comparison, mean_value
from echolib.papers.ef_scores import ClassComparison, ef_evidence_from
from echolib.papers.exhibits import ClaimsTable, Setup, no_row
from echolib.papers.published import published
from echolib.papers.tca.experiments import (
    ATTENTION,
    MODELS,
    NOISE,
    STORY,
    SYSTEMS,
    ablation,
    anchored,
    attention,
    comparison,
)
from echolib.papers.tca.scores import activation_evidence, added_errors, random_clip_predictions

MAE = "MAE (EF points)"
PAIRED = "Differences of MAE (EF points), paired over videos and seeds; 95 % intervals."


def _parts(table: str, titles: dict[str, str], better: str, rivals: Iterable[str]) -> tuple[Comparison, ...]:
    """A row of a printed table against others, beside the paper's own differences of MAE."""
    printed = published("tca", table).set_index("method")["mae"]
    return tuple(
        ClassComparison(
            titles[better], titles[rival], f"against {titles[rival]}", float(printed[better] - printed[rival])
        )
        for rival in rivals
    )


def of_parts(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Table 2 (Sec. 3.3)."""

    def lower(sentence: str, better: str, worse: str) -> Claim:
        return Claim(sentence, MAE, "lower", _parts("table_2", MODELS, better, (worse,)))

    return (
        lower("anchors lower the error (M1 below M0)", "m1", "m0"),
        lower("TCA lowers it further (M2 below M1)", "m2", "m1"),
        lower("masks and S-TCA lower it further (M3 below M2)", "m3", "m2"),
    )


def against_systems(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Table 1 (Sec. 3.2)."""
    parts = _parts("table_1", SYSTEMS, "ours", [row for row in SYSTEMS if row != "ours"])
    return (Claim("M3 has the lowest error of all systems", MAE, "lower", parts),)


def against_attention(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Table 3."""
    parts = _parts("table_3", ATTENTION, "tca", ("se", "me"))
    return (Claim("TCA has a lower error than SE and ME in its place", MAE, "lower", parts),)


def under_noise(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Fig. 3 (Sec. 7.5)."""
    parts = (ClassComparison(MODELS["m3"], MODELS["m0"], f"{100 * NOISE[-1]:g} % of the pixels set to 0"),)
    return (Claim("M3 loses less to noise than the baseline", "added MAE (EF points)", "lower", parts),)


def of_activation(setup: Setup) -> Sequence[Claim]:
    """What the paper says of Fig. 4 (Sec. 7.6): masks and S-TCA bring the network to look at the ventricle."""
    parts = (Comparison(MODELS["m3"], MODELS["m1"], "against M1"),)
    return (Claim("more of M3's activation lies in the ventricle", "share of activation", "higher", parts),)


PARTS = ClaimsTable(
    name="claims",
    caption=PAIRED,
    rows=ablation,
    story=STORY.__contains__,
    claims=of_parts,
    evidence=ef_evidence_from(random_clip_predictions),
)
AGAINST_SYSTEMS = ClaimsTable(
    name="claims_systems",
    caption=PAIRED,
    rows=comparison,
    story=no_row,
    claims=against_systems,
    evidence=ef_evidence_from(random_clip_predictions),
)
AGAINST_SYSTEMS_IN_PARTS = AGAINST_SYSTEMS.in_parts()
AGAINST_ATTENTION = ClaimsTable(
    name="claims_attention",
    caption=PAIRED,
    rows=attention,
    story=no_row,
    claims=against_attention,
    evidence=ef_evidence_from(random_clip_predictions),
)
AGAINST_ATTENTION_IN_PARTS = AGAINST_ATTENTION.in_parts()
UNDER_NOISE = ClaimsTable(
    name="claims_noise",
    caption="Difference of what the noise adds to the MAE, paired over videos and seeds; 95 % interval.",
    rows=ablation,
    story=no_row,
    claims=under_noise,
    evidence=ef_evidence_from(added_errors, score=mean_value, learnt=random_clip_predictions),
)
OF_ACTIVATION = ClaimsTable(
    name="claims_activation",
    caption="Difference of the share of activation inside the ventricle, paired over videos and seeds; 95 % interval.",
    rows=anchored,
    story=no_row,
    claims=of_activation,
    evidence=activation_evidence,
    decimals=3,
)
