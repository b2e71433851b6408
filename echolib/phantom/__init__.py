"""A simulated beating heart under a simulated scanner, with exact labels."""

from echolib.phantom.scanner.sampler import apical_frames
from echolib.phantom.writers.datasets import write_phantom

__all__ = ["apical_frames", "write_phantom"]
