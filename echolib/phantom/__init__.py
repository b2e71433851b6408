"""A simulated beating heart under a simulated scanner, with exact labels.

Each name is imported when it is first asked for: whoever only asks whether a phantom is there needs no torch.
"""

from importlib import import_module

_DEFINED_IN = {
    "apical_frames": "echolib.phantom.scanner.random_frames",
    "write_phantom": "echolib.phantom.writers.datasets",
}
__all__ = sorted(_DEFINED_IN)


def __getattr__(name: str):
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_DEFINED_IN[name]), name)


def __dir__() -> list[str]:
    return __all__
