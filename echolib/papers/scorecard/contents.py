"""The notebook of the scorecard, and what it shows."""

from echolib.papers.exhibits import Paper
from echolib.papers.scorecard import tables

PAPER = Paper(title="All four", notebooks={"90_scorecard": (tables.SUMMARY, tables.OUTCOMES, tables.CLAIMS)})
