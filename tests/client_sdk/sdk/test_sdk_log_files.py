"""The log as files over HTTPS: checkpoint and hashes for anyone, leaves for auditors, and nothing else."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.checkpoint import parse_body
from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.merkle import root_at
from client_sdk.kernel.formats.note import parse
from client_sdk.kernel.formats.tiles import entries_path, node_from_tile, node_place, parse_entry_bundle, tile_path

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from client_sdk.testing import TestRegistry

pytestmark = pytest.mark.usefixtures("registry")
FOR_EVER = "max-age=31536000, immutable"


class Reader:
    """Reads files as a member, or as nobody."""

    def __init__(self, registry: TestRegistry, address: str, member: str = "") -> None:
        tls = registry.home(member or "lender-1") / "tls"
        self._url = f"https://{address}"
        self._context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        if member:
            self._context.load_cert_chain(tls / "certificate.pem", tls / "key.pem")

    def open(self, path: str, method: str = "GET") -> HTTPResponse:
        """Ask; errors of HTTP are raised."""
        request = urllib.request.Request(f"{self._url}/{path}", method=method)  # noqa: S310 - https
        answer: HTTPResponse = urllib.request.urlopen(request, context=self._context, timeout=20)  # noqa: S310 - https
        return answer

    def read(self, path: str) -> bytes:
        with self.open(path) as answer:
            return answer.read()

    def refused(self, path: str, method: str = "GET") -> int:
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.open(path, method)
        with caught.value as error:
            return error.code


def test_anyone_reads_checkpoint_and_hashes_and_computes_the_root(registry: TestRegistry, files_address: str) -> None:
    reader = Reader(registry, files_address)
    checkpoint = parse_body(parse(reader.read("checkpoint")).text).checkpoint

    def node(height: int, index: int) -> bytes:
        place = node_place(height, index)
        width = min(256, (checkpoint.size >> (8 * place.level)) - 256 * place.tile_index)
        tile = reader.read(tile_path(place.level, place.tile_index, width))
        return node_from_tile(tile, place.height_in_tile, place.offset)

    assert root_at(checkpoint.size, node) == checkpoint.root
    with reader.open("checkpoint") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
    with reader.open("tile/0/000.p/1", "HEAD") as answer:
        assert answer.headers["Cache-Control"] == f"public, {FOR_EVER}"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert (answer.headers["Content-Length"], answer.read()) == (str(HASH_BYTES), b"")


def test_leaves_are_for_auditors(registry: TestRegistry, files_address: str) -> None:
    path = entries_path(0, 2)
    assert [Reader(registry, files_address, member).refused(path) for member in ("", "lender-1", "admin-1")] == [
        403
    ] * 3
    auditor = Reader(registry, files_address, "auditor")
    with auditor.open(path) as answer:
        leaves = parse_entry_bundle(answer.read())
        assert answer.headers["Cache-Control"] == f"private, {FOR_EVER}"
    assert b"".join(map(leaf_hash, leaves)) == auditor.read("tile/0/000.p/2")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "metrics",
        "tile/0/000.p/0",
        "tile/0/x999/999",
        "tile/63/000",
        "tile/entries/../../log-key.pem",
        "%63heckpoint",
    ],
)
def test_nothing_else_is_there(registry: TestRegistry, files_address: str, path: str) -> None:
    assert Reader(registry, files_address).refused(path) == 404


def test_files_are_read_and_not_written(registry: TestRegistry, files_address: str) -> None:
    reader = Reader(registry, files_address, "auditor")
    assert [reader.refused("checkpoint", method) for method in ("POST", "PUT", "DELETE")] == [405] * 3
