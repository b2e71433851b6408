"""What methods cost, against counts known elsewhere."""

import gc

import numpy as np
import torch

from echolib.engine.experiment import RunContext, cost
from echolib.papers import cost as cost_module
from echolib.papers.cost import cost_table
from echolib.papers.echomen import experiments as echomen
from echolib.papers.ef_systems import experiments as ef_systems
from echolib.papers.profiles import PROFILES

SMOKE = PROFILES["smoke"]


def test_cost_counts_what_a_method_rests_on(phantom, tmp_path):
    folder = phantom / "EchoNet-Dynamic"
    context = RunContext(tmp_path, tmp_path, torch.device("cpu"))
    (base,), (whole,) = (
        make(SMOKE, folder)
        for make in (lambda p, f: echomen.rival_experiments(p, f, "echonet"), echomen.echomen_experiments)
    )
    (graph,) = ef_systems.system_experiments(SMOKE, folder, "echognn", "common")
    table = cost_table({"base": base, "EchoMEN": whole, "graph": graph}, context).set_index("method")
    encoder = whole.parents["encoder"]
    assert table.loc["EchoMEN", "parameters"] == cost(whole).parameters + cost(encoder).parameters
    assert (
        table.loc["base", "parameters"]
        == cost(base).parameters
        == sum(p.numel() for p in base.task.make_network().parameters())
    )
    assert (table["gflop"] > 0).all() and (table["ms_low"] > 0).all()
    assert (table["ms_low"] <= table["ms"]).all() and (table["ms"] <= table["ms_high"]).all()


def test_equal_networks_are_timed_once_and_all_in_turns(phantom, tmp_path, monkeypatch):
    """The order of the passes, counted on a clock of our own: each pass takes a second more than the one before."""
    folder = phantom / "EchoNet-Dynamic"
    context = RunContext(tmp_path, tmp_path, torch.device("cpu"))
    (base,) = echomen.rival_experiments(SMOKE, folder, "echonet")
    (graph,) = ef_systems.system_experiments(SMOKE, folder, "echognn", "common")
    passes = []

    def one_pass(timed, device):
        assert torch.is_inference_mode_enabled() and torch.get_num_threads() == 1 and not gc.isenabled()
        assert not timed[0].training and len(timed[1][0]) == cost_module.BATCH
        passes.append(type(timed[0]))
        return len(passes) / 1e3

    monkeypatch.setattr(cost_module, "_pass", one_pass)
    again = base.model_copy(update={"seed": 7, "name": "again"})
    table = cost_table({"base": base, "graph": graph, "again": again}, context).set_index("method")
    assert len(set(passes)) == 2 and passes == passes[:2] * (len(passes) // 2)  # in turns, `again` not at all
    assert len(passes) == 2 * (2 + cost_module.PASSES)
    assert table.loc["base"].equals(table.loc["again"])
    counted = np.arange(5, len(passes) + 1, 2) / cost_module.BATCH  # ms of the first network: passes 5, 7, ...
    expected = np.quantile(counted, [0.5, 0.25, 0.75])
    np.testing.assert_allclose(table.loc["base", ["ms", "ms_low", "ms_high"]].to_numpy(float), expected)
    assert gc.isenabled()
