"""Input files that are read to their end: what is no regular file, or longer than it may be, is refused at once."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.verification import read_trust_root
from client_sdk.whole_file import open_regular, read_whole

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def others(tmp_path: Path) -> dict[str, Path]:
    """What stands where a file belongs, by what it is called."""
    found = {"a pipe": tmp_path / "pipe", "a socket": tmp_path / "socket", "a folder": tmp_path}
    os.mkfifo(found["a pipe"])
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(found["a socket"]))
    return found


def test_what_is_no_regular_file_is_refused_by_its_name(others: dict[str, Path]) -> None:
    for name in ("a pipe", "a folder"):
        with pytest.raises(OSError, match=f"no regular file but {name}"):
            open_regular(others[name])
    # A socket cannot even be opened.
    with pytest.raises(OSError, match="No such device"):
        read_whole(others["a socket"])


def test_a_device_has_no_end_and_is_not_read(tmp_path: Path) -> None:
    link = tmp_path / "zeros"
    link.symlink_to("/dev/zero")
    with pytest.raises(OSError, match="no regular file but a device"):
        read_whole(link)


def test_a_file_has_at_most_the_bytes_that_it_may_have(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(10))
    assert read_whole(file, 10) == bytes(10)
    with pytest.raises(OSError, match="longer than 9 bytes"):
        read_whole(file, 9)


def test_a_trust_root_is_not_waited_for(others: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="no regular file but a pipe"):
        read_trust_root(others["a pipe"])
