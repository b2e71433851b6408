"""The bytes of a small phantom: those that were committed, on this machine and where it is made to look other."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from echolib.files import file_sha256
from echolib.phantom import write_phantom
from echolib.phantom.writers.datasets import VERSION
from echolib.portable import LOCAL, REFERENCE, is_supported

ROOT = Path(__file__).parents[2]
COMMITTED = Path(__file__).parent / "reference.sha256"
ITEMS = {"echonet_dynamic": 3, "camus": 1, "echonet_lvh": 2}
RENEW = """
The phantom's bytes are not those committed. If its code was changed on purpose, raise VERSION in
echolib/phantom/writers/datasets.py and write the hashes anew:
    python -m tests.phantom.test_reference
If it was not, a library has been updated, or this machine computes otherwise: see echolib/portable.py."""

needs_the_arithmetic = pytest.mark.skipif(not is_supported(), reason="this machine has no AVX2 and FMA")


def hashes(folder: Path) -> list[str]:
    """The version, and the hash of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}" for path in files)
    return [f"VERSION {VERSION}", *lines]


def write_reference(folder: Path) -> Path:
    """The phantom that the committed hashes are of."""
    return write_phantom(folder, ITEMS, seed=5, progress=False)


def differing(folder: Path) -> list[str]:
    """The lines in which a phantom differs from the committed one."""
    return sorted(set(hashes(folder)) ^ set(COMMITTED.read_text().splitlines()))


@needs_the_arithmetic
def test_every_byte_is_the_committed_one(tmp_path):
    folder = write_reference(tmp_path / "phantom")
    assert json.loads((folder / "phantom.json").read_text())["arithmetic"] == REFERENCE
    assert differing(folder) == [], RENEW
    names = {line.split()[1] for line in hashes(folder)}
    assert {"EchoNet-Dynamic/FileList.csv", "EchoNet-LVH/MeasurementsList.csv", "truth/CAMUS_volumes.csv"} < names


def written_elsewhere(folder: Path, script: str, machine: dict[str, str]) -> Path:
    """A phantom written by a process that was started as on another machine."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **machine}
    script = f"import sys\nfrom pathlib import Path\n{script}"
    script += "\nfrom tests.phantom.test_reference import write_reference\nwrite_reference(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, env=environment, cwd=ROOT)
    return folder


@needs_the_arithmetic
@pytest.mark.parametrize(
    "machine",
    [
        {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "3", "MKL_CBWR": "AVX2"},
        {
            "NPY_DISABLE_CPU_FEATURES": "X86_V4",
            "OPENBLAS_CORETYPE": "Prescott",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA",
        },
    ],
    ids=["no vector units, three threads", "no AVX-512 in numpy and no FMA in the C library"],
)
def test_another_machine_writes_the_same_bytes(machine, tmp_path):
    assert differing(written_elsewhere(tmp_path / "phantom", "", machine)) == [], RENEW


@needs_the_arithmetic
def test_without_the_shared_arithmetic_bytes_are_other_and_the_phantom_says_so(tmp_path):
    alone = "from echolib.phantom.writers import shared_arithmetic\nshared_arithmetic.is_supported = lambda: False"
    folder = written_elsewhere(tmp_path / "phantom", alone, {"ATEN_CPU_CAPABILITY": "default"})
    assert json.loads((folder / "phantom.json").read_text())["arithmetic"] == LOCAL
    assert any(line.endswith(".avi") for line in differing(folder))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        COMMITTED.write_text("\n".join(hashes(write_reference(Path(made) / "phantom"))) + "\n")
