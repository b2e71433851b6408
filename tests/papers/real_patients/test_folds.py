"""Experiments in folds, and folds read as one."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from echolib.folders import DataFolders
from echolib.papers.exhibits import Setup
from echolib.papers.profiles import PROFILES
from echolib.papers.real_patients import outlines
from echolib.papers.real_patients.experiments import ECHOMEN, ECHONET, ablation, anchors, methods
from echolib.papers.real_patients.folds import in_fold, over_folds

SETUP = Setup(PROFILES["smoke"], DataFolders({}, Path("/nowhere")))


def selections(experiment):
    """Every selection of CAMUS that an experiment rests on."""
    lineage = (*experiment.ancestors(), experiment)
    return [s for one in lineage for s in one.data if "fold" in s.entry.options.model_fields]


def test_what_an_experiment_starts_from_is_in_its_fold_too():
    rows = methods(SETUP, population="echonet")
    for of_row in rows.values():
        assert [experiment.data[0].options.fold for experiment in of_row] == list(SETUP.profile.patients.folds)
        for experiment in of_row:
            options = {(s.options.fold, s.options.population) for s in selections(experiment)}
            assert options == {(experiment.data[0].options.fold, "echonet")}
    names = [one.name for of_row in rows.values() for e in of_row for one in (*e.ancestors(), e)]
    assert len(set(names)) == len(names)


def test_encoders_pretrained_on_patients_never_saw_those_they_are_tested_on():
    for (start, _), of_cell in outlines.pretrained(SETUP).items():
        for experiment in of_cell:
            folds = {selection.options.fold for selection in selections(experiment)}
            assert len(folds) == 1
            if start.pretrained_on == "echonet":
                assert experiment.parents["encoder"].data[0].dataset == "echonet_dynamic"
                assert "-fold" not in experiment.parents["encoder"].name


def test_the_phantom_teaches_once_for_all_folds():
    rows = outlines.taught(SETUP)
    teachers = {experiment.parents["segmenter"] for experiment in rows[outlines.TAUGHT["phantom"]]}
    assert len(teachers) == 1
    (teacher,) = teachers
    assert in_fold(teacher, 1) is teacher


def test_rows_that_are_in_several_tables_are_the_same_experiments():
    assert methods(SETUP)[ECHONET] == anchors(SETUP)[ECHONET]
    assert methods(SETUP)[ECHOMEN] == ablation(SETUP)["EchoMEN"]


def result(seed: int, fold: int) -> SimpleNamespace:
    """As much of a result as is read: two patients of its fold."""
    table = pd.DataFrame({"name": [f"p{fold}a", f"p{fold}b"], "prediction": [10.0 * seed + fold] * 2})
    return SimpleNamespace(
        experiment=SimpleNamespace(seed=seed), folder=Path(f"{seed}-{fold}"), table=lambda name: table
    )


def test_folds_are_read_as_one():
    results = {"row": [result(seed, fold) for fold in (0, 1) for seed in (0, 1, 2)]}
    (pooled,) = over_folds(results, SETUP).values()
    assert [one.experiment.seed for one in pooled] == [0, 1, 2]
    assert pooled[1].predictions["name"].tolist() == ["p0a", "p0b", "p1a", "p1b"]
    assert pooled[1].predictions["prediction"].tolist() == [10, 10, 11, 11]
