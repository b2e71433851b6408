"""Findings in words: every verdict with its numbers, every reason kept."""

import numpy as np
import pandas as pd

from echolib.report import claims_in_words


def claim(verdict: str, **numbers) -> dict:
    row = {"claim": "anchors help", "condition": "", "quantity": "MAE (EF points)", "n": 499, "seeds": 5}
    row |= {"difference": -0.42, "difference_low": -0.8, "difference_high": -0.04, "smallest": 0.5, "verdict": verdict}
    return row | numbers


def test_each_verdict_is_a_sentence_with_its_interval():
    table = pd.DataFrame([claim("supported"), claim("open", difference_high=0.3, condition="HFrEF")])
    first, second = claims_in_words([table]).splitlines()
    assert first == (
        "- **Supported.** Anchors help: -0.42 [-0.8, -0.04] MAE (EF points); 499 test items, 5 seeds; the whole "
        "interval lies on the side that was claimed."
    )
    assert "HFrEF" in second and "0.5 would have been found" in second


def test_what_cannot_be_tested_says_why():
    nothing = {"difference": np.nan, "n": pd.NA, "seeds": pd.NA}
    table = pd.DataFrame([claim("not testable: ECHONET did not learn (R² 0.1)", **nothing)])
    assert claims_in_words([None, table]) == "- **Not testable.** Anchors help: ECHONET did not learn (R² 0.1)."
