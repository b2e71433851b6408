"""Processes that do not outlive the process that they work for."""

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """From now on this worker process ends when its parent does, however that happens; without it it has no purpose."""
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


TIED = "ECHOLIB_TIED"  # set for a command that another process has started and that is to end with it


def end_with_input() -> None:
    """From now on a command that is `TIED` ends when its standard input does: when whoever started it is gone."""
    if os.environ.pop(TIED, ""):
        threading.Thread(target=_end_at_end_of_input, daemon=True).start()


def _end_at_end_of_input() -> None:
    while os.read(0, 1):  # not through sys.stdin, whose lock this thread would hold when the interpreter ends
        pass
    os._exit(1)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
