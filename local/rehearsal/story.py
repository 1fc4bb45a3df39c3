"""The story of a rehearsal, read from YAML: which models are trained, which are released, and how each act should end.

It is data. It must never run anything.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from local.faults import parse_all
from local.rehearsal.problems import RehearsalError

Outcome = Literal["created", "promoted", "rolled_back", "inconclusive", "failed"]
Expected = Literal["created", "promoted", "rolled_back", "inconclusive", "failed", "untouched"]


def _faults(given: Any) -> tuple[str, ...]:
    """One fault, or several in a list or with commas between them, each as its text. Raises FaultError."""
    texts = [given] if isinstance(given, str) else given
    return tuple(str(fault) for text in texts for fault in parse_all(text))


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Release(_Frozen):
    """One stage a package is released to, and how that should end; untouched: it must not get that far."""

    stage: str
    endpoint: str
    expect: Expected


class Act(_Frozen):
    """A model trained with these pipeline parameters, and what follows when it passes the pipeline's condition."""

    title: str
    tells: str
    parameters: Mapping[str, str] = {}
    expect_pipeline: Literal["Succeeded", "Failed"] = "Succeeded"
    fault: Annotated[tuple[str, ...], BeforeValidator(_faults)] = ()
    releases: tuple[Release, ...] = ()


class Traffic(_Frozen):
    """Where the requests come from: rows of an output of a pipeline step, sent as CSV with a header."""

    step: str
    output: str
    drop: tuple[str, ...]
    requests_per_minute: int = Field(gt=0)


class Story(_Frozen):
    """A whole rehearsal. Commands are the project's own; {…} stand for values the rehearsal knows."""

    title: str
    speed: float = Field(gt=0)
    bucket: str
    model_package_group: str
    environment: Mapping[str, str]
    check: str
    prepare: tuple[str, ...]
    train: str
    deploy: str
    traffic: Traffic
    acts: tuple[Act, ...]


def read(path: Path) -> Story:
    """The story in a file. Raises RehearsalError that says what is wrong where."""
    try:
        return Story.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise RehearsalError(f"the story {path} cannot be read: {error.strerror}", 2) from error
    except yaml.YAMLError as error:
        raise RehearsalError(f"the story {path} is not YAML: {error}", 2) from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise RehearsalError(f"the story {path}: {wrong}", 2) from error
