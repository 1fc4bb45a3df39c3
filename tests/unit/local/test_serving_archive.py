"""Unpacking a model.tar.gz: whatever is in it, nothing is written outside its folder, nor without limit."""

import io
import os
import tarfile

import pytest
from test_serving_container import archive

from local.serving.archive import ArchiveError, extract


@pytest.mark.parametrize("content", [b"", b"not an archive", None], ids=["empty", "text", "cut short"])
def test_model_data_that_are_not_an_archive_are_refused(tmp_path, content):
    path = archive(tmp_path / "model.tar.gz", {"weights": os.urandom(200_000)})
    path.write_bytes(path.read_bytes()[:50_000] if content is None else content)
    with pytest.raises(ArchiveError, match="not a complete gzip-compressed tar"):
        extract(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "name", "target"),
    [
        (tarfile.REGTYPE, "../../outside", ""),
        (tarfile.SYMTYPE, "link", "/etc/passwd"),
        (tarfile.SYMTYPE, "link", "../../outside"),
        (tarfile.CHRTYPE, "device", ""),
    ],
)
def test_an_archive_cannot_reach_outside_its_folder(tmp_path, kind, name, target):
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info, io.BytesIO(b""))
    with pytest.raises(ArchiveError, match="outside its folder"):
        extract(path, tmp_path / "a/b")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    ("kind", "name", "target"), [(tarfile.SYMTYPE, "down", "folder/file"), (tarfile.LNKTYPE, "down", "folder/file")]
)
def test_links_inside_the_folder_are_kept(tmp_path, kind, name, target):
    path = archive(tmp_path / "plain.tar.gz", {})
    with tarfile.open(path, "w:gz") as tar:
        inside = tarfile.TarInfo("folder/file")
        inside.size = 1
        tar.addfile(inside, io.BytesIO(b"x"))
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, target
        tar.addfile(link)
    extract(path, tmp_path / "out")
    assert (tmp_path / "out" / name).read_bytes() == b"x"


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_written(tmp_path):
    """What a gzip bomb does: a thousand times its size."""
    path = archive(tmp_path / "model.tar.gz", {"small": b"x", "bomb": bytes(5_000_000)})
    with pytest.raises(ArchiveError, match="unpacks to more than 1000000 bytes"):
        extract(path, tmp_path / "out", largest=1_000_000)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["small"]
