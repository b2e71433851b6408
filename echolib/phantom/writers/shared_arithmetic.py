"""The phantom written by a process of its own, which starts with the arithmetic that many machines share.

On a machine without it the phantom is written here, with what there is, and its description says so.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Thread

from echolib.data import readers
from echolib.errors import UserError
from echolib.phantom.writers.every_dataset import write_every_dataset
from echolib.portable import LOCAL, REFERENCE, child_environment, is_portable, is_supported


class PhantomNotWritten(UserError, RuntimeError):
    """The process that wrote a phantom ended before it was done."""


def write_datasets(root: Path, items: Mapping[str, int], *, seed: int, progress: bool) -> str:
    """As `write_every_dataset`; returns what the bytes rest on: REFERENCE or LOCAL of `echolib.portable`."""
    if not is_supported():
        write_every_dataset(root, items, seed=seed, progress=progress)
        return LOCAL
    # a dataset of one's own may lie in a folder that only this process knows
    places = {"paths": sys.path, "readers": list(readers.__path__)}
    return _in_process({"root": str(root), "items": dict(items), "seed": seed, "progress": progress, **places})


def _in_process(job: dict) -> str:
    """Has a job done by another process; returns what the bytes rest on. Raises PhantomNotWritten, or the OSError that
    ended it."""
    environment = child_environment() | {"PYTHONPATH": os.pathsep.join(filter(None, job["paths"]))}
    command = [sys.executable, "-c", f"from {__name__} import work; work()"]
    with Popen(command, bufsize=0, env=environment, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin and process.stdout
        try:
            with suppress(BrokenPipeError):  # it has failed already, and said why
                process.stdin.write(json.dumps(job).encode() + b"\n")  # left open: its end is that of this process
            said = process.stdout.read()
        except BaseException:
            process.kill()
            raise
    if process.returncode or not said:
        how = f"was ended by signal {-process.returncode}" if process.returncode < 0 else "failed; it said why above"
        raise PhantomNotWritten(f"the process that writes the phantom {how}: the same command writes it anew")
    answer = json.loads(said)
    if "error" in answer:
        raise OSError(*answer["error"])
    return answer["arithmetic"]


def work() -> None:
    """What that process does: one job, read from standard input; its answer is the only line on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt goes to every process of a terminal: the parent acts
    job = json.loads(sys.stdin.readline())
    Thread(target=_end_with_input, daemon=True).start()
    readers.__path__ = job["readers"]
    answer: dict[str, object] = {"arithmetic": REFERENCE if is_portable() else LOCAL}
    try:
        write_every_dataset(Path(job["root"]), job["items"], seed=job["seed"], progress=job["progress"])
    except OSError as error:
        answer = {"error": [error.errno, error.strerror or str(error), error.filename]}
    print(json.dumps(answer), flush=True)


def _end_with_input() -> None:
    """Ends this process with the one that it works for, however that happens."""
    while os.read(0, 1):
        pass
    os._exit(1)
