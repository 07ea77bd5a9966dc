"""Proof of erasure: its file, and what it takes to accept one (proto/README.md 8).

    file = label "creditregistry/erasure/v1" || canonical ErasureFile

The leaf alone shows that the record was closed; that nothing is kept which leads to a person is what the registry says
and signs. The person is a commitment that opens only for who knows its pseudonym.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import erasure_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.act import Act, ErasureBody
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_erased_person
from client_sdk.kernel.formats.encoding import label, leaf_hash
from client_sdk.kernel.formats.erasure import Erasure
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import ED25519, key_id
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.ledger.proving import leaf_under, read_checkpoint, read_leaf, split_hashes, within
from client_sdk.kernel.rules.lifecycle import carries_subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["ERASURE_LABEL", "VerifiedErasure", "erasure_file", "parse_erasure_file", "read_erasure"]

ERASURE_LABEL = label("creditregistry/erasure/v1")
# A leaf takes 64 KiB at most, its path 2 KiB; longer files are none.
MAX_BYTES = 128 * 1024
_PART = "erasure"


class VerifiedErasure(NamedTuple):
    """A proof of erasure that verifies.

    Attributes:
        erasure: what the registry says.
        by: how the record ended: a standing, ERASURE_ACT, or RETENTION_ENDED.
        size: of the checkpoint.
        opening: of the commitment to the person; empty for none.
    """

    erasure: Erasure
    by: str
    size: int
    opening: bytes

    def __repr__(self) -> str:
        return f"VerifiedErasure(index={self.erasure.index})"

    def is_of(self, names: Iterable[tuple[int, bytes]]) -> bool:
        """Whether the person is one with one of these pseudonyms, each with its version of the subject keys."""
        return bool(self.erasure.person) and any(
            hmac.compare_digest(commit_erased_person(self.opening, version, subject), self.erasure.person)
            for version, subject in names
        )


def erasure_file(proved: pb.ProvedErasure, opening: bytes) -> bytes:
    """Return the bytes of the file.

    Raises:
        FormatError: a part cannot be written canonically.
    """
    return ERASURE_LABEL + canonical.encode(pb.ErasureFile(proved=proved, opening=opening))


def parse_erasure_file(data: bytes) -> pb.ErasureFile:
    """Return what a file holds; nothing of it is verified yet.

    Raises:
        FormatError: it has another label, is too long, or is not canonical.
    """
    if not data.startswith(ERASURE_LABEL) or len(data) > MAX_BYTES:
        raise FormatError(_PART, "erasure.label", want=ERASURE_LABEL[:-1].decode())
    return canonical.parse(pb.ErasureFile, data[len(ERASURE_LABEL) :], _PART)


def read_erasure(file: pb.ErasureFile, registry: str, key: VerifierKey) -> VerifiedErasure:
    """Return what a proof of erasure proves.

    Args:
        file: as parsed.
        registry: name of the registry.
        key: of the log, from the trust root.

    Raises:
        FormatError: a part does not verify: SignatureError or ProofError where it is a signature or a path.
    """
    signed, receipt = file.proved.erasure, file.proved.receipt
    erasure = Erasure.parse(signed.payload)
    if erasure.registry != registry:
        raise FormatError(_PART, "erasure.registry", want="the registry of the trust root")
    if signed.key_id != key_id(ED25519, key.raw):
        raise FormatError(_PART, "erasure.key", want="the log's key")
    with within(_PART):
        dsse.verify(dsse.ERASURE, signed.payload, key.raw, signed.signature)
    checkpoint = read_checkpoint(receipt.checkpoint, key)
    path = split_hashes(receipt.inclusion.path, _PART)
    leaf_under(checkpoint, receipt.inclusion.index, receipt.leaf, path, _PART)
    leaf = read_leaf(receipt.leaf, _PART)
    said = (erasure.index, erasure.leaf_hash, erasure.erased_at)
    if said != (receipt.inclusion.index, leaf_hash(receipt.leaf), leaf.logged_at):
        raise FormatError(_PART, "erasure.leaf", want="place, hash and time of the leaf that is shown")
    if len(file.opening) != (OPENING_BYTES if erasure.person else 0):
        raise FormatError(_PART, "erasure.opening", want="32 bytes where a person is named, else none")
    return VerifiedErasure(erasure, _how(leaf, erasure), checkpoint.size, file.opening)


def _how(leaf: Leaf, erasure: Erasure) -> str:
    """Return how a leaf ends the record.

    Raises:
        FormatError: it does not, or it ends another one.
    """
    match leaf:
        case StatementLeaf() if leaf.payload_type == dsse.STATEMENT:
            statement = Statement.parse(leaf.payload)
            ended = (statement.registry, statement.key) == (erasure.registry, erasure.key)
            if ended and not carries_subject(statement.standing):
                return statement.standing.name
        case ActLeaf():
            act = Act.parse(leaf.payload)
            ordered = act.body.records if isinstance(act.body, ErasureBody) else ()
            if act.registry == erasure.registry and erasure.key in ordered:
                return "ERASURE_ACT"
        case LapseLeaf():
            lapse = Lapse.parse(leaf.payload)
            if (lapse.registry, lapse.key, lapse.what) == (erasure.registry, erasure.key, LapseKind.ERASED):
                return "RETENTION_ENDED"
        case _:
            pass
    raise FormatError(_PART, "erasure.ends", want="a leaf that erases, withdraws or sets aside this record")
