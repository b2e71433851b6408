"""The list of guards stays true: each one is still in the code, and its tests are there."""

from pathlib import Path

import pytest

from tests.mutants.guards import GUARDS
from tests.mutants.run import ROOT


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_is_where_it_is_said_to_be(guard):
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    without = guard.removed_from(source)
    assert without != source
    compile(without, guard.file, "exec")
    assert guard.tests and all((ROOT / test.partition("::")[0]).exists() for test in guard.tests)


def test_names_are_unique_and_the_table_is_of_these_guards():
    names = [guard.name for guard in GUARDS]
    assert len(set(names)) == len(names) >= 40
    table = (Path(__file__).parent / "TABLE.md").read_text(encoding="utf-8")
    assert [line.split(" | ")[0][2:] for line in table.splitlines() if line.startswith("| ")][1:] == names
    assert "no test" not in table
