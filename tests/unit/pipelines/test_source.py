"""The code of the steps is packed under a name that only its content decides."""

import io
import tarfile
from pathlib import Path

import pytest

from pipelines.source import pack


def _folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / f"{name}.py").write_text(content)
    return path


def test_the_same_files_have_the_same_bytes_and_name_wherever_they_lie(tmp_path):
    one = pack(_folder(tmp_path / "one", train="1", evaluate="2"))
    two = pack(_folder(tmp_path / "two", evaluate="2", train="1"))
    assert (one.archive, one.digest) == (two.archive, two.digest)


def test_a_changed_file_changes_the_name(tmp_path):
    assert pack(_folder(tmp_path / "one", train="1")).digest != pack(_folder(tmp_path / "two", train="2")).digest


def test_content_cannot_move_between_files_without_changing_the_name(tmp_path):
    one = pack(_folder(tmp_path / "one", a="xy", b="z"))
    two = pack(_folder(tmp_path / "two", a="x", b="yz"))
    assert one.digest != two.digest


def test_the_archive_holds_the_files_flat(tmp_path):
    source = pack(_folder(tmp_path / "one", train="print(1)"))
    with tarfile.open(fileobj=io.BytesIO(source.archive)) as tar:
        assert tar.getnames() == ["train.py"]


def test_a_folder_without_code_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Python files"):
        pack(tmp_path)
