"""Unpacks a model.tar.gz that somebody else made. Never writes outside the folder, and makes nothing but files."""

import tarfile
import zlib
from pathlib import Path

from problems import Problem

MAX_BYTES = 4 * 1024**3


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the regular files of `archive` below `folder`.

    Links, devices, absolute names, names with `..` and more than 4 GiB are refused: a Problem names the member.
    """
    if not archive.is_file():
        raise Problem(f"{archive} is missing: a training job writes it.")
    try:
        with tarfile.open(archive, "r:*") as tar:
            members = tar.getmembers()
            for member in members:
                if not (member.isfile() or member.isdir()):
                    raise Problem(
                        f"{archive}: {member.name!r} is neither a file nor a folder, which a model never holds."
                    )
            if sum(member.size for member in members) > MAX_BYTES:
                raise Problem(f"{archive} holds more than {MAX_BYTES // 1024**3} GiB.")
            tar.extractall(folder, members, filter="data")
    except tarfile.FilterError as error:
        raise Problem(f"{archive} would write outside its folder: {error}.") from error
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise Problem(f"{archive} cannot be unpacked: {error}.") from error
