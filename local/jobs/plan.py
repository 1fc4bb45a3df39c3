"""What running a job comes down to, decided before anything is touched, and what this stand-in does not offer.

A plan is data: files to write, prefixes to download, a command to run, folders to upload. /opt/ml is the job's folder:
commands and variables that name it are rewritten, so no script may hard-code it. It must never do what it says.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from local.context import Request
from local.jobs.job import JobError

HOST = "algo-1"
ROOT = PurePosixPath("/opt/ml")
_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w-])")
_PYTHON = re.compile(r"(.*/)?python(3(\.\d+)?)?")


@dataclass(frozen=True)
class Download:
    """Every object of an S3 prefix, into a folder."""

    uri: str
    folder: Path


@dataclass(frozen=True)
class Upload:
    """A folder's files, to an S3 prefix; or as one archive named `archive` under it, when it holds anything."""

    folder: Path
    uri: str
    archive: str | None = None


@dataclass(frozen=True)
class Plan:
    """All of a job. `source` is a sourcedir.tar.gz that is unpacked in the working directory."""

    files: Mapping[Path, str]
    folders: tuple[Path, ...]
    downloads: tuple[Download, ...]
    source: str | None
    command: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: Path
    uploads: tuple[Upload, ...]


def rewrite(value: Any, folder: Path) -> Any:
    """The same JSON value with /opt/ml, where it starts a path, replaced by the job's folder."""
    if isinstance(value, str):
        return _OPT_ML.sub(lambda _: str(folder), value)
    if isinstance(value, dict):
        return {key: rewrite(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [rewrite(item, folder) for item in value]
    return value


def local_folder(path: str, folder: Path, what: str) -> Path:
    """Where a LocalPath of a processing job lies here. Raises JobError when it is not under /opt/ml/processing."""
    parts = PurePosixPath(path)
    if not parts.is_relative_to(ROOT / "processing") or ".." in parts.parts:
        raise JobError(f"{what}: LocalPath {path} is not under /opt/ml/processing, which SageMaker demands.")
    return folder / parts.relative_to(ROOT)


def command(entrypoint: list[str], arguments: list[str], folder: Path) -> tuple[str, ...]:
    """The process to start: `python` and `python3` become this interpreter, /opt/ml the job's folder."""
    first, *rest = rewrite([*entrypoint, *arguments], folder)
    return (sys.executable if _PYTHON.fullmatch(first) else first, *rest)


def base_environment(folder: Path, path: str, home: Path) -> dict[str, str]:
    """A container's clean environment. OpenMP must not spin: other jobs share the cores."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{path}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def check_offered(request: Request) -> None:
    """Raises JobError when the job asks for something that would not behave here as it does on SageMaker."""
    for path, value in _members(request, ""):
        member = path.rpartition(".")[2]
        if member in _MEMBERS_NOT_OFFERED or value in _VALUES_NOT_OFFERED.get(member, ()):
            raise JobError(f"{path} = {value} is not offered here: jobs read S3Prefix data in File mode, uncompressed.")
        if member == "InstanceCount" and value != 1:
            raise JobError(f"{path} is {value}: a job runs on one host here; set it to 1.")


_MEMBERS_NOT_OFFERED = ("DatasetDefinition", "FeatureStoreOutput", "FileSystemDataSource", "DatasetSource")
_VALUES_NOT_OFFERED = {
    "S3DataType": ("ManifestFile", "AugmentedManifestFile", "Converse"),
    "S3InputMode": ("Pipe",),
    "InputMode": ("Pipe",),
    "TrainingInputMode": ("Pipe",),
    "S3CompressionType": ("Gzip",),
    "CompressionType": ("Gzip", "NONE"),
    "RecordWrapperType": ("RecordIO",),
}


def _members(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _members(item, f"{path}[{index}]")]
    if not isinstance(value, dict) or path in ("HyperParameters", "Environment"):
        return []
    prefix = f"{path}." if path else ""
    here = [(prefix + key, item) for key, item in value.items()]
    return here + [found for key, item in value.items() for found in _members(item, prefix + key)]
