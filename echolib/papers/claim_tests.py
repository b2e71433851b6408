"""Claims put to a paired test over the same test items and over seeds, and the tables of how they ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from echolib.metrics.comparison import Difference, paired_difference
from echolib.papers.claims import IN_FULL, MARGINS, Claim, Comparison, Evidence, NotTestable

FEWEST_PEOPLE = 2
LEVEL = 0.95  # of a claim's intervals
NOT_TESTABLE = "not testable: "
MOST_REASONS = 2  # named of a claim that cannot be tested; every comparison has its own in the table of all


@dataclass(frozen=True)
class TestedPart:
    """A comparison put to the test; without a difference the verdict says why."""

    claim: Claim
    part: Comparison
    verdict: str
    difference: Difference | None = None
    paper_smallest: float = np.nan  # what the paper's own number of test items would have found

    @property
    def is_tested(self) -> bool:
        """Whether these results could decide it."""
        return not self.verdict.startswith(NOT_TESTABLE)

    @property
    def support(self) -> float:
        """Standard errors by which the difference lies on the expected side."""
        assert self.difference is not None
        test, expected = self.difference, self.claim.expected
        distance = -abs(test.estimate) if expected == "equal" else test.estimate
        sign = -1 if expected in ("lower", "not higher") else 1
        return sign * distance / (test.standard_error or np.inf)

    @property
    def numbers(self) -> dict[str, object]:
        """What a table says of it."""
        row: dict[str, object] = {"condition": self.part.condition, "quantity": self.claim.quantity}
        test = self.difference
        if test is not None:
            row |= {"n": test.items, "difference": test.estimate, "difference_low": test.low}
            row |= {"difference_high": test.high, "smallest": test.smallest, "correlation": test.correlation}
            row |= {"p": test.p_value, "seeds": min(test.seeds)}
        return row | {"printed": self.part.printed, "paper_smallest": self.paper_smallest}


@dataclass(frozen=True)
class TestedClaim:
    """A claim and the tests of its parts."""

    claim: Claim
    parts: tuple[TestedPart, ...]

    @property
    def verdict(self) -> str:
        """A claim of several comparisons is as strong as its weakest (intersection-union test: Berger, Technometrics
        24, 1982), among those that could be tested.

        "opposite" where one is, with its interval widened for as many looks (Bonferroni); "supported" where all are;
        "equivalent" where the others are; else "open", as it stays while a comparison waits for a larger profile. "not
        testable", and why, where none could be tested.
        """
        tested = self.tested
        if not tested:
            return self.parts[0].verdict if len({part.verdict for part in self.parts}) == 1 else self._reasons
        if any(self._is_opposite(part) for part in tested):
            return "opposite"
        verdicts = {part.verdict for part in tested}
        waits = any(part.verdict == NOT_TESTABLE + IN_FULL for part in self.parts)
        if verdicts <= {"supported", "equivalent"} and not waits:
            return "equivalent" if "equivalent" in verdicts else "supported"
        return "open"

    @property
    def tested(self) -> list[TestedPart]:
        """Its comparisons that these results could decide."""
        return [part for part in self.parts if part.is_tested]

    @property
    def weakest(self) -> TestedPart:
        """The comparison that decides: of those that keep it from more, the one furthest from the expected side."""
        keeps = {"open": {"open", "opposite"}}.get(self.verdict, {self.verdict})
        deciding = [part for part in self.tested if part.verdict in keeps] or self.tested
        return min(deciding, key=lambda part: part.support) if deciding else self.parts[0]

    def _is_opposite(self, part: TestedPart) -> bool:
        assert part.difference is not None
        widened = part.difference.at_level(1 - (1 - LEVEL) / len(self.tested))
        return widened.verdict(self.claim.expected, MARGINS.get(self.claim.quantity)) == "opposite"

    @property
    def _reasons(self) -> str:
        reasons = list(dict.fromkeys(part.verdict.removeprefix(NOT_TESTABLE) for part in self.parts))
        more = [f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
        return NOT_TESTABLE + "; ".join(reasons[:MOST_REASONS] + more)


def put_to_test(
    claims: Sequence[Claim], evidence: Callable[[Claim, Comparison], Evidence], *, resamples: int
) -> list[TestedClaim]:
    """Every comparison of every claim: better minus worse with its interval over people and seeds."""

    def tested(claim: Claim, part: Comparison) -> TestedPart:
        try:
            return _tested_part(claim, part, evidence(claim, part), resamples)
        except NotTestable as reason:
            return TestedPart(claim, part, f"{NOT_TESTABLE}{reason}")

    return [TestedClaim(claim, tuple(tested(claim, part) for part in claim.parts)) for claim in claims]


def _tested_part(claim: Claim, part: Comparison, evidence: Evidence, resamples: int) -> TestedPart:
    label, worse, better = (np.asarray(values) for values in evidence[1:4])
    if (len(label) if evidence.people is None else len(np.unique(evidence.people))) < FEWEST_PEOPLE:
        raise NotTestable("too few items")
    options = {"groups": evidence.people, "resamples": resamples, "level": LEVEL}
    test = paired_difference(evidence.score, label, worse, better, **options)
    verdict = test.verdict(claim.expected, MARGINS.get(claim.quantity))
    paper = np.nan if evidence.paper_people is None else test.smallest_of(evidence.paper_people)
    return TestedPart(claim, part, verdict, test, paper)


COLUMNS = (
    "claim", "parts", "condition", "quantity", "n", "difference", "difference_low", "difference_high", "smallest",
    "printed", "paper_smallest", "paper_could_tell", "correlation", "p", "seeds", "verdict",
)  # fmt: skip


def claims_table(tested: Sequence[TestedClaim]) -> pd.DataFrame:
    """One row per claim (`COLUMNS`), with the numbers of the comparison that decides it.

    difference: better minus worse, with its 95 % interval over people and seeds; smallest: what would have been found
    with 80 % power; printed: the paper's own; paper_smallest: what its own test items would have found, one network
    each; paper_could_tell: whether its own difference is as large; correlation: what common seeds buy; parts: how many
    comparisons could be tested of how many.
    """
    rows = []
    for claim in tested:
        row = {"claim": claim.claim.sentence, "parts": f"{len(claim.tested)} of {len(claim.parts)}"}
        decides = claim.tested or len(claim.parts) == 1
        numbers = claim.weakest.numbers if decides else {"condition": "", "quantity": claim.claim.quantity}
        rows.append(row | numbers | {"verdict": claim.verdict})
    return _framed(rows, COLUMNS)


def parts_table(tested: Sequence[TestedClaim]) -> pd.DataFrame:
    """One row per comparison, as `claims_table` without how many there are; its own verdict."""
    parts = [part for claim in tested for part in claim.parts]
    rows = [{"claim": part.claim.sentence} | part.numbers | {"verdict": part.verdict} for part in parts]
    return _framed(rows, [name for name in COLUMNS if name != "parts"])


def _framed(rows: list[dict[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    numeric = table.columns.difference(["claim", "parts", "condition", "quantity", "paper_could_tell", "verdict"])
    table[numeric] = table[numeric].astype(float)
    told = np.where(table["printed"].abs() >= table["paper_smallest"], "yes", "no")
    known = table["printed"].notna() & table["paper_smallest"].notna()
    table["paper_could_tell"] = np.where(known, told, "")
    return table.astype({"n": "Int64", "seeds": "Int64"})  # whole also beside a claim that has none


def recorded(table: pd.DataFrame, *, paper: str, data: str) -> list[dict[str, object]]:
    """A table of claims as a notebook's record keeps it: one entry per claim. data: what it was tested on."""
    entries: list[dict[str, object]] = []
    for row in table.to_dict("records"):
        known = {str(name): None if pd.isna(value) else value for name, value in row.items()}
        entries.append({"paper": paper, "data": data} | known)
    return entries
