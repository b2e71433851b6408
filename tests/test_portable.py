"""Arithmetic that machines share: what its processes compute with, and trainings that come out the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from echolib import portable
from echolib.errors import UserError
from echolib.files import file_sha256
from echolib.portable import CORES, VARIABLES, child_environment, cores, environment, is_portable, shared_arithmetic

ROOT = Path(__file__).parents[1]
needs_the_arithmetic = pytest.mark.skipif(not portable.is_supported(), reason="this machine has no AVX2 and FMA")

KERNELS = """
import json, numpy, torch
from numpy._core._multiarray_umath import __cpu_features__ as features
from echolib.portable import is_portable
above = [name for name in ("X86_V4", "AVX512_ICL", "AVX512_SPR") if features[name]]
print(json.dumps([features["X86_V3"], above, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(),
                  is_portable(), is_portable("cuda")]))
"""
TRAINING = """
import sys
from pathlib import Path
import torch
from echolib.engine import execution
from echolib.engine.experiment import RunContext
from echolib.papers.echonet_dynamic.experiments import ef_experiments
from echolib.papers.profiles import PROFILES
folder, runs = Path(sys.argv[1]), Path(sys.argv[2])
experiment = ef_experiments(PROFILES["smoke"], folder, "r2plus1d_18")[0]
print(execution.run(experiment, RunContext(runs, runs / "cache", torch.device("cpu"))).folder)
"""
STUDY = """
import subprocess, sys
from echolib.portable import shared_arithmetic
with shared_arithmetic(sys.argv[1] == "portable"):
    subprocess.run([sys.executable, "-c", *sys.argv[2:]], check=True)
"""


@needs_the_arithmetic
def test_processes_compute_with_what_all_machines_have():
    said = subprocess.run(
        [sys.executable, "-c", KERNELS], env=child_environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(said.stdout) == [True, [], "AVX2", 1, True, False]
    assert said.stderr == ""


def trained(folder: Path, runs: Path, how: str, machine: dict[str, str]) -> dict[str, str]:
    """Hashes of the weights and predictions of a short training, by a study on such a machine."""
    command = [sys.executable, "-c", STUDY, how, TRAINING, str(folder), str(runs)]
    changed = {**os.environ, "PYTHONPATH": str(ROOT), **machine}
    said = subprocess.run(command, env=changed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = Path(said.strip())
    assert json.loads((made / "metrics.json").read_text())["portable"] == (how == "portable")
    return {name: file_sha256(made / name) for name in ("best.safetensors", "predictions.csv")}


@needs_the_arithmetic
def test_two_machines_train_the_same_bytes(phantom, tmp_path):
    folder = phantom / "EchoNet-Dynamic"
    plain = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "2"}
    here = trained(folder, tmp_path / "here", "portable", {})
    assert here == trained(folder, tmp_path / "there", "portable", plain)
    alone = trained(folder, tmp_path / "alone", "alone", plain)
    assert here["best.safetensors"] != alone["best.safetensors"]  # predictions are rounded, and may be alike


def test_variables_are_set_inside_and_put_back(monkeypatch):
    monkeypatch.setattr(portable, "is_supported", lambda: True)
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V4")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_CBWR", raising=False)
    with shared_arithmetic(True):
        assert {name: os.environ.get(name) for name in VARIABLES} == VARIABLES
        assert os.environ[CORES] == "3" and os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert os.environ["NPY_DISABLE_CPU_FEATURES"] == "X86_V4" and "MKL_CBWR" not in os.environ
    with shared_arithmetic(False):
        assert "MKL_CBWR" not in os.environ


def test_a_machine_without_it_refuses_only_what_was_asked_for(monkeypatch):
    monkeypatch.setattr(portable, "is_supported", lambda: False)
    with shared_arithmetic(False):
        assert not is_portable()
    with pytest.raises(UserError, match="--portable needs Linux on an x86-64 processor with AVX2 and FMA"):
        shared_arithmetic(True)


def test_set_too_late_it_does_not_hold():
    """This process has loaded torch already, with whatever the machine has."""
    import torch

    with environment(**VARIABLES):
        assert is_portable() == (torch.backends.cpu.get_cpu_capability() == "AVX2")
    assert not is_portable()


def test_cores_are_those_set_by_hand_or_those_there_are(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv(CORES, "3")
    assert cores() == 3
    monkeypatch.delenv(CORES)
    assert cores() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cores() == len(os.sched_getaffinity(0))
