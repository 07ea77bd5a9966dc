"""New private files of the SDK and of the servers: whole or not there, and nothing is written over."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.signing import write_private
from registry_server.serving.files import FileError, write_secret
from tests.support.troubles import FEW_BYTES, small_files_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITERS = pytest.mark.parametrize("write", [write_private, write_secret])
SECRET = b"secret" * FEW_BYTES


@WRITERS
def test_a_disk_that_takes_no_more_leaves_nothing_and_is_tried_again(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    with small_files_only(), pytest.raises((ConfigError, FileError)):
        write(path, SECRET)
    assert not list(tmp_path.iterdir())
    write(path, SECRET)
    assert path.read_bytes() == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@WRITERS
def test_what_is_there_is_refused_and_left_as_it_is(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    path, dangling = tmp_path / "key.pem", tmp_path / "dangling.pem"
    path.write_bytes(b"before")
    dangling.symlink_to(tmp_path / "nothing")
    for taken in (path, dangling):
        with pytest.raises((ConfigError, FileError), match="exists already"):
            write(taken, SECRET)
    assert path.read_bytes() == b"before"
    assert set(tmp_path.iterdir()) == {path, dangling}


@WRITERS
def test_a_file_system_without_hard_links_takes_a_new_file_too(
    write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _target: Path) -> None:
        raise PermissionError("no hard links")

    path = tmp_path / "key.pem"
    monkeypatch.setattr(type(path), "hardlink_to", refuse)
    write(path, SECRET)
    with pytest.raises((ConfigError, FileError), match="exists already"):
        write(path, b"other")
    assert path.read_bytes() == SECRET
    assert list(tmp_path.iterdir()) == [path]
