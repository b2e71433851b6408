"""Tables as CSV, Markdown and LaTeX, formatted once."""

from pathlib import Path

import numpy as np
import pandas as pd

from echolib.files import write_text

HEADINGS = {
    "auc": "AUC",
    "dice": "Dice",
    "dice_mean": "Dice",
    "edv_ml": "EDV (mL)",
    "ef_percent": "EF (%)",
    "esv_ml": "ESV (mL)",
    "fps": "frames/s",
    "gm": "GM (EF points)",
    "mae": "MAE (EF points)",
    "n": "n",
    "r2": "R²",
    "rmse": "RMSE (EF points)",
    "threshold": "EF below (%)",
}
DECIMALS = {"auc": 3, "dice": 3, "gflop": 3, "r2": 3}
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "²": r"\textsuperscript{2}",
    "±": r"$\pm$",
    "–": "--",
}


def save_table(
    frame: pd.DataFrame,
    folder,
    name: str,
    caption: str = "",
    *,
    label: str | None = None,
    decimals: int | dict[str, int] | None = None,
    headings: dict[str, str] | None = None,
) -> Path:
    """Writes <name>.csv, <name>.md and <name>.tex, atomically, each number formatted once for all three; returns the
    path of the Markdown file.

    frame : an index with a name, or of text, becomes the first columns. In Markdown and LaTeX a metric with columns
        <metric>_low and <metric>_high reads "4.09 [3.95, 4.23]"; the CSV keeps the three columns. Columns called
        difference or <metric>_difference carry their sign. NaN is empty in the CSV and a dash elsewhere.
    label : the dataset that the numbers were measured on ("phantom", "CAMUS", ...), set as column "data" in each row
        that has none.
    decimals : of floats, one number or {metric: number}; others have 3 for Dice, R2 and AUC and 2 elsewhere. They hold
        for <metric>_low and the like, and for the rows of a metric where a column "metric" names it.
    headings : {column: heading with unit} beside the known ones.
    """
    folder, frame = Path(folder), _labelled(_with_index(frame), label)
    cells = pd.DataFrame({column: _format(frame, column, decimals) for column in frame})
    write_text(folder / f"{name}.csv", cells.to_csv(index=False, lineterminator="\n"))
    merged = _merge_intervals(cells)
    if "metric" in merged:
        merged["metric"] = [_heading(metric, headings or {}) for metric in merged["metric"]]
    titles = [_heading(column, headings or {}) for column in merged]
    numeric = [_is_number(frame[column]) for column in merged]
    rows = merged.to_numpy().tolist()
    write_text(folder / f"{name}.md", _markdown(titles, rows, numeric, caption))
    write_text(folder / f"{name}.tex", _latex(titles, rows, numeric, caption, name))
    return folder / f"{name}.md"


def _labelled(frame: pd.DataFrame, label: str | None) -> pd.DataFrame:
    """The frame with the label as column "data" in each row that has none."""
    if label is None:
        return frame
    given = frame["data"] if "data" in frame else pd.Series(None, index=frame.index, dtype=object)
    return frame.assign(data=given.astype(object).where(given.notna(), label))


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy whose index became columns, unless it only counts the rows; several levels of column names become one."""
    anonymous = all(level is None for level in frame.index.names)
    counts = anonymous and frame.index.nlevels == 1 and pd.api.types.is_integer_dtype(frame.index)
    frame = frame.reset_index(drop=bool(counts))
    names = ["_".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ValueError(f"columns named twice: {sorted({name for name in names if names.count(name) > 1})}")
    return frame.set_axis(names, axis=1)


def _decimals(name: str, decimals: int | dict[str, int] | None) -> int:
    """Of a column or metric: its own, else those of what its name begins with (r2_low: r2), else 2."""
    if isinstance(decimals, int):
        return decimals
    known = DECIMALS | (decimals or {})
    while name not in known and "_" in name:
        name = name.rpartition("_")[0]
    return known.get(name, 2)


def _format(frame: pd.DataFrame, column: str, decimals: int | dict[str, int] | None) -> list[str]:
    sign = "+" if column == "difference" or column.endswith("_difference") else ""
    names = frame["metric"] if "metric" in frame else [column] * len(frame)
    return [
        _cell(value, sign, _decimals(str(name), decimals)) for value, name in zip(frame[column], names, strict=True)
    ]


def _cell(value, sign: str, decimals: int) -> str:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        text = f"{value:{sign}.{decimals}f}"
        return text.lstrip("+-") if float(text) == 0 else text  # no -0.00
    return str(value)


def _merge_intervals(cells: pd.DataFrame) -> pd.DataFrame:
    cells = cells.copy()
    for column in list(cells):
        ends = [f"{column}_low", f"{column}_high"]
        if all(end in cells for end in ends):
            low, high = (cells[end] for end in ends)
            known = (cells[column] != "") & (low != "") & (high != "")
            cells[column] = cells[column].where(~known, cells[column] + " [" + low + ", " + high + "]")
            cells = cells.drop(columns=ends)
    return cells


def _heading(column: str, headings: dict[str, str]) -> str:
    known = HEADINGS | headings
    if column in known:
        return known[column]
    metric, _, suffix = column.rpartition("_")
    if metric in known and suffix in ("published", "difference", "low", "high", "sd"):
        return f"{known[metric].partition(' (')[0]} {suffix.replace('sd', 'SD')}"
    return column.replace("_", " ")


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _markdown(titles: list[str], rows: list[list[str]], numeric: list[bool], caption: str) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") or "–" for cell in cells) + " |"

    rule = "|" + "|".join("---:" if number else "---" for number in numeric) + "|"
    lines = [caption, ""] if caption else []
    return "\n".join([*lines, line(titles), rule, *(line(row) for row in rows)]) + "\n"


def _latex(titles: list[str], rows: list[list[str]], numeric: list[bool], caption: str, name: str) -> str:
    """A booktabs table."""

    def escape(text: str) -> str:
        return "".join(LATEX.get(character, character) for character in text.replace("\n", " "))

    def cell(text: str, number: bool) -> str:
        if not text:
            return "--"
        return escape(text).replace("-", "$-$") if number else escape(text)

    body = [" & ".join(map(cell, row, numeric)) + r" \\" for row in rows]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            *([rf"\caption{{{escape(caption)}}}"] if caption else []),
            rf"\label{{tab:{name}}}",
            rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numeric)}}}",
            r"\toprule",
            " & ".join(map(escape, titles)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
