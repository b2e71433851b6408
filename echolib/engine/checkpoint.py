"""Weights and resume states as safetensors: nothing is pickled, nothing half-written is ever read."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from echolib.files import replacing


class ResumeError(RuntimeError):
    """A resume state that cannot be trusted."""


def _plain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous copies on the CPU that share no memory, as safetensors wants them."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def save_weights(model: nn.Module, path: Path) -> None:
    """All parameters and buffers of `model`, atomically."""
    with replacing(path) as partial:
        save_file(_plain(model.state_dict()), partial)


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads `save_weights`' file; every name and shape must match. Pickled files are refused unread."""
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ResumeError(f"{path} is not a whole safetensors file ({error}): delete it and run again") from error
    model.load_state_dict(state)


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
    content = {"reached": reached, "scalars": scalars, "groups": described["param_groups"]}
    with replacing(path) as partial:
        save_file(_plain(tensors), partial, metadata={"state": json.dumps(content)})


def load_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Puts `save_state`'s file back into model and optimiser and returns what was reached."""
    try:
        with safe_open(path, "pt") as file:
            content = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        cure = f"nothing was restarted: delete {path.parent.parent} to begin anew"
        raise ResumeError(f"{path} is damaged ({error}); {cure}") from error
    model.load_state_dict({name[6:]: tensor for name, tensor in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, slot = name.split(".", 2)
            state.setdefault(int(number), {})[slot] = tensor
    for name, value in content["scalars"].items():
        number, slot = name.split(".", 1)
        state.setdefault(int(number), {})[slot] = value
    optimiser.load_state_dict({"state": state, "param_groups": content["groups"]})
    _lay_out_as_weights(optimiser)
    return content["reached"]


def _lay_out_as_weights(optimiser: torch.optim.Optimizer) -> None:
    """Gives moments the strides of their weights. A file keeps values, not strides, and a fused optimiser walks the raw
    memory of both: contiguous moments beside weights with channels last would be added to the wrong weights."""
    for weight, slots in optimiser.state.items():
        for slot, value in slots.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                slots[slot] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
