"""The file of a screening: sealed, whole blocks alone, of one member, purpose and place."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.sealed_block import BlockSealer
from client_sdk.lending.screen_file import KnownCustomer, LastLook, ScreenFile
from tests.client_sdk.sdk_samples import person

if TYPE_CHECKING:
    from pathlib import Path

SECRET = bytes(range(32))
CONTEXT = ("registry", "lender-1", "POST_LOAN_REVIEW")
KEYS = ((1, b"\x01" * 32), (2, b"\x02" * 32))


def opened(folder: Path, *, secret: bytes = SECRET, context: tuple[str, ...] = CONTEXT) -> ScreenFile:
    return ScreenFile(folder / "file", secret, context, folder / "lock")


def kept(folder: Path) -> bytes:
    """A file with two blocks of one customer each; its bytes."""
    with opened(folder) as file:
        for number in (1, 2):
            file.add([(file.name_of(person(number)), KnownCustomer(KEYS))])
    return (folder / "file").read_bytes()


def known(file: ScreenFile) -> list[int]:
    return [number for number in (1, 2) if file.get(file.name_of(person(number))) is not None]


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    kept(tmp_path)
    with opened(tmp_path) as file:
        assert known(file) == [1, 2]
        assert file.get(file.name_of(person(1))) == KnownCustomer(KEYS)
        assert file.get(file.name_of(person(3))) is None
        file.replace(LastLook(5, 7), [(file.name_of(person(2)), KnownCustomer(KEYS, 3, b"\x07" * 32))])
    with opened(tmp_path) as file:
        assert (file.last, known(file)) == (LastLook(5, 7), [2])
        assert file.get(file.name_of(person(2))) == KnownCustomer(KEYS, 3, b"\x07" * 32)
        file.discard()
    assert not (tmp_path / "file").exists()


def test_nothing_of_it_is_in_clear(tmp_path: Path) -> None:
    data = kept(tmp_path)
    for secret in (KEYS[0][1], KEYS[1][1], person(1).number.encode(), SECRET):
        assert secret not in data
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_file_cut_anywhere_gives_its_whole_blocks_and_goes_on(tmp_path: Path) -> None:
    data = kept(tmp_path)
    seen = set()
    for length in range(len(data) - 1, 0, -7):
        (tmp_path / "file").write_bytes(data[:length])
        try:
            with opened(tmp_path) as file:
                found = known(file)
                assert found in ([], [1])
                file.add([(file.name_of(person(2)), KnownCustomer(KEYS))])
            with opened(tmp_path) as file:
                assert known(file) == [*found, 2]
            seen.add(len(found))
        except ConfigError:
            # Cut in its first block: nothing was kept, and nothing is written over.
            assert (tmp_path / "file").read_bytes() == data[:length]
    assert seen == {0, 1}


def test_a_flipped_bit_or_blocks_in_another_order_are_not_taken(tmp_path: Path) -> None:
    data = kept(tmp_path)
    (tmp_path / "file").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with opened(tmp_path) as file:
        assert known(file) == [1]
    block = (len(data) - data.index(b"\0") - 1 - 32 - 4 - 12 - 16 - 16) // 2
    (tmp_path / "file").write_bytes(data[: -2 * block] + data[-block:] + data[-2 * block : -block])
    with opened(tmp_path) as file:
        assert known(file) == []


@pytest.mark.parametrize(
    ("secret", "context"),
    [
        (bytes(32), CONTEXT),
        (SECRET, ("registry", "lender-2", "POST_LOAN_REVIEW")),
        (SECRET, ("registrylender-1", "", "")),
    ],
)
def test_another_member_or_purpose_does_not_open_it(tmp_path: Path, secret: bytes, context: tuple[str, ...]) -> None:
    data = kept(tmp_path)
    with pytest.raises(ConfigError, match="does not open"):
        opened(tmp_path, secret=secret, context=context)
    assert (tmp_path / "file").read_bytes() == data


def test_it_is_used_by_one_at_a_time_and_given_back_after_an_error(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ConfigError, match="in use"):
        opened(tmp_path)
    (tmp_path / "file").write_bytes(b"no such file")
    for _ in range(2):
        with pytest.raises(ConfigError, match="no file of a screening"):
            opened(tmp_path)


def test_a_sealed_block_opens_at_its_own_place_alone() -> None:
    sealer = BlockSealer(SECRET, bytes(32), b"info")
    sealed = sealer.seal(3, secrets.token_bytes(12), b"content")
    assert sealer.open(3, sealed) == b"content"
    for place, data, rule in (
        (4, sealed, "opens"),
        (3, sealed[:-1], "opens"),
        (3, sealed[:20], "length"),
        (3, b"", "length"),
    ):
        with pytest.raises(FormatError, match=rf"block\.{rule}"):
            sealer.open(place, data)
    with pytest.raises(FormatError, match=r"block\.opens"):
        BlockSealer(SECRET, bytes(32), b"other").open(3, sealed)


@pytest.mark.parametrize("name", ["n" * 300, "folder", "dangling"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "file")
    for _ in range(2):
        with pytest.raises(ConfigError):
            ScreenFile(tmp_path / name, SECRET, CONTEXT, tmp_path / "lock")
