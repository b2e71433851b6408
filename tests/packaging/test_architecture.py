"""Imports point downwards: a room knows those below it, never those above or beside it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "echolib"
FLOORS = (
    ("errors", "faces", "files", "frozen", "processes", "shapes", "server"),
    ("workspace", "geometry", "losses", "portable", "sealed"),
    ("metrics", "models", "provenance"),
    ("data", "report"),
    ("folders", "phantom", "engine"),
    ("tasks",),
    ("papers",),
    ("session", "runner"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PURE = ("geometry", "metrics", "losses", "models")  # tensors and arrays in, tensors and arrays out
DISK = {"pathlib", "os", "shutil", "tempfile", "echolib.files", "echolib.workspace"}
MODULES = sorted(ROOT.rglob("*.py"))


def imported(path: Path) -> list[tuple[str, str]]:
    """(module, name) for every import from the package, wherever in the file."""
    pairs = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            pairs += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            pairs += [(node.module, alias.name) for alias in node.names]
    return pairs


def room(module: str, name: str = "") -> str:
    parts = [*module.split("."), name]
    return parts[1] if len(parts) > 1 else ""


def is_face(module: str) -> bool:
    return (ROOT.parent / module.replace(".", "/") / "__init__.py").is_file()


def own_room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    assert {own_room(path) for path in MODULES} - {"__init__"} == set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_downwards(path):
    own = own_room(path)
    if own == "__init__":
        return
    upwards = [
        f"{module}.{name}"
        for module, name in imported(path)
        if module.partition(".")[0] == "echolib"
        and room(module, name) != own
        and FLOOR[room(module, name)] >= FLOOR[own]
    ]
    assert upwards == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_import_from_modules_not_from_faces(path):
    """Else a result would rest on the code of everything that a package's face shows."""
    if path.name == "__init__.py" or own_room(path) == "session":
        return
    taken = [
        f"from {module} import {name}"
        for module, name in imported(path)
        if module.startswith("echolib.") and is_face(module) and not is_module(f"{module}.{name}")
    ]
    assert taken == []


def is_module(module: str) -> bool:
    path = ROOT.parent / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize("path", [path for path in MODULES if own_room(path) in PURE], ids=lambda path: path.stem)
def test_mathematics_touches_no_disk(path):
    allowed = {"pretrained"}  # published weights lie in torch's own folder
    found = {module for module, _ in imported(path)} & DISK
    assert not found or path.stem in allowed


def test_only_notebooks_the_runner_the_session_and_the_command_line_know_a_paper():
    knowing = {own_room(path) for path in MODULES for module, name in imported(path) if room(module, name) == "papers"}
    assert knowing - {"papers"} <= {"session", "runner", "cli"}


def test_no_name_of_a_dataset_is_compared_above_the_data():
    names = {"camus", "echonet_dynamic", "echonet_lvh"}
    compared = []
    for path in MODULES:
        if own_room(path) in ("data", "phantom"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                constants = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                if constants & names:
                    compared.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert compared == []
