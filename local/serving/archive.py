"""Unpacking a model.tar.gz where the container would find it. It must never write outside the folder it is given."""

import tarfile
import zlib
from pathlib import Path


class ArchiveError(Exception):
    """The model data cannot be unpacked; the message says why."""


def extract(archive: Path, destination: Path) -> None:
    """Unpack a gzip-compressed tar into `destination`, which is created.

    Raises ArchiveError when the file is not one, is cut short, or names a path, link or device outside the folder.
    """
    destination.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(destination, filter="data")
    except tarfile.FilterError as error:
        raise ArchiveError(f"model.tar.gz would write outside its folder: {error}") from error
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ArchiveError(f"model.tar.gz is not a complete gzip-compressed tar archive: {error}") from error
