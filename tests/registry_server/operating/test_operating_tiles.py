"""Export of the log as static files: whole, incremental, after an interruption, and never over what is not ours."""

from __future__ import annotations

import fcntl
import os
import shutil
from typing import TYPE_CHECKING, TypeAlias

import pytest

from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree, root_at
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.tiles import (
    entries_path,
    node_from_tile,
    node_place,
    parse_entry_bundle,
    parse_path,
    tile_path,
)
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.testing.programs import Programs
from registry_server.errors import RegistryError
from registry_server.operating.tiles import ExportedTiles, export
from registry_server.sequencing.errors import InconsistentError
from registry_server.serving.files import FileError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.tiles import LogTiles, stored_log
from tests.conformance.tiles import archive_of, verify_tiles
from tests.support.closing_home import ClosingHome
from tests.support.registers import ORIGIN, register_of, register_path
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from pathlib import Path

Grown: TypeAlias = tuple[str, list[bytes]]
KEY = VerifierKey.ed25519(ORIGIN, World().log_signer.public_key.raw)
# Beyond 65,536 lies a third level; two are what a test can afford.
FIRST, SECOND = 200, 300


def grow(url: str, size: int) -> list[bytes]:
    """Let a log have so many leaves; return them all."""
    world = World()
    with world.ledger(url) as ledger:
        with ledger.view() as view:
            have = view.size
        if have < size:
            # A commit ends with a HEAD.
            accept(ledger, *(world.report("lender-1", f"record {number}") for number in range(have, size - 1)))
        with ledger.view() as view:
            assert view.size == size
            return [stored.leaf for stored in view.leaves(0, size)]


@pytest.fixture(scope="module")
def grown(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """A database with SECOND leaves, and these; its tests only read it."""
    file = tmp_path_factory.mktemp("grown") / "registry.sqlite"
    shutil.copy(sqlite_template, file)
    url = f"sqlite:///{file}"
    grow(url, FIRST)
    return url, grow(url, SECOND)


def exported(url: str, folder: Path, *, entries: bool = True) -> ExportedTiles:
    with Database(url, serving=False) as database:
        return export(database, register_of(url), World().log_signer, ORIGIN, folder, entries=entries)


def width_at(size: int, index: int) -> int:
    return min(256, size - 256 * index)


def check_by_files_alone(folder: Path, leaves: list[bytes]) -> None:
    """What a client of tiles does: from checkpoint to root, and from each leaf to its hash."""
    checkpoint = parse_checkpoint((folder / "checkpoint").read_bytes(), KEY).checkpoint
    assert checkpoint.size == len(leaves)

    def node(height: int, index: int) -> bytes:
        place = node_place(height, index)
        width = width_at(checkpoint.size >> (8 * place.level), place.tile_index)
        tile = (folder / tile_path(place.level, place.tile_index, width)).read_bytes()
        return node_from_tile(tile, place.height_in_tile, place.offset)

    assert root_at(checkpoint.size, node) == checkpoint.root == MemoryTree(map(leaf_hash, leaves)).root()
    bundles = [
        parse_entry_bundle((folder / entries_path(index, width_at(checkpoint.size, index))).read_bytes())
        for index in range(-(-checkpoint.size // 256))
    ]
    assert [leaf for bundle in bundles for leaf in bundle] == leaves


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def test_each_export_adds_what_is_new_and_is_enough_by_itself(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    for size, written in ((FIRST, 2), (SECOND, 5), (SECOND, 0)):
        leaves = grow(database_url, size)
        assert exported(database_url, folder) == ExportedTiles(size, written, 0)
        check_by_files_alone(folder, leaves)
        # Nor does the verifier of the conformance suite find anything wrong.
        files = {name: (folder / name).read_bytes() for name in names(folder)}
        verify_tiles(archive_of(files), TrustRoot.from_genesis(leaves[0]))
    assert names(folder) == {
        "checkpoint",
        *(f"tile/{level}/{number}" for level in ("0", "entries") for number in ("000", "001.p/44")),
        "tile/1/000.p/1",
    }, "a partial file goes once the full one is there, and a whole folder of them with it"
    assert modes(folder) == {
        **dict.fromkeys(("tile", "tile/0", "tile/0/001.p", "tile/1", "tile/1/000.p"), 493),
        **dict.fromkeys(("tile/entries", "tile/entries/001.p"), 448),
        **{path: 0o644 for path in names(folder) if not path.startswith("tile/entries")},
        **{path: 0o600 for path in names(folder) if path.startswith("tile/entries")},
    }, "leaves are for auditors"


def test_an_export_right_after_an_answer_holds_what_was_answered(database_url: str, tmp_path: Path) -> None:
    """As after a process was killed: the database lacks the checkpoint, and members have receipts up to there."""
    world, folder = World(), tmp_path / "mirror"
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "one"))
        accept(ledger, world.report("lender-1", "two"))
        with Database(database_url, serving=False) as database, stored_log(database)() as (stored, _):
            assert stored.size < ledger.size
        assert exported(database_url, folder).size == ledger.size
        with ledger.view() as view:
            assert (folder / "checkpoint").read_bytes() == view.checkpoint
            check_by_files_alone(folder, [stored.leaf for stored in view.leaves(0, view.size)])


def test_the_command_says_how_many_leaves_it_leaves_out(database_url: str, tmp_path: Path) -> None:
    home, mirror = ClosingHome(tmp_path, database_url), tmp_path / "mirror"
    export_now = ["registry-server", "tiles", "export", "--home", str(home.home), str(mirror)]
    with home.ledger() as ledger:
        ledger.heartbeat(at_once=True).result()
        size = ledger.size
        accept(ledger, home.world.report("lender-1", "one"))
        away = register_path(database_url).rename(tmp_path / "away")
        told = Programs(tmp_path).complete(export_now)
        assert told.returncode == 0
        assert told.stderr == (
            f"left out: {ledger.size - size} leaves, for which members may hold receipts (REGISTER_MISSING): "
            "see registry-server register show, and export again\n"
        )
        assert told.stdout.startswith(f"{mirror}: {size} leaves, ")
        away.rename(register_path(database_url))
        again = Programs(tmp_path).complete(export_now)
        assert (again.returncode, again.stderr) == (0, "")
        assert again.stdout.startswith(f"{mirror}: {ledger.size} leaves, ")


@pytest.mark.parametrize("held", [b"", b"garbage"], ids=["missing", "garbage"])
def test_leaves_that_no_register_vouches_for_are_left_out_and_counted(
    database_url: str, tmp_path: Path, held: bytes
) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        ledger.heartbeat(at_once=True).result()
        size = ledger.size
        accept(ledger, world.report("lender-1", "one"))
        register_path(database_url).unlink()
        if held:
            register_path(database_url).write_bytes(held)
        made = exported(database_url, tmp_path / "mirror")
        assert made.size == size
        assert made.left_out is not None
        assert made.left_out.leaves == ledger.size - size > 0


def test_an_export_that_was_interrupted_is_done_again(grown: Grown, tmp_path: Path) -> None:
    database_url, leaves = grown
    whole = tmp_path / "whole"
    assert exported(database_url, whole).written == 5
    for left in sorted(names(whole) - {"checkpoint"}):
        folder = tmp_path / "again"
        (folder / left).parent.mkdir(parents=True)
        shutil.copy(whole / left, folder / left)
        assert exported(database_url, folder) == ExportedTiles(SECOND, 4, 1)
        check_by_files_alone(folder, leaves)
        shutil.rmtree(folder)


def test_leaves_may_be_left_out_and_added_but_not_left_out_later(grown: Grown, tmp_path: Path) -> None:
    database_url, leaves = grown
    folder = tmp_path / "mirror"
    assert exported(database_url, folder, entries=False).written == 3
    exported(database_url, folder)
    check_by_files_alone(folder, leaves)
    before = names(folder)
    with pytest.raises(FileError, match="holds leaves"):
        exported(database_url, folder, entries=False)
    assert names(folder) == before


def test_nothing_that_is_not_of_this_log_is_written_over(grown: Grown, tmp_path: Path) -> None:
    database_url, _ = grown
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "thesis.tex").write_text("mine")
    with pytest.raises(FileError, match=r"holds thesis\.tex: name a folder of its own"):
        exported(database_url, strangers)
    (strangers / "checkpoint").write_text("mine")
    with pytest.raises(FileError, match="is no checkpoint of"):
        exported(database_url, strangers)
    assert names(strangers) == {"thesis.tex", "checkpoint"}

    changed = tmp_path / "changed"
    (changed / "tile/0/001.p").mkdir(parents=True)
    (changed / "tile/0/001.p/44").write_bytes(bytes(44 * HASH_BYTES))
    with pytest.raises(FileError, match="another file than the log's, and is not written over"):
        exported(database_url, changed)
    assert (changed / "tile/0/001.p/44").read_bytes() == bytes(44 * HASH_BYTES)
    assert not (changed / "checkpoint").exists()


def test_a_database_that_does_not_continue_what_was_exported_is_refused(grown: Grown, tmp_path: Path) -> None:
    database_url, _ = grown
    signer = World().log_signer
    for size, want in (
        (SECOND + 1, f"got {SECOND} leaves, want the {SECOND + 1}"),
        (FIRST, f"another root of {FIRST}"),
    ):
        folder = tmp_path / str(size)
        folder.mkdir()
        told = sign_checkpoint(ORIGIN, size, bytes(32), signer)
        (folder / "checkpoint").write_bytes(told)
        with pytest.raises(InconsistentError, match=want):
            exported(database_url, folder)
        assert names(folder) == {"checkpoint"}
        assert (folder / "checkpoint").read_bytes() == told


@pytest.mark.parametrize(
    "file", ["tile/0/001", "tile/0/001.p/45", "tile/1/000.p/2", "tile/entries/001", "tile/entries/x001/000"]
)
def test_what_the_checkpoint_does_not_cover_is_not_given(grown: Grown, file: str) -> None:
    database_url, _ = grown
    with Database(database_url, serving=False) as database, pytest.raises(RegistryError, match="TILE_UNKNOWN"):
        LogTiles(stored_log(database)).read(parse_path(file))


def test_leaves_that_were_added_and_interrupted_are_not_left_out(grown: Grown, tmp_path: Path) -> None:
    database_url, leaves = grown
    folder = tmp_path / "mirror"
    exported(database_url, folder, entries=False)
    whole = tmp_path / "whole"
    exported(database_url, whole)
    # An export with leaves that was killed after the first of them.
    (folder / "tile/entries").mkdir()
    shutil.copy(whole / "tile/entries/000", folder / "tile/entries/000")
    assert exported(database_url, folder) == ExportedTiles(SECOND, 1, 1)
    check_by_files_alone(folder, leaves)


def test_what_a_killed_export_has_left_is_taken_up(grown: Grown, tmp_path: Path) -> None:
    database_url, leaves = grown
    folder = tmp_path / "mirror"
    whole = tmp_path / "whole"
    exported(database_url, whole)
    # Files and folders that were made, and had not got their modes yet; a checkpoint that had not got its name.
    for name in names(whole) - {"checkpoint"}:
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(whole / name, folder / name)
        (folder / name).chmod(0o600)
    (folder / ".checkpoint.x.new").write_bytes(b"half")
    assert exported(database_url, folder) == ExportedTiles(SECOND, 0, 5)
    assert modes(folder) == modes(whole)
    check_by_files_alone(folder, leaves)
    (folder / "checkpoint").chmod(0o600)
    exported(database_url, folder)
    assert modes(folder) == modes(whole)


def test_two_exports_at_once_never_move_the_checkpoint_back(grown: Grown, tmp_path: Path) -> None:
    url, folder = grown[0], tmp_path / "tiles"
    exported(url, folder)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FileError, match="by another export"):
            exported(url, folder)
    finally:
        os.close(held)
    assert exported(url, folder).size == SECOND
