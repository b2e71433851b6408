"""The anatomy knows no scanner, and neither knows a dataset's format."""

import ast
from pathlib import Path

import pytest

import echolib.phantom

PHANTOM = Path(echolib.phantom.__file__).parent


def imported(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(("room", "above"), [("anatomy", ("scanner", "writers")), ("scanner", ("writers",))])
def test_imports_point_downwards(room, above):
    modules = list((PHANTOM / room).glob("*.py"))
    assert len(modules) > 5
    for path in modules:
        for other in above:
            assert not any(name.startswith(f"echolib.phantom.{other}") for name in imported(path)), path.name
