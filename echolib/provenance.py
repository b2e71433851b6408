"""What a record says of how its numbers came about: the code, the versions, the device, the cost."""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from echolib.errors import UserError
from echolib.portable import is_portable

_RECORDED = ("numpy", "pandas", "scikit-learn", "torch", "torchvision")


def commit(home: Path) -> str:
    """The commit the home folder is at, with "+" where the code or the notebooks differ from it; "" without git."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(home), *words], capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--", "echolib", "notebooks")
        return git("rev-parse", "HEAD").strip() + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def read_record(path: Path) -> dict[str, Any]:
    """What a notebook has recorded, its record.json. Raises UserError where the file is damaged, OSError where it is
    missing."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict):
            return record
        reason = "it holds no record"
    except ValueError as error:
        reason = str(error)
    raise UserError(f"{path} is damaged ({reason}): delete it, and the next study makes it again")


def versions() -> dict[str, str]:
    """Python and the libraries that numbers depend on most."""
    return {"python": platform.python_version(), **{name: version(name) for name in _RECORDED}}


def best_device() -> str:
    """The device experiments run on: "cuda" where there is one, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name(device: str) -> str:
    """What a person calls the device."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    if is_portable(device):
        return "CPU (portable arithmetic, one thread per training)"
    return f"CPU ({torch.get_num_threads()} threads)"


def peak_memory_mib(device: str) -> int:
    """The most memory this process has held, in MiB: on the GPU where it computes there, else on the host."""
    import torch

    if device.startswith("cuda"):
        return round(torch.cuda.max_memory_allocated(device) / 2**20)
    try:
        import resource
    except ImportError:  # Windows has no such counter
        return 0
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
