"""What is imported is declared, what is declared is used, and what reads files is imported only to read a file."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OPTIONAL = {"ipywidgets", "jupyterlab", "jupyter_server"}  # imported inside a function, with the extra lab
NOT_IMPORTED = {  # what is declared for another use, and which
    "ipykernel": "runs the notebooks",
    "pylibjpeg": "found by pydicom",
    "pylibjpeg-libjpeg": "found by pylibjpeg",
    "pytest-xdist": "found by pytest",
    "pytest-cov": "found by pytest",
    "nbval": "found by pytest",
    "ruff": "a program",
    "pyrefly": "a program",
    "uv": "a program",
    "setuptools": "builds the project",
}


def imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names


def names(requirements: list[str]) -> set[str]:
    """Canonical names of the distributions that requirements ask for."""
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def test_every_import_is_a_declared_dependency():
    declared = names(PROJECT["dependencies"])
    distributions = packages_distributions()
    missing = {}
    for path in sorted((ROOT / "echolib").rglob("*.py")):
        for name in imported(path) - set(sys.stdlib_module_names) - {"echolib", *OPTIONAL}:
            if not declared & {canonicalize_name(owner) for owner in distributions.get(name, [name])}:
                missing.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert missing == {}


def imported_below(*folders: str) -> set[str]:
    """Names of the distributions that hold what the modules of some folders import."""
    modules = set().union(*(imported(path) for folder in folders for path in (ROOT / folder).rglob("*.py")))
    distributions = packages_distributions()
    return {canonicalize_name(name) for module in modules for name in distributions.get(module, [module])}


def test_every_declared_dependency_is_imported():
    """The project's own by the package, those of its extras by the package or the tests."""
    extras = set().union(*map(names, PROJECT["optional-dependencies"].values()))
    unused = (names(PROJECT["dependencies"]) - imported_below("echolib")) | (
        extras - imported_below("echolib", "tests")
    )
    assert unused == set(NOT_IMPORTED)


def test_the_command_line_starts_without_torch_and_readers():
    """`echolib --help` and a wrong argument must not wait for networks, tables or decoders to load."""
    slow = {"torch", "pandas", "scipy", "av", "cv2", "pydicom", "SimpleITK", "nbformat", "jsonschema", "papermill"}
    code = f"import sys, echolib.cli, echolib.runner.request; print(*sorted({slow} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == []


def test_no_utils_module():
    assert [p for p in (ROOT / "echolib").rglob("*.py") if re.search(r"utils?|helpers?|misc|common", p.stem)] == []
