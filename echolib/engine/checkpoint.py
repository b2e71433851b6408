"""Weights and resume states as safetensors: nothing is pickled, nothing half-written or damaged is ever used.

Beside its tensors a file holds a sealed note with their hash: a bit that flipped on the disk is found on reading.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from echolib.errors import UserError
from echolib.files import replacing
from echolib.sealed import sealed, unsealed

NOTE = "echolib"  # the key of the sealed note in a file's metadata: a single one, since their order is not defined


class ResumeError(UserError, RuntimeError):
    """Weights or a resume state that cannot be trusted."""


class CheckpointError(UserError, OSError):
    """Weights or a resume state that cannot be written."""


def write_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any] | None = None) -> None:
    """Tensors, and what there is to say about them, atomically. Raises CheckpointError, the old file intact, where they
    cannot be written."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    note = sealed({"tensors": _hash(plain), "about": about or {}})
    try:
        with replacing(path) as partial:
            save_file(plain, partial, metadata={NOTE: json.dumps(note)})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} cannot be written ({error}): free space; what was finished is kept, the same command goes on"
        ) from error


def read_tensors(path: Path, cure: str = "delete it and run again") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote: the tensors by name, and what is said about them.

    Raises ResumeError, with the cure, for a file that is missing, cut short, of another kind, or not as it was written.
    Pickled files are refused unread.
    """
    try:
        with safe_open(path, "pt") as file:
            note = unsealed(json.loads((file.metadata() or {})[NOTE]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if note["tensors"] != _hash(tensors):
            raise ValueError("its tensors are not as they were written")
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise ResumeError(f"{path} is damaged, or no safetensors file of echolib ({error}): {cure}") from error
    return tensors, note["about"]


def save_weights(model: nn.Module, path: Path) -> None:
    """All parameters and buffers of `model`, atomically."""
    write_tensors(path, model.state_dict())


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads `save_weights`' file; every name and shape must match. Raises ResumeError."""
    _put(model, read_tensors(path)[0], path)


def save_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, reached: dict[str, Any]) -> None:
    """Weights, the optimiser's tensors and what was reached in one file, so that they can never disagree."""
    described = optimiser.state_dict()
    tensors, scalars = {}, {}
    for number, slots in described["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{number}.{slot}"] = value
            else:
                scalars[f"{number}.{slot}"] = value
    tensors |= {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    write_tensors(path, tensors, {"reached": reached, "scalars": scalars, "groups": described["param_groups"]})


def load_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Puts `save_state`'s file back into model and optimiser and returns what was reached. Raises ResumeError."""
    cure = f"nothing was restarted: delete {path.parent.parent} to begin anew"
    tensors, about = read_tensors(path, cure)
    _put(model, {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")}, path)
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, slot = name.split(".", 2)
            state.setdefault(int(number), {})[slot] = tensor
    for name, value in about["scalars"].items():
        number, slot = name.split(".", 1)
        state.setdefault(int(number), {})[slot] = value
    try:
        optimiser.load_state_dict({"state": state, "param_groups": about["groups"]})
    except (ValueError, KeyError) as error:
        raise ResumeError(f"{path} is of another optimiser ({error}); {cure}") from error
    _lay_out_as_weights(optimiser)
    return about["reached"]


def _put(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ResumeError(f"{path} is of another network ({str(error).splitlines()[-1].strip()}): delete it") from error


def _hash(tensors: dict[str, Tensor]) -> str:
    """Hex SHA-256 over names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _lay_out_as_weights(optimiser: torch.optim.Optimizer) -> None:
    """Gives moments the strides of their weights. A file keeps values, not strides, and a fused optimiser walks the raw
    memory of both: contiguous moments beside weights with channels last would be added to the wrong weights."""
    for weight, slots in optimiser.state.items():
        for slot, value in slots.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                slots[slot] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
