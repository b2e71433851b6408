"""A simulated beating heart under a simulated scanner, with exact labels.

Each name is imported when it is first asked for: whoever only asks whether a phantom is there needs no torch.
"""

from echolib.faces import lazy_face

DEFINED_IN = {
    "apical_frames": "echolib.phantom.scanner.random_frames",
    "write_phantom": "echolib.phantom.writers.datasets",
}
__all__ = sorted(DEFINED_IN)
__getattr__, __dir__ = lazy_face(__name__, DEFINED_IN)
