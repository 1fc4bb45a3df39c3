"""Unpacking a model.tar.gz where the container would find it. It must never write outside the folder it is given."""

import tarfile
import zlib
from pathlib import Path

LARGEST_UNPACKED = 2 * 1024**3
"""Bytes that one archive may hold unpacked. AWS is bounded by the instance's volume; here it is somebody's disk."""

_MOST_MEMBERS = 100_000


class ArchiveError(Exception):
    """The model data cannot be unpacked; the message says why."""


def extract(archive: Path, destination: Path, largest: int = LARGEST_UNPACKED) -> None:
    """Unpack a gzip-compressed tar into `destination`, which is created. No more than `largest` bytes are written.

    Raises ArchiveError when the file is not one, is cut short, is larger, or names a path, link or device outside the
    folder.
    """
    destination.mkdir(parents=True, exist_ok=True)
    left = largest
    try:
        with tarfile.open(archive, "r|gz") as tar:
            for number, member in enumerate(tar):
                left -= member.size
                if left < 0 or number == _MOST_MEMBERS:
                    raise ArchiveError(
                        f"{archive.name} unpacks to more than {largest} bytes or {_MOST_MEMBERS} files, the most that "
                        "the rehearsal writes to this disk"
                    )
                tar.extract(member, destination, filter="data")
    except tarfile.FilterError as error:
        raise ArchiveError(f"{archive.name} would write outside its folder: {error}") from error
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ArchiveError(f"{archive.name} is not a complete gzip-compressed tar archive: {error}") from error
