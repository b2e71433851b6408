"""Weights of a pretrained encoder put into a segmentation network."""

from torch import Tensor, nn

from echolib.models.segmentation import DeepLabV3


def load_encoder(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Puts a pretrained `Encoder`'s weights into a segmentation network; the names of all must be found there."""
    part = "backbone." if isinstance(network, DeepLabV3) else "down."
    holders = ("encoder.", "online.0.")  # where SimCLR and BYOL hold it
    prefix = next(holder + part for holder in holders if any(name.startswith(holder + part) for name in state))
    weights = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    getattr(network, part[:-1]).load_state_dict(weights)
