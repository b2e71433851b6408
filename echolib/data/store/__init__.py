"""Frames decoded once into one memory-mapped file that knows the hashes of its sources."""
