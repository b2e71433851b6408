"""Published weights through torchvision and timm, and a clear word when they cannot be had."""

from functools import lru_cache
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum


def load_published(network: nn.Module, weights: WeightsEnum, *, skip: tuple[str, ...] = ()) -> str:
    """Loads published weights into `network`, all but the layers whose names begin with one of `skip`.

    The weights come from torch's hub cache (`$TORCH_HOME/hub/checkpoints`) or are downloaded into it, and are read with
    `weights_only=True`. Returns what the network now starts from: the weights' name, or "random: ..." with the reason
    when they could not be had or do not fit a network of another size. Nothing is ever half loaded.
    """
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError) as error:
        return f"random: {weights} not available ({type(error).__name__}: put the file into the torch hub cache)"
    state = {name: tensor for name, tensor in state.items() if not name.startswith(skip)}
    own = network.state_dict()
    misfits = [name for name, tensor in state.items() if name not in own or own[name].shape != tensor.shape]
    missing = [name for name in own if name not in state and not name.startswith(skip)]
    if misfits or missing:
        return f"random: {weights} fit the full-size network only"
    network.load_state_dict(state, strict=False)
    return str(weights)


def load_timm(network: nn.Module, name: str) -> str:
    """Loads the weights that timm publishes under `name` into a `features_only` network of its family.

    They come from the Hugging Face cache (`$HF_HOME/hub`) or are downloaded into it. Returns what the network now
    starts from: the name, or "random: ..." with the reason, as `load_published` does. Nothing is ever half loaded.
    """
    own = network.state_dict()
    with torch.device("meta"):
        published = timm_features(name).state_dict()
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in published.items()}:
        return f"random: {name} fits the full-size network only"
    state = _fetched(name)
    if isinstance(state, str):
        return state
    network.load_state_dict(state)
    return f"timm {name}"


@lru_cache(maxsize=1)
def _fetched(name: str) -> dict[str, Tensor] | str:
    """Weights, or why there are none: without a network the attempts take most of a minute, so they are made once."""
    try:
        return timm_features(name, pretrained=True).state_dict()
    except OSError as error:  # the hub's errors are of this kind, too
        return f"random: {name} not available ({type(error).__name__}: put it into the Hugging Face cache)"


def timm_features(name: str, **options) -> nn.Module:
    """timm's network of this name without its classifier: images -> five maps of stride 2 to 32."""
    import timm  # takes seconds to import; few experiments need it

    return timm.create_model(name, features_only=True, **options)
