"""How a task is trained: the protocol, the loop, experiments with their keys, and many of them at once."""
