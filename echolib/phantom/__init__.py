"""A simulated beating heart under a simulated scanner, with exact labels."""

from echolib.phantom.datasets import write_phantom
from echolib.phantom.sampler import apical_frames

__all__ = ["apical_frames", "write_phantom"]
