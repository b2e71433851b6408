"""Whatever the package imports is declared, and what reads files is imported only where a file is read."""

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
OPTIONAL = {"ray", "ipywidgets"}  # imported inside a function, with the extras ray and lab


def imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_every_import_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    distributions = packages_distributions()
    missing = {}
    for path in sorted((ROOT / "echolib").rglob("*.py")):
        for name in imported(path) - set(sys.stdlib_module_names) - {"echolib", *OPTIONAL}:
            if not declared & {canonicalize_name(each) for each in distributions.get(name, [name])}:
                missing.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert missing == {}


def test_the_command_line_starts_without_torch_and_readers():
    """`echolib --help` and a study that is up to date must not wait for networks or decoders to load."""
    code = "import sys, echolib.cli; print(*sorted({'torch', 'av', 'cv2', 'pydicom', 'SimpleITK'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == []


def test_no_utils_module():
    assert [p for p in (ROOT / "echolib").rglob("*.py") if re.search(r"utils?|helpers?|misc|common", p.stem)] == []
