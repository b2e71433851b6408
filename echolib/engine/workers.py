"""Experiments side by side on the cores of one machine, each in a process of its own.

The layers of a narrow network are too small to be split: on two cores one training with two threads takes up to as long
as two trainings with one thread each.
"""

import multiprocessing
import signal
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import torch

from echolib.engine import execution
from echolib.engine.experiment import Experiment, RunContext
from echolib.errors import UserError
from echolib.portable import cores, is_portable
from echolib.processes import end_with_parent


class WorkerDied(UserError, RuntimeError):
    """A process that trained experiments ended without a word."""


FEWEST_EPOCHS = 12  # below these in all, starting processes takes longer than they save
MOST_WORKERS = 4  # each holds the frames it trains on
_pools: dict[int, ProcessPoolExecutor] = {}  # kept, so that the next experiments find the libraries and frames loaded


def worker_count(waiting: Collection[Experiment], context: RunContext) -> int:
    """In how many processes to run these experiments; 1 means in this one."""
    epochs = sum(max(1, experiment.schedule.epochs) for experiment in waiting)
    if context.device.type != "cpu" or epochs < FEWEST_EPOCHS or multiprocessing.parent_process() is not None:
        return 1
    if any(type(experiment.task).__module__ == "__main__" for experiment in waiting):
        return 1  # another process cannot import what was defined in a notebook
    return min(cores() if is_portable() else torch.get_num_threads(), len(waiting), MOST_WORKERS)


def threads_of_each() -> int:
    """With how many threads an experiment trains on this machine, alone or beside others: sums are cut by the number of
    threads, so that its bytes would otherwise depend on its company."""
    available = torch.get_num_threads()
    return max(1, available // min(available, MOST_WORKERS))


@contextmanager
def threads_as_in_a_worker() -> Iterator[None]:
    """In this process, as many threads as an experiment has in a worker."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads_of_each())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_side_by_side(waiting: Collection[Experiment], context: RunContext, workers: int) -> Iterator[Experiment]:
    """Runs experiments, each once those that it starts from are done; yields each as it ends.

    What one of them raises is raised here once the others that were running have ended; those not begun are dropped.
    """
    pool = _pool(workers)
    left, running = list(waiting), dict[Future, Experiment]()
    try:
        while left or running:
            blocked = {*left, *running.values()}
            ready = [experiment for experiment in left if blocked.isdisjoint(experiment.parents.values())]
            begun = ready[: workers - len(running)]  # no more, so that a child has its turn as soon as it can run
            left = [experiment for experiment in left if experiment not in begun]
            running |= {pool.submit(_run, experiment, context): experiment for experiment in begun}
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                experiment = running.pop(future)
                _result_of(future, experiment, running.values())
                yield experiment
    except Exception:
        _close()
        raise
    except BaseException:  # an interrupt, or the end of a generator that nobody reads: what runs can be resumed
        for process in multiprocessing.active_children():
            process.terminate()
        _close()
        raise


def _result_of(future: Future, experiment: Experiment, others: Collection[Experiment]) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        names = ", ".join(one.name for one in (experiment, *others))
        raise WorkerDied(
            f"a process that trained one of {names} died: memory ran out, or it was killed. Their last finished epochs "
            "are kept, and the same command goes on; with OMP_NUM_THREADS=1 it trains one at a time"
        ) from error


def _close() -> None:
    """Ends the worker processes after what they are running."""
    while _pools:
        _pools.popitem()[1].shutdown(wait=True, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    if workers not in _pools:
        _close()
        context = multiprocessing.get_context("spawn")
        _pools[workers] = ProcessPoolExecutor(workers, context, _begin, (threads_of_each(),))
    return _pools[workers]


def _begin(threads: int) -> None:
    """A worker's first act: its share of the cores, and a watch on its parent, without which it has no purpose.

    Interrupts go to every process of a terminal or kernel; the parent alone acts on them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    end_with_parent()


def _run(experiment: Experiment, context: RunContext) -> None:
    execution.run(experiment, context)
