"""Arithmetic that many machines share: the environment in which a process computes the same bits on each of them.

Libraries choose their kernels by what a processor offers, and share sums among as many threads as it has cores; the
last bits of a result differ with both. What is set here brings them down to the kernels that every x86-64 processor
with AVX2 and FMA has, on one thread. Libraries read it as they are loaded: it is set for processes yet to be started,
or before numpy and torch are imported.

What it does not reach: the C library's `exp` and `pow` (in glibc of one code since 2.28), and how oneDNN, in trainings
alone, cuts convolutions into blocks by the size of the processor's caches.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from echolib.errors import UserError

REFERENCE, LOCAL = "x86-64 AVX2", "this machine's"  # what bytes rest on: kernels that many machines share, or their own
CORES = "ECHOLIB_CORES"  # on how many cores trainings run side by side, where each of them has one thread

VARIABLES: Mapping[str, str | None] = {  # None: unset
    # torch's own kernels, and its normal random numbers: scalar, AVX2 or AVX-512
    "ATEN_CPU_CAPABILITY": "avx2",
    # MKL in torch: exp, log, sqrt and matrix products. Only this branch is the same on processors of every maker: MKL
    # takes AVX2 on those of Intel alone.
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": None,
    # oneDNN in torch: convolutions of trainings
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": None,
    "ONEDNN_DEFAULT_FPMATH_MODE": None,
    "DNNL_DEFAULT_FPMATH_MODE": None,
    # numpy's exp, log, pow and sin: with AVX-512 its own, else the C library's. To enable what all have disables the
    # rest; to disable AVX-512 by name warns on a machine without it.
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "NPY_DISABLE_CPU_FEATURES": None,
    # matrix products of numpy and scipy
    "OPENBLAS_CORETYPE": "Haswell",
    # sums are cut by the number of threads
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # could take FMA away from the C library
    "GLIBC_TUNABLES": None,
}


def is_supported() -> bool:
    """Whether this machine has what the shared arithmetic needs: Linux on x86-64 with AVX2 and FMA."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    return os.uname().machine == "x86_64" and {"avx2", "fma"} <= set(flags)


def is_portable(device: str = "cpu") -> bool:
    """Whether what this process computes on a device is the same on every machine that `is_supported`."""
    if device != "cpu" or any(os.environ.get(name) != value for name, value in VARIABLES.items()):
        return False
    import torch

    return torch.backends.cpu.get_cpu_capability() == "AVX2"  # else the environment was set too late


def cores() -> int:
    """How many processes of one thread each this process may keep busy: ECHOLIB_CORES or OMP_NUM_THREADS where one is
    set, else the cores it may run on."""
    set_by_hand = os.environ.get(CORES) or os.environ.get("OMP_NUM_THREADS", "")
    if set_by_hand.isdigit():
        return max(1, int(set_by_hand))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def child_environment() -> dict[str, str]:
    """The environment of this process with the shared arithmetic, for a process to be started."""
    changed = {**os.environ, **VARIABLES, CORES: str(cores())}
    return {name: value for name, value in changed.items() if value is not None}


@contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Sets environment variables (None unsets one) that processes started inside inherit, and puts them back."""
    before = {name: os.environ.get(name) for name in variables}

    def put(values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    put(variables)
    try:
        yield
    finally:
        put(before)


def shared_arithmetic(wanted: bool) -> AbstractContextManager[None]:
    """A context in which, where it is wanted, the shared arithmetic holds for all processes started, and for this one
    if it has loaded neither numpy nor torch; they compute on the CPU. Raises UserError where the machine lacks it.
    """
    if not wanted:
        return nullcontext()
    if not is_supported():
        raise UserError("--portable needs Linux on an x86-64 processor with AVX2 and FMA, and this machine is not that")
    return environment(**VARIABLES, **{CORES: str(cores()), "CUDA_VISIBLE_DEVICES": ""})
