"""The code of `steps/`, packed so that the same files always have the same name.

The name is a hash of the content, so that a definition changes only when the code does, step caching keeps working, and
what an approved package was trained with is never overwritten. It never uploads anything.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STEPS = Path(__file__).parent.parent / "steps"


@dataclass(frozen=True)
class Source:
    """`files`: every script by name; `archive`: the same as sourcedir.tar.gz, as script mode takes it."""

    files: Mapping[str, bytes]
    archive: bytes
    digest: str

    @property
    def prefix(self) -> str:
        """Where it lies in the artefact bucket."""
        return f"code/{self.digest}"

    def objects(self) -> dict[str, bytes]:
        """What to upload: S3 key to content."""
        scripts = {f"{self.prefix}/scripts/{name}": content for name, content in self.files.items()}
        return {**scripts, f"{self.prefix}/sourcedir.tar.gz": self.archive}


def pack(folder: Path = STEPS) -> Source:
    """The Python files of a folder. Raises FileNotFoundError when there are none."""
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*.py"))}
    if not files:
        raise FileNotFoundError(f"{folder} has no Python files; the pipeline's steps live there")
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return Source(files, _archive(files), digest.hexdigest()[:16])


def _archive(files: Mapping[str, bytes]) -> bytes:
    """A tar.gz with no time, owner or mode of this machine in it."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
