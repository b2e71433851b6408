"""What experiments on the phantom predicted for each test item, published beside the reports of a profile.

They lie in reports/PROFILE/predictions/, once each, however many notebooks show them: what lies there follows from the
records of the notebooks alone, in whichever order they ran. Of experiments on data that a researcher gave, nothing is
published.
"""

import os
from pathlib import Path

import pandas as pd

from echolib.errors import UserError
from echolib.files import write_text
from echolib.metrics.ejection import mae
from echolib.provenance import read_record
from echolib.runner.stamp import file_hash

PREDICTIONS = "predictions"  # in the folder of a profile's reports
DECIMALS = 3
# which no table groups by, or which say the same in each row
LEFT_OUT = ("split", "frame", "frames", "fps", "clips", "row_mm", "column_mm", "scale")
FEATURE = "f0"  # the first column of a table of features: no predictions, and large


def publish_predictions(report: Path, runs: Path) -> dict[str, str]:
    """Writes the predictions of the simulated experiments that a published report names, and removes those that no
    report of the profile names any more.

    Returns path, from the report's folder, -> hash of each, for the report's stamp.
    """
    folder, made = report.parent / PREDICTIONS, {}
    for partial in folder.glob(".*.partial"):
        partial.unlink(missing_ok=True)
    for name, run in simulated(report).items():
        if (text := as_published(_read(runs / run / "predictions.csv"))) is not None:
            write_text(folder / f"{name}.csv", text)
            made[os.path.relpath(folder / f"{name}.csv", report)] = file_hash(folder / f"{name}.csv")
    named = {name for other in report.parent.glob("*/record.json") for name in simulated(other.parent)}
    for path in folder.glob("*.csv"):
        if path.stem not in named:
            path.unlink()
    return made


def simulated(report: Path) -> dict[str, str]:
    """Experiment -> its folder below runs/, of those in a report's record that were trained and measured on the phantom
    alone. What a record does not say to be simulated is not."""
    try:
        experiments = read_record(report / "record.json").get("experiments", {})
    except FileNotFoundError:  # a notebook that records nothing
        return {}
    return {name: facts["folder"] for name, facts in experiments.items() if facts.get("simulated") is True}


def as_published(predictions: pd.DataFrame) -> str | None:
    """The text of the published file: rounded, without columns that no table needs; None for features, or no rows."""
    if FEATURE in predictions or predictions.empty:
        return None
    table = predictions.drop(columns=[name for name in LEFT_OUT if name in predictions])
    table = table.dropna(axis="columns", how="all")
    if "person" in table and (table["name"].str.partition("_")[0] == table["person"]).all():
        table = table.drop(columns="person")  # a name begins with it
    for name in map(str, table.select_dtypes("float")):
        table[name] = table[name].round(DECIMALS) + 0.0  # no -0.000
    return table.to_csv(index=False, lineterminator="\n", float_format=f"%.{DECIMALS}f")


def read_predictions(reports: Path, experiment: str) -> pd.DataFrame:
    """What an experiment predicted, from the published reports of a profile. Raises UserError where it is not there."""
    path = reports / PREDICTIONS / f"{experiment}.csv"
    if not path.is_file():
        raise UserError(f"no {path}: this experiment was not on the phantom alone, or no report here shows it")
    return _read(path)


def recomputed_mae(reports: Path, notebook: str, table: str, column: str = "prediction") -> pd.Series:
    """MAE (EF points) of each row of a table, the mean over its seeds, from published files alone.

    reports: reports/PROFILE; column: which of the predictions, such as "one_clip". Raises UserError where the record
    names no such table, or predictions are not there.
    """
    rows = read_record(reports / notebook / "record.json").get("rows", {})
    if table not in rows:
        raise UserError(
            f"the record of {notebook} names no experiments of {table}: it names {', '.join(rows) or 'none'}"
        )
    errors = {}
    for row, experiments in rows[table].items():
        tables = [read_predictions(reports, experiment) for experiment in experiments]
        errors[row] = sum(mae(one["label"].to_numpy(), one[column].to_numpy()) for one in tables) / len(tables)
    return pd.Series(errors, name="mae", dtype=float)


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"name": str, "person": str})
