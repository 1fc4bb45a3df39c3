"""The example's raw data come out of the package as monthly files, or a sentence says why not."""

import zipfile
from pathlib import Path

import pytest

from pipelines.flights import COLUMNS, DataMissingError, files


def _package(folder: Path, table: str) -> Path:
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as packed:
        packed.writestr("flights.csv", table)
    for name in ("weather.csv", "planes.csv"):
        (folder / name).write_text("a\n1\n")
    return folder


def test_every_flight_of_the_package_is_in_exactly_one_month():
    content = dict(files())
    rows = sum(table.count(b"\n") - 1 for name, table in content.items() if name.startswith("flights/"))
    assert rows == 336_776
    assert len(content) == 12 + 2


def test_a_file_holds_its_month_only(tmp_path):
    rows = ["2013,2,1,x", "2013,10,1,y", "2013,2,3,z"]
    content = dict(files(_package(tmp_path, "\n".join([COLUMNS, *rows, ""]))))
    assert content["flights/flights-2013-02.csv"].decode().splitlines() == [COLUMNS, "2013,2,1,x", "2013,2,3,z"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataMissingError, match=r"flights\.csv\.zip cannot be read"):
        dict(files(tmp_path))


def test_a_truncated_archive_is_said_to_be_damaged(tmp_path):
    archive = _package(tmp_path, COLUMNS) / "flights.csv.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DataMissingError, match="damaged"):
        dict(files(tmp_path))


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(DataMissingError, match="this project needs"):
        dict(files(_package(tmp_path, "a,b\n1,2\n")))
