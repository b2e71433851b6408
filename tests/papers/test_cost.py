"""What methods cost, against counts known elsewhere."""

import torch

from echolib.engine.experiment import RunContext, cost
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
    assert (table[["gflop", "ms"]] > 0).all(axis=None)
