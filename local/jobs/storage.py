"""S3 as jobs use it: prefixes into folders, folders into prefixes. Blocking: call it from a thread.

A prefix is SageMaker's S3Prefix: every object whose key starts with it. It must never write outside the folder it is
given, nor upload a symbolic link.
"""

import functools
import shutil
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.jobs.job import JobError

_CHUNK = 1 << 20
_GZIP_LEVEL = 1


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key. Raises JobError."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise JobError(f"{uri} is not an S3 location such as s3://bucket/prefix.")
    return bucket, key


def relative_name(prefix: str, key: str) -> str:
    """The file, under the job's folder, for an object that an S3Prefix matches.

    The prefix itself names one file; a "folder" prefix, with or without its last slash, keeps what follows it; a prefix
    that ends inside a name keeps the whole name.
    """
    if key != prefix and (prefix.endswith("/") or not prefix):
        return key[len(prefix) :]
    if key.startswith(f"{prefix}/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


class Storage:
    """One shared client, made when it is first needed. Every failure is a JobError that names the location."""

    def __init__(self, make_client: Callable[[str], Any]) -> None:
        self._make_client = make_client

    @functools.cached_property
    def _s3(self) -> Any:
        return self._make_client("s3")

    def read(self, uri: str) -> bytes:
        """One object."""
        bucket, key = split(uri)
        return bytes(self._call(uri, self._s3.get_object, Bucket=bucket, Key=key)["Body"].read())

    def download_prefix(self, uri: str, folder: Path) -> None:
        """Every object of the prefix. Raises JobError when there is none: SageMaker fails such a job."""
        bucket, prefix = split(uri)
        keys = [key for key in self._keys(uri, bucket, prefix) if not key.endswith("/")]
        if not keys:
            raise JobError(f"No S3 objects found under S3 URL {uri}.")
        folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            target = folder / relative_name(prefix, key)
            if not target.resolve().is_relative_to(folder.resolve()):
                raise JobError(f"s3://{bucket}/{key} would be written outside the job's folder.")
            target.parent.mkdir(parents=True, exist_ok=True)
            body = self._call(uri, self._s3.get_object, Bucket=bucket, Key=key)["Body"]
            with target.open("wb") as file:
                shutil.copyfileobj(body, file, _CHUNK)

    def unpack(self, uri: str, folder: Path) -> None:
        """A sourcedir.tar.gz, without anything that would leave the folder."""
        bucket, key = split(uri)
        body: IO[bytes] = self._call(uri, self._s3.get_object, Bucket=bucket, Key=key)["Body"]
        try:
            with tarfile.open(fileobj=body, mode="r|gz") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise JobError(f"{uri} is not a tar.gz archive that can be unpacked: {error}") from error

    def upload_folder(self, folder: Path, uri: str) -> None:
        """Every regular file, under the prefix."""
        bucket, prefix = split(uri)
        for name, path in _files(folder):
            key = f"{prefix.rstrip('/')}/{name}".lstrip("/")
            with path.open("rb") as body:
                self._call(uri, self._s3.put_object, Bucket=bucket, Key=key, Body=body)

    def upload_archive(self, folder: Path, uri: str, archive: Path) -> None:
        """The folder's regular files as one tar.gz, made at `archive`; nothing when the folder holds none."""
        files = _files(folder)
        if not files:
            return
        with tarfile.open(archive, "w:gz", compresslevel=_GZIP_LEVEL) as tar:
            for name, path in files:
                tar.add(path, name, recursive=False, filter=_anonymous)
        bucket, key = split(uri)
        with archive.open("rb") as body:
            self._call(uri, self._s3.put_object, Bucket=bucket, Key=key, Body=body)

    def _keys(self, uri: str, bucket: str, prefix: str) -> list[str]:
        keys: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._call(uri, self._s3.list_objects_v2, Bucket=bucket, Prefix=prefix, **more)
            keys += [item["Key"] for item in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return keys
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, uri: str, operation: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return operation(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise JobError(f"{uri}: {error}") from error


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Regular files below a folder, in a fixed order; rglob does not go through symbolic links to folders."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [(path.relative_to(folder).as_posix(), path) for path in paths]


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
