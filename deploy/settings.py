"""What every section of a stage's file is made of: frozen models whose keys carry their meaning and limit."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(description: str, *, example: object, limit: str = "", **rules: Any) -> Any:
    """A key of the stage file: what it means, a value to write, and the limit in words (with its source)."""
    return Field(description=description, examples=[example], json_schema_extra={"limit": limit}, **rules)


class Settings(BaseModel):
    """A section of the stage file: nothing may be changed after loading, and no unknown key passes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def seconds(minutes: float) -> int:
    """Minutes of a stage file as the whole seconds that AWS takes."""
    return round(minutes * 60)
