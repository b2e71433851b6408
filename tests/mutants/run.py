"""Removes one guard after another from a copy of the package and asks the tests whether they miss it.

    python -m tests.mutants.run [--only WORDS] [--report FILE]

A guard is a few lines of code (`guards.GUARDS`), what stands in their place without it, and the tests that should fail
then. Exits with 1 where one is not missed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.guards import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[2]
NO_TEST = "**no test**"
PATIENCE = 600  # seconds
COPIED = ("echolib", "tests", "notebooks", "pyproject.toml", "jupyter_server_config.py", "Makefile", ".gitignore")


def copy_of_the_project(folder: Path) -> Path:
    """All that the tests need, where it may be changed."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    return folder


_passing: set[tuple[str, ...]] = set()  # tests that were seen to pass with every guard in its place


def caught_by(guard: Guard, project: Path) -> str:
    """The first test that fails without the guard; "" where none does. Raises SystemExit where they fail with it."""
    if guard.tests not in _passing:
        if failed := _first_failure(guard, project):
            raise SystemExit(f"{guard.name}: {failed} fails although the guard is there")
        _passing.add(guard.tests)
    path = project / guard.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(guard.removed_from(whole), encoding="utf-8")
    try:
        return _first_failure(guard, project)
    finally:
        path.write_text(whole, encoding="utf-8")


def _first_failure(guard: Guard, project: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *guard.tests]
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    options = {"cwd": project, "env": environment, "capture_output": True, "text": True, "timeout": PATIENCE}
    try:
        run = subprocess.run(command, check=False, **options)
    except subprocess.TimeoutExpired:
        return f"the tests of {guard.tests[0].rpartition('/')[2]}, which hang"
    if run.returncode == 0:
        return ""
    lines = [line for line in run.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if run.returncode != 1 or not lines:
        raise SystemExit(f"{guard.name}: the tests could not be run:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return lines[0].split()[1].partition("[")[0].rpartition("/")[2]


def main() -> int:
    """Runs all guards, or those whose names hold some words; keeps the table after each of them."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", default="")
    asked.add_argument("--report", type=Path)
    words = asked.parse_args()
    rows = _rows_of(words.report)
    with tempfile.TemporaryDirectory() as scratch:
        project = copy_of_the_project(Path(scratch))
        for guard in (guard for guard in GUARDS if words.only in guard.name):
            began = time.monotonic()
            test = caught_by(guard, project)
            rows[guard.name] = f"| {guard.name} | `{guard.file}` | {f'`{test}`' if test else NO_TEST} |"
            print(f"{time.monotonic() - began:5.0f} s  {guard.name}: {test or 'NOT MISSED'}", flush=True)
            if words.report:
                words.report.write_text(_table(rows), encoding="utf-8")
    return int(any(NO_TEST in row for row in rows.values()))


def _rows_of(report: Path | None) -> dict[str, str]:
    """Guard -> its row in a table written before, which only the guards that run now replace."""
    if report is None or not report.is_file():
        return {}
    lines = [line for line in report.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {line.split(" | ")[0][2:]: line for line in lines[1:]}


def _table(rows: dict[str, str]) -> str:
    listed = [rows[guard.name] for guard in GUARDS if guard.name in rows]
    missed = sum(NO_TEST not in row for row in listed)
    head = [f"{len(listed)} guards removed one by one, {missed} missed by a test.", ""]
    return "\n".join([*head, "| guard | file | missed by |", "|---|---|---|", *listed]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
