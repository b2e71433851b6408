"""EF by masks in the convention of the report, and who is in doubt."""

import numpy as np
import pandas as pd
import pytest

from echolib.data.camus_folds import fold_table
from echolib.papers.real_patients.masks import fitted, is_doubted


def test_a_line_is_fitted_to_the_patients_of_the_other_folds_alone():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(20, 70, 500)
    ef = pd.DataFrame({"predicted": predicted, "cfg": 0.8 * predicted - 3}, index=fold_table().index)
    assert fitted(ef, "predicted").to_numpy() == pytest.approx(ef["cfg"].to_numpy())
    own = fold_table()["fold"] == 2
    changed = ef.assign(cfg=ef["cfg"].where(~own, 0))  # labels of a fold do not reach its own line
    assert fitted(changed, "predicted")[own].to_numpy() == pytest.approx(ef.loc[own, "cfg"].to_numpy())


def test_doubt_is_a_label_far_from_the_human_masks():
    ef = pd.DataFrame({"from_masks": [68.0, 20.0, 50.0], "cfg": [19.0, 57.0, 44.0]})
    assert is_doubted(ef).tolist() == [True, True, False]
