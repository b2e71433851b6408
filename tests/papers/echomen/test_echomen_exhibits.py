"""EchoMEN's exhibits: the experiments they ask for, and what they make of made-up or small results."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from echolib.engine.experiment import Result, RunContext
from echolib.engine.sweep import run_all
from echolib.folders import DataFolders
from echolib.papers.cost import BATCH, HOW_TIMED
from echolib.papers.echomen import ablation, claims, comparison, stages
from echolib.papers.echomen.ablation import LABEL_SCALES
from echolib.papers.echomen.contents import PAPER
from echolib.papers.echomen.experiments import ABLATION, METHODS, echomen_experiments
from echolib.papers.echomen.experts import weights_by_expert
from echolib.papers.echomen.scores import OTHER_SYSTEMS, printed
from echolib.papers.exhibits import Setup, no_rows
from echolib.papers.profiles import PROFILES
from echolib.papers.sizes import with_seeds

CHOICES = {"settings": "printed", "denominator": "negatives", "convention": "paper"}
LABEL = np.linspace(25, 75, 72)


def make_setup(profile="smoke", phantom="/phantom", context=None, **choices) -> Setup:
    return Setup(PROFILES[profile], DataFolders({}, Path(phantom)), CHOICES | choices, context)


def with_two_seeds() -> Setup:
    return Setup(with_seeds(PROFILES["smoke"], 2), DataFolders({}, Path("/phantom")), CHOICES)


class Made:
    """A finished experiment whose predictions are off by a number of EF points; its experts by more."""

    def __init__(self, experiment, off):
        self.experiment, self.folder = experiment, Path(f"{experiment.name}-{off}")
        columns = {"label": LABEL, "prediction": LABEL + off}
        for m in range(getattr(experiment.task, "experts", 0)):
            columns |= {f"expert_{m}": LABEL + off + m, f"weight_{m}": np.full(len(LABEL), 1 / experiment.task.experts)}
        self.predictions = pd.DataFrame({"name": [f"v{k}" for k in range(len(LABEL))], **columns})

    def table(self, name):
        assert name == "validation"
        return self.predictions


def made_results(exhibit, setup, off=None):
    """Results of every row; the errors grow from row to row, but for those given."""
    rows = exhibit.rows(setup)
    errors = {row: 1.0 + number for number, row in enumerate(rows)} | (off or {})
    return {row: [Made(experiment, errors[row]) for experiment in of_row] for row, of_row in rows.items()}


@pytest.mark.parametrize("notebook", PAPER.notebooks)
def test_a_plan_needs_no_data_and_follows_the_parameters(notebook):
    exhibits = PAPER.notebooks[notebook]
    assert len({exhibit.name for exhibit in exhibits}) == len(exhibits)
    default, other = make_setup(), make_setup(settings="released", denominator="all")
    for exhibit in exhibits:
        if exhibit.rows is not no_rows:
            assert exhibit.experiments(default) and exhibit.experiments(default) != exhibit.experiments(other)


def test_table_1_has_ten_methods_and_the_seeds_of_each():
    setup = make_setup("full")
    rows = comparison.comparison(setup)
    assert set(printed("table_1")["method"]) <= set(rows) and len(printed("table_1")) == 10
    assert set(rows) == {*METHODS.values(), *OTHER_SYSTEMS.values()} | {
        f"{system}, own protocol" for system in OTHER_SYSTEMS.values()
    }
    assert [len(rows[method]) for method in ("SQINV", "DIR", "ECHONET", "ECHOMEN", "ECHOGNN")] == [3, 5, 5, 5, 3]
    assert rows["ECHOMEN"] == echomen_experiments(setup.profile, setup.folder("echonet_dynamic"))
    two_seeds = with_seeds(PROFILES["demo"], 2)
    assert {len(row) for row in comparison.comparison(Setup(two_seeds, setup.folders, CHOICES)).values()} == {2}


def test_table_2_trains_three_ablations_and_the_full_model():
    rows = ablation.ablation(make_setup())
    assert list(rows) == list(ABLATION.values()) and set(printed("table_2")["method"]) == set(rows)
    assert rows["w/o aggregator"] == rows["EchoMEN"]
    (full,), (plain,), (one,), (subsets,) = (
        rows[row] for row in ("EchoMEN", "w/o LDW-SupCon", "w/o multiple experts", "w/o re-weighting")
    )
    assert full.parents == one.parents == subsets.parents != plain.parents and plain.task == full.task
    unweighted, weighted = plain.parents["encoder"], full.parents["encoder"]
    assert unweighted == weighted.model_copy(update={"name": unweighted.name, "task": unweighted.task})
    assert unweighted.task == weighted.task.model_copy(update={"distance": "none"})
    assert (one.task.experts, full.task.experts, subsets.task.diversity) == (1, 3, "subsets")


def test_the_sweeps_change_one_thing():
    by_lambda, by_count = ablation.by_lambda(make_setup()), stages.by_number_of_experts(make_setup())
    assert list(by_lambda) == list(PROFILES["smoke"].contrast_weights) and list(by_count) == [1, 2, 3, 5]
    assert {count: row[0].task.experts for count, row in by_count.items()} == {1: 1, 2: 2, 3: 3, 5: 5}
    (squared_error,), (contrastive,) = by_lambda.values()
    assert squared_error.parents["encoder"].name == "ef-r2plus1d_18-32px-1epochs-seed0"
    assert contrastive.parents["encoder"].name == "imbalance-ldw-supcon-lambda0.5-seed0"
    by_scale = {scale: of_row[0].parents["encoder"] for scale, of_row in ablation.by_label_scale(make_setup()).items()}
    assert {scale: encoder.task.label_scale for scale, encoder in by_scale.items()} == {s: s for s in LABEL_SCALES}
    assert by_scale[100.0] == contrastive.parents["encoder"] and len({e.name for e in by_scale.values()}) == 5
    released = ablation.by_label_scale(make_setup(settings="released"))
    assert {of_row[0].parents["encoder"].task.distance for of_row in released.values()} == {"l1"}


def test_every_published_row_stands_beside_ours_or_is_said_to_be_missing():
    setup = make_setup()
    results = made_results(comparison.TABLE_1_MAE, setup, {"ECHOMEN": 3.0})
    del results["ECHOCOTR"]
    table = comparison.TABLE_1_MAE.make(results, setup).set_index("method")
    assert table.loc["ECHOMEN", ["mae_all", "mae_all_published"]].tolist() == [3.0, 3.93]
    assert table.loc["ECHOMEN", "data"] == "phantom" and table.loc["ECHOCOTR", "data"] == "not measured"
    assert table.index[:10].tolist() == printed("table_1")["method"].tolist()
    assert table.columns[-4:].tolist() == ["mae_all_sd", "seeds", "data", "learnt"]
    assert table.loc["ECHOMEN", "learnt"] == "yes" and table.loc["ECHOGNN", "learnt"].startswith("no: R² ")
    geometric = comparison.TABLE_1_GM.make(results, setup).set_index("method")
    assert geometric.loc["ECHOMEN", ["gm_hfref", "gm_hfref_published"]].tolist() == [pytest.approx(3), 3.64]


def test_without_an_aggregator_the_experts_are_averaged():
    setup = with_two_seeds()
    results = made_results(ablation.TABLE_2_MAE, setup, {"EchoMEN": 2.0, "w/o aggregator": 2.0})
    table = ablation.TABLE_2_MAE.make(results, setup).set_index("method")
    assert table.loc["EchoMEN", "mae_all"] == pytest.approx(2)
    assert table.loc["w/o aggregator", "mae_all"] == pytest.approx(3)  # experts off by 2, 3 and 4
    tested = claims.PARTS.make(results, setup).set_index("claim")
    assert tested.loc["EchoMEN needs the aggregator", "difference"] == pytest.approx(-1)
    assert tested.loc["EchoMEN needs the label-distance weights", "verdict"] == "opposite"  # off by 1 without
    figure = ablation.ABLATION_BY_CLASS.draw(results, setup)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(ABLATION.values())


def test_slopes_intervals_and_figures_of_the_comparison():
    setup = make_setup()
    slopes = comparison.SLOPES.make(made_results(comparison.SLOPES, setup), setup)
    np.testing.assert_allclose(slopes["slope"], 1)
    results = made_results(comparison.CONFORMAL, setup)
    intervals = comparison.CONFORMAL.make(results, setup).set_index("method")
    assert intervals.index.tolist() == ["ECHONET", "DIR", "ECHOMEN"] and intervals["half_width"].tolist() == [1, 2, 3]
    assert comparison.ERROR_BY_EF.draw(results, setup).axes[0].get_legend() is not None
    scatter = comparison.SCATTER.draw(made_results(comparison.SCATTER, setup), setup)
    assert [axes.get_title(loc="left") or axes.get_title() for axes in scatter.axes] == ["ECHONET", "ECHOMEN"]


def test_cost_says_where_it_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "echolib.papers.cost._seconds", lambda tasks, device: {key: np.full(5, 1e-3 * BATCH) for key in tasks}
    )
    setup = make_setup(context=RunContext(tmp_path, tmp_path, torch.device("cpu")))
    experiments = comparison.base_and_echomen(setup)
    results = {row: [SimpleNamespace(experiment=of_row[0])] for row, of_row in experiments.items()}
    table = comparison.COST.make(results, setup).set_index("method")
    assert table.loc["ECHOMEN", "parameters"] > table.loc["ECHONET", "parameters"]
    assert table["ms"].tolist() == [1, 2]  # EchoMEN's encoder counts too
    assert (
        comparison.COST.caption_for(setup) == f"A forward pass of one clip in the smoke profile, on cpu. {HOW_TIMED}."
    )


def test_experts_by_number_and_by_rank():
    setup = make_setup()
    results = made_results(stages.EXPERTS_BY_CLASS, setup)
    table = stages.EXPERTS_BY_CLASS.make(results, setup).set_index("method")
    assert table.loc[["expert 0", "expert 2", "mean", "aggregated", "oracle"], "mae_all"].tolist() == pytest.approx(
        [1, 3, 2, 1, 1]
    )
    assert stages.TOP_K_ROUTING.make(results, setup)["mae_all"].tolist() == pytest.approx([1, 1.5, 2])
    counts = stages.NUMBER_OF_EXPERTS.make(made_results(stages.NUMBER_OF_EXPERTS, setup), setup)
    assert counts["experts"].tolist() == [1, 2, 3, 5] and counts["mae_all"].tolist() == pytest.approx([1, 2, 3, 4])
    sweep = ablation.LAMBDA.make(made_results(ablation.LAMBDA, setup), setup)
    assert sweep["lambda"].tolist() == [0, 0.5] and sweep["mae_all"].tolist() == pytest.approx([1, 2])


def test_weights_of_the_experts_are_those_of_the_training_videos(phantom):
    folder = phantom / "EchoNet-Dynamic"
    task = echomen_experiments(PROFILES["smoke"], folder)[0].task
    ef, weights = weights_by_expert(folder, task)
    assert list(weights) == ["p = 0", "p = 0.5", "p = 1"] and len(ef) == len(weights["p = 0"])
    np.testing.assert_allclose(weights["p = 0"], 1)
    np.testing.assert_allclose([of_expert.mean() for of_expert in weights.values()], 1, rtol=1e-5)
    ratio = weights["p = 0.5"] ** 2 / weights["p = 1"]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)


def test_label_weights_are_measured_on_the_training_videos(phantom):
    table = ablation.LABEL_WEIGHTS.make({}, make_setup(phantom=phantom))
    assert table["label_scale"].tolist() == list(LABEL_SCALES) and bool((table["lowest"] < table["highest"]).all())


def test_features_of_trained_encoders_are_extracted_once(phantom, phantom_cache, tmp_path, monkeypatch):
    context = RunContext(tmp_path, phantom_cache, torch.device("cpu"))
    setup = make_setup(phantom=phantom, context=context)
    rows = stages.FEATURE_ORDER.rows(setup)
    trained: list[Result] = run_all([of_row[0] for of_row in rows.values()], context, progress=False)
    results = {row: [result] for row, result in zip(rows, trained, strict=True)}
    order = stages.FEATURE_ORDER.make(results, setup)
    assert order["encoder"].tolist() == ["squared error", "with LDW-SupCon"]
    assert order["correlation"].abs().max() <= 1 and order["seeds"].tolist() == [1, 1]
    monkeypatch.setattr("echolib.papers.echomen.features.mean_features", None)  # would fail, were they asked for again
    figure = stages.FEATURE_MAPS.draw(results, setup)
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes[:2]] == list(rows)
    errors = stages.STAGE1_ERRORS.make(results, setup).set_index("method")
    assert errors.loc["squared error", "mae_all"] == pytest.approx(trained[0].metrics["mae"])
