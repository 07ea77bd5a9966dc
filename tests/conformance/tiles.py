"""A log as files (C2SP tlog-tiles), all of them in one tar archive, as ``registry-server tiles export`` writes them.

    checkpoint                         the signed note
    tile/<level>/<number>[.p/<w>]      hashes: every tile that a tree of the checkpoint's size has
    tile/entries/<number>[.p/<w>]      leaves: every bundle, or none

It verifies where the checkpoint is the log's, every file is there and as long as its name says, each leaf has the hash
of its tile, each hash of a level is the root of the tile below, and the root of all of them is the checkpoint's.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.tiles import (
    TILE_WIDTH,
    EntryBundle,
    Tile,
    entry_bundle,
    parse_entry_bundle,
    parse_path,
    tiles_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk import TrustRoot

__all__ = ["archive_of", "files_of_log", "verify_tiles"]

_CHECKPOINT = "checkpoint"
_PART = "files of the log"


def files_of_log(leaves: Sequence[bytes], checkpoint: bytes) -> dict[str, bytes]:
    """Return the files of a log by their paths."""
    tree, files = MemoryTree(map(leaf_hash, leaves)), {_CHECKPOINT: checkpoint}
    for tile in tiles_of(len(leaves)):
        start = tile.index * TILE_WIDTH
        nodes = range(start, start + tile.width)
        files[tile.path] = b"".join(tree.node(8 * tile.level, node) for node in nodes)
        if not tile.level:
            files[EntryBundle(tile.index, tile.width).path] = entry_bundle(leaves[node] for node in nodes)
    return files


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """Return files as a tar archive, the same bytes each time."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def verify_tiles(data: bytes, root: TrustRoot) -> None:
    """Verify the files of a log.

    Raises:
        FormatError: a file is missing or is not what the checkpoint says.
    """
    files = _unpacked(data)
    checkpoint = parse_checkpoint(_file(files, _CHECKPOINT), root.log_key).checkpoint
    for path in files.keys() - {_CHECKPOINT}:
        parse_path(path)
    levels: list[list[bytes]] = []
    for tile in tiles_of(checkpoint.size):
        if tile.level == len(levels):
            levels.append([])
        levels[tile.level] += _hashes(files, tile)
    tree = MemoryTree(levels[0] if levels else ())
    if tree.root() != checkpoint.root:
        raise _wrong("another root", "the checkpoint's")
    for level, hashes in enumerate(levels):
        if hashes != [tree.node(8 * level, index) for index in range(len(hashes))]:
            raise _wrong(f"other hashes at level {level}", "those over the level below")
    if any(isinstance(parse_path(path), EntryBundle) for path in files.keys() - {_CHECKPOINT}):
        leaves = [leaf for tile in tiles_of(checkpoint.size) if not tile.level for leaf in _leaves(files, tile)]
        if [leaf_hash(leaf) for leaf in leaves] != levels[0]:
            raise _wrong("another leaf", "the leaves of these hashes")


def _unpacked(data: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isreg() else None
                if opened is None or member.name in files:
                    raise FormatError(_PART, "tile.path", want="regular files, each once")
                files[member.name] = opened.read()
    except (tarfile.TarError, ValueError, OverflowError, EOFError):
        raise FormatError(_PART, "tile.path", want="a tar archive") from None
    return files


def _file(files: Mapping[str, bytes], path: str) -> bytes:
    if path not in files:
        raise FormatError(_PART, "tile.stored", got="none", want=path)
    return files[path]


def _hashes(files: Mapping[str, bytes], tile: Tile) -> list[bytes]:
    content = _file(files, tile.path)
    if len(content) != tile.width * HASH_BYTES:
        raise FormatError(_PART, "tile.width", got=f"{len(content)} bytes", want=f"{tile.width} hashes")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _leaves(files: Mapping[str, bytes], tile: Tile) -> list[bytes]:
    leaves = parse_entry_bundle(_file(files, EntryBundle(tile.index, tile.width).path))
    if len(leaves) != tile.width:
        raise FormatError(_PART, "bundle.count", got=str(len(leaves)), want=str(tile.width))
    return leaves


def _wrong(got: str, want: str) -> FormatError:
    return FormatError(_PART, "log.checkpoint", got=got, want=want)
