"""Validated descriptions that nothing changes after they were made."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A validated description: unknown fields are refused, nothing changes after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
