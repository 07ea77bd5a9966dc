"""A second verifier of proofs of erasure, from the text of proto/README.md 8 alone."""

from __future__ import annotations

import base64
import hmac

from creditregistry.v1 import common_pb2, directory_pb2, erasure_pb2, statement_pb2

from tests.support.naive_parts import ENDED, TYPE, require, sha, signed_by

__all__ = ["naive_erasure"]

LABEL = b"creditregistry/erasure/v1\x00"


def naive_erasure(data: bytes, registry: str, log_key: bytes, subject: bytes = b"", version: int = 1) -> str:
    """Say how the record of a proof of erasure ended; raise ``Wrong`` unless the proof holds, for that subject."""
    require(data.startswith(LABEL) and len(data) <= 128 * 1024, "label")
    file = erasure_pb2.ErasureFile.FromString(data[len(LABEL) :])
    require(file.SerializeToString(deterministic=True) == data[len(LABEL) :], "canonical")
    signed, receipt = file.proved.erasure, file.proved.receipt
    said = erasure_pb2.Erasure.FromString(signed.payload)
    require(said.SerializeToString(deterministic=True) == signed.payload, "canonical")
    require(said.registry == registry, "registry")
    key_id = sha(b"creditregistry/key/v1\x00", (7).to_bytes(4, "big"), b"ed25519", (32).to_bytes(4, "big"), log_key)
    require(signed.key_id == key_id, "key")
    require(signed_by(log_key, "erasure", signed.payload, signed.signature), "signature")
    size, root = _checkpoint(receipt.checkpoint)
    path = [receipt.inclusion.path[at : at + 32] for at in range(0, len(receipt.inclusion.path), 32)]
    require(_root(sha(b"\x00", receipt.leaf), receipt.inclusion.index, size, path) == root, "inclusion")
    place = (said.index, said.leaf_hash, said.erased_at)
    logged_at = int.from_bytes(receipt.leaf[2:10], "big")
    require(place == (receipt.inclusion.index, sha(b"\x00", receipt.leaf), logged_at), "leaf")
    require(0 < said.erased_at <= said.found_at, "time")
    require(len(said.person) in (0, 32), "person")
    require(len(file.opening) == (32 if said.person else 0), "opening")
    if subject:
        message = b"creditregistry/erased-person/v1\x00" + version.to_bytes(8, "big") + subject
        require(hmac.digest(file.opening, message, "sha256") == said.person, "person")
    return _ended(receipt.leaf, said)


def _parts(leaf: bytes) -> list[bytes]:
    parts, rest = [], leaf[10:]
    while rest:
        length = int.from_bytes(rest[:4], "big")
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return parts


def _ended(leaf: bytes, said: erasure_pb2.Erasure) -> str:
    parts = _parts(leaf)
    record = (said.registry, said.issuer, said.record_id)
    if leaf[0] == 1:
        require(parts[0].decode() == TYPE.format("statement"), "statement")
        statement = statement_pb2.Statement.FromString(parts[1])
        require((statement.registry, statement.issuer, statement.record_id) == record, "record")
        standing = common_pb2.Standing.Name(statement.standing).removeprefix("STANDING_")
        require(standing in ENDED, "standing")
        return standing
    if leaf[0] == 2:
        act = directory_pb2.Act.FromString(parts[1])
        listed = [(act.registry, one.issuer, one.record_id) for one in act.erasure.records]
        require(record in listed, "record")
        return "ERASURE_ACT"
    require(leaf[0] == 3, "leaf")
    lapse = statement_pb2.Lapse.FromString(parts[0])
    require((lapse.registry, lapse.issuer, lapse.record_id) == record, "record")
    require(lapse.what == statement_pb2.LAPSE_KIND_ERASED, "lapse")
    return "RETENTION_ENDED"


def _checkpoint(note: bytes) -> tuple[int, bytes]:
    """Size and root; its one signature is what other tests verify."""
    lines = note.decode().split("\n")
    return int(lines[1]), base64.b64decode(lines[2])


def _root(hash_: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162 2.1.3.2, word for word."""
    fn, sn = index, size - 1
    for sibling in path:
        require(sn, "path")
        if fn & 1 or fn == sn:
            hash_ = sha(b"\x01", sibling, hash_)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hash_ = sha(b"\x01", hash_, sibling)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0, "path")
    return hash_
