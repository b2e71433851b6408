"""Weights and resume states on disk: damaged, foreign or pickled ones are refused, and none is ever half-written."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from echolib.engine import checkpoint
from echolib.engine.checkpoint import CheckpointError, ResumeError
from tests.engine import toy


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    toy.trainer(folder).run(toy.toy_model())
    return folder


@pytest.mark.parametrize("name", ["best.safetensors", "last/state.safetensors"])
@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.999])
def test_one_flipped_bit_in_weights_or_state_is_refused(tmp_path, name, place):
    toy.trainer(tmp_path).run(toy.toy_model())
    content = bytearray((tmp_path / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ResumeError, match="is damaged, or no safetensors file"):
        toy.trainer(tmp_path).run(toy.toy_model())


def test_weights_and_states_of_another_network_or_optimiser_are_refused(tmp_path):
    toy.trainer(tmp_path).run(toy.toy_model())
    with pytest.raises(ResumeError, match="is of another network"):
        checkpoint.load_weights(torch.nn.Linear(3, 1), tmp_path / "best.safetensors")
    model = toy.toy_model()
    two_groups = torch.optim.AdamW([{"params": [parameter]} for parameter in model.parameters()])
    with pytest.raises(ResumeError, match="is of another optimiser"):
        checkpoint.load_state(tmp_path / "last" / "state.safetensors", model, two_groups)


def test_safetensors_of_another_program_are_no_checkpoint(tmp_path):
    save_file({"0.weight": torch.zeros(3)}, tmp_path / "best.safetensors")
    with pytest.raises(ResumeError, match="no safetensors file of echolib"):
        checkpoint.load_weights(toy.toy_model(), tmp_path / "best.safetensors")


def test_damaged_or_missing_resume_states_are_refused(tmp_path, unbroken):
    stopped = tmp_path / "stopped"
    toy.trainer(stopped).run(toy.toy_model())
    state = stopped / "last" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-40])
    with pytest.raises(ResumeError, match="damaged"):
        toy.trainer(stopped).run(toy.toy_model())
    state.unlink()
    with pytest.raises(ResumeError, match="missing"):
        toy.trainer(stopped).run(toy.toy_model())


def test_pickled_weights_are_refused_without_side_effect(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    toy.trainer(tmp_path).run(toy.toy_model())
    (tmp_path / "best.safetensors").write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(ResumeError, match="safetensors"):
        toy.trainer(tmp_path).run(toy.toy_model())
    assert not (tmp_path / "owned").exists()


def test_a_full_disk_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    toy.trainer(tmp_path).run(toy.toy_model())
    before = (tmp_path / "best.safetensors").read_bytes()

    def full(tensors, path, metadata=None):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(CheckpointError, match=r"No space left.* free space; what was finished is kept"):
        checkpoint.save_weights(toy.toy_model(), tmp_path / "best.safetensors")
    assert (tmp_path / "best.safetensors").read_bytes() == before
    assert not list(tmp_path.glob(".*.partial"))
