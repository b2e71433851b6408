"""Folds of CAMUS: everybody is tested once, the folds are alike, and a thinned population leaves the test alone."""

import pandas as pd
import pytest

from echolib.data import CAMUS, DataError
from echolib.data.camus_folds import ECHONET_SHARES, FOLDS, cross_validated, fold_table, thinned
from echolib.data.selection import DataSelection
from echolib.metrics.ejection import CLASSES, heart_failure_class


def everybody(ef=None) -> pd.DataFrame:
    """Two images of each of the 500 patients, who are in no fold yet."""
    names = [name for name in fold_table().index for _ in range(2)]
    ef = ef or [30.0, 45.0, 60.0]
    return pd.DataFrame({"person": names, "split": "train", "ef_percent": [ef[i // 2 % len(ef)] for i in range(1000)]})


def test_everybody_is_a_test_patient_once():
    tested = []
    for fold in range(FOLDS):
        items = cross_validated(everybody(), fold)
        splits = items.groupby("person")["split"].unique()
        assert splits.map(len).eq(1).all()
        tested += splits.index[splits.str[0] == "test"].tolist()
        sizes = items.drop_duplicates("person")["split"].value_counts()
        assert sizes["train"] in range(348, 353) and sizes["val"] in range(49, 52)
    assert sorted(tested) == sorted(fold_table().index)


def test_a_patient_of_no_fold_is_named():
    with pytest.raises(DataError, match="testing-patient0001 is in no fold"):
        cross_validated(everybody().replace({"person": {"patient0001": "testing-patient0001"}}), 0)


def test_a_thinned_population_has_the_shares_and_leaves_the_test_alone():
    whole = cross_validated(everybody(), 2)
    thin = thinned(whole)
    assert thin.loc[whole["split"] == "test", "split"].eq("test").all()
    assert thin.groupby("person")["split"].nunique().eq(1).all()
    for split in ("train", "val"):
        people = thin[thin["split"] == split].drop_duplicates("person")
        shares = pd.Series(heart_failure_class(people["ef_percent"].to_numpy())).value_counts(normalize=True)
        assert all(abs(shares[group] - ECHONET_SHARES[group]) < 0.05 for group in CLASSES)
    most = whole[(whole["split"] == "train") & (whole["ef_percent"] == 60)]
    assert thin.loc[most.index, "split"].eq("train").all()  # the class that is to be most common is kept whole


def test_a_class_that_nobody_belongs_to_thins_nothing_else():
    whole = cross_validated(everybody([45.0, 60.0]), 0)
    people = thinned(whole).query("split == 'train'").drop_duplicates("person")["ef_percent"].value_counts()
    assert people[45.0] * 3 == pytest.approx(people[60.0], abs=3)


def test_real_folds_hold_alike_populations(camus_folder):
    patients = CAMUS(camus_folder).patients.assign(split="")
    patients = patients.assign(person=patients["patient"], group=heart_failure_class(patients["ef_percent"].to_numpy()))
    for column in ("group", "quality"):
        counts = [
            cross_validated(patients, fold).query("split == 'test'")[column].value_counts() for fold in range(FOLDS)
        ]
        assert all(abs(of_fold - counts[0]).max() <= 3 for of_fold in counts)


def test_ways_to_split_share_one_store_of_frames(phantom, tmp_path):
    official = DataSelection(dataset="camus", folder=phantom / "CAMUS", size=(32, 32))
    fold = official.choosing(fold=1, population="echonet")
    assert official.open(tmp_path).frames.folder == fold.open(tmp_path).frames.folder
    assert official.fingerprint() != fold.fingerprint()
    assert set(fold.open(tmp_path).items["split"]) >= {"train", "val", "test"}
