"""Whatever happens to a file: it is detected, changes nothing, or is a listed limit of its format."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import SHARES, is_fault, spread, summary
from tests.fuzz.corruptions import BYTES, LARGEST, TEXT, Corruption
from tests.fuzz.targets import TARGETS
from tests.fuzz.verdicts import BARE, DETECTED, HANG, SAME, SILENT, Pristine, Target, Trial, digest, patience

EVERY = [target for targets in TARGETS.values() for target in targets]
MADE: dict[str, Pristine] = {}


def corruptions(kinds: tuple[str, ...]) -> st.SearchStrategy[Corruption]:
    """Every corruption of these kinds."""
    place = st.floats(0, 1, exclude_max=True)
    return st.builds(Corruption, st.sampled_from(kinds), place, st.integers(1, LARGEST), st.integers(0, 2**31 - 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("target", EVERY, ids=lambda target: target.name)
def test_no_corruption_is_silent_bare_or_hung(target, folder):
    if target.name not in MADE:
        MADE[target.name] = Pristine.of(target, folder / f"target{EVERY.index(target)}")
    pristine = MADE[target.name]
    kinds = tuple(sorted({kind for file in range(len(target.paths(pristine.folder))) for kind in pristine.kinds(file)}))

    @settings(max_examples=12, deadline=None, database=None, derandomize=True)
    @given(file=st.integers(0, 99), corruption=corruptions(kinds))
    def check(file, corruption):
        trial = pristine.attempt(file, corruption)
        assert not is_fault(trial), trial

    check()


@settings(database=None, derandomize=True, deadline=None)
@given(content=st.binary(max_size=300), corruption=corruptions(BYTES + TEXT))
def test_corruptions_work_on_any_content(content, corruption):
    assert isinstance(corruption.apply(content), bytes)


def test_each_kind_of_corruption_does_what_it_says():
    content = b"a,1\nb,2\nc,3\n"
    made = {kind: Corruption(kind, 0.4, 1, 5).apply(content) for kind in BYTES + TEXT}
    assert sum(x != y for x, y in zip(made["flip"], content, strict=True)) == 1
    assert made["cut"] == content[:4] and made["delete"] == content[:4] + content[5:]
    assert made["swap"] == b"a,1\n,b2\nc,3\n" and made["repeat"] == b"a,1\nbb,2\nc,3\n"
    assert made["drop line"] == b"a,1\nc,3\n" and made["repeat line"] == b"a,1\nb,2\nb,2\nc,3\n"
    assert made["drop field"] == b"a,1\nb\nc,3\n" and made["comma"] == b"a,1\nb,2,\nc,3\n"
    assert made["digit"] == b"a,1\nb,5\nc,3\n" and made["word"] == b"a,1\nb,../x\nc,3\n"
    assert len(made["append"]) == len(made["insert"]) == len(content) + 1


def test_verdicts_are_told_apart(tmp_path):
    """A reader that trusts what it is given is found out."""

    def target(read):
        return Target("t", lambda folder: (folder.mkdir(), (folder / "a.txt").write_text("word")), read, ("*.txt",))

    def judged(read):
        trial = Pristine(target(read), tmp_path / "made", "word", 0).attempt(0, Corruption("cut", 0.5, 1, 0))
        return trial.verdict

    def say(copy):
        warnings.warn("something is different", stacklevel=1)
        return (copy / "a.txt").read_text()

    def wait(copy):
        with patience(0.01):
            while True:
                pass

    target(None).make(tmp_path / "made")
    assert judged(lambda copy: (copy / "a.txt").read_text()) == SILENT
    assert judged(lambda copy: "word") == SAME
    assert judged(lambda copy: 1 / 0) == BARE
    assert judged(wait) == HANG and judged(say) == DETECTED
    assert digest("a", "b") != digest("ab")
    fault = Trial("half a store", "f", Corruption("cut", 0, 1, 0), BARE)
    assert is_fault(fault) and "| half a store | 1 | 0 | 0 | 0 | 1 | 0 |" in summary([fault])
    assert not is_fault(Trial("half a store", "f", fault.corruption, DETECTED))


def test_a_campaign_is_spread_over_everything():
    assert SHARES.keys() == TARGETS.keys() and sum(SHARES.values()) == 100
    assert {target.name for target in spread(400)} == {target.name for target in EVERY}
