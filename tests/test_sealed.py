"""Sealed JSON: read as it was written, or refused."""

import json

import pytest

from echolib.files import write_json
from echolib.sealed import BrokenSeal, read_sealed, sealed, unsealed, write_sealed

CONTENT = {"name": "café", "ef": 55.25, "frames": [1, 2, 3], "nested": {"a": None, "b": True}}


def test_what_was_written_is_read(tmp_path):
    write_sealed(tmp_path / "a.json", CONTENT)
    assert read_sealed(tmp_path / "a.json") == CONTENT


@pytest.mark.parametrize("other", ["56.25", "55.250001", '"55.25"', "null"])
def test_another_value_is_refused(tmp_path, other):
    path = tmp_path / "a.json"
    write_sealed(path, CONTENT)
    path.write_text(path.read_text().replace("55.25", other))
    with pytest.raises(BrokenSeal, match="not as it was written"):
        read_sealed(path)


def test_what_has_no_seal_is_refused():
    for content in (CONTENT, [], None, "text"):
        with pytest.raises(BrokenSeal, match="no seal"):
            unsealed(content)
    with pytest.raises(BrokenSeal):
        unsealed(sealed(CONTENT) | {"more": 1})


def test_numbers_that_are_not_finite_become_null(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"best": float("inf"), "worst": [float("-inf"), (float("nan"), 1.5)]})

    def refuse(word):
        raise AssertionError(word)

    assert json.loads(path.read_text(), parse_constant=refuse) == {"best": None, "worst": [None, [None, 1.5]]}
    write_sealed(path, {"best": float("inf")})
    assert read_sealed(path) == {"best": None}
