"""What results say, in sentences with their numbers, whichever way they fall."""

from collections.abc import Iterable

import pandas as pd

WORDS = {
    "supported": "**Supported.**",
    "opposite": "**The opposite.**",
    "equivalent": "**Equivalent.**",
    "open": "**Open.**",
}
REASONS = {
    "supported": "the whole interval lies on the side that was claimed",
    "opposite": "the whole interval lies on the other side",
    "equivalent": "the whole interval lies within the margin that matters to nobody",
    "open": "the interval holds both sides; {smallest:.2g} would have been found four times in five",
}


def claims_in_words(tables: Iterable[pd.DataFrame | None]) -> str:
    """A Markdown list with a sentence for every claim of tables as `claims_table` makes them; None is left out."""
    rows = [row for table in tables if table is not None for row in table.to_dict("records")]
    return "\n".join(f"- {_sentence(row)}" for row in rows)


def _sentence(row: dict) -> str:
    claim, verdict = str(row["claim"]), str(row["verdict"])
    claim = claim[:1].upper() + claim[1:]
    if verdict not in WORDS:
        return f"**Not testable.** {claim}: {verdict.removeprefix('not testable: ')}."
    interval = f"{row['difference']:+.3g} [{row['difference_low']:+.3g}, {row['difference_high']:+.3g}]"
    where = f", {row['condition']}" if row.get("condition") else ""
    numbers = f"{interval} {row['quantity']}{where}; {row['n']} test items, {row['seeds']} seeds"
    return f"{WORDS[verdict]} {claim}: {numbers}; {REASONS[verdict].format(**row)}."
