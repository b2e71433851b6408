"""Numbers as printed: every file holds numbers, none of them missing in a column that is only numbers."""

from pathlib import Path

import pytest

from echolib.papers.published import published

FILES = sorted((Path(__file__).resolve().parents[2] / "echolib" / "papers").glob("*/published/*.csv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_published_table_is_numbers(path):
    numbers = published(path.parent.parent.name, path.stem).select_dtypes("number")
    assert len(numbers) and len(numbers.columns)
    assert numbers.notna().any(axis=1).all()


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"table_9\.csv"):
        published("tca", "table_9")
