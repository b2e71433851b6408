"""What a notebook's stamp is made from."""

from pathlib import Path

import echolib.papers
from echolib.runner import stamp
from echolib.runner.notebook import find_notebooks

ROOT = Path(__file__).resolve().parents[2]
PAPERS = Path(echolib.papers.__file__).parent


def test_every_published_table_counts_also_where_two_papers_number_theirs_alike():
    (notebook,) = find_notebooks(ROOT / "notebooks", ["11"])
    hashes = stamp.code_hashes(notebook)
    for path in PAPERS.rglob("*.csv"):
        assert hashes[path.relative_to(PAPERS).as_posix()] == stamp.file_hash(path)
