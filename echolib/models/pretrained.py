"""Published weights through torchvision's weights API, and a clear word when they cannot be had."""

from urllib.error import URLError

from torch import nn
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
