"""Numbers as printed in the papers."""

from importlib.resources import files

import pandas as pd


def published(paper: str, table: str) -> pd.DataFrame:
    """A table of numbers as printed: one of the files in `papers/<paper>/published`, without its suffix."""
    with (files("echolib.papers") / paper / "published" / f"{table}.csv").open() as file:
        return pd.read_csv(file)
