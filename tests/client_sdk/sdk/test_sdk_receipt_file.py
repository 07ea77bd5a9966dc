"""The file of a receipt proves by itself, to anybody who has the trust root."""

from __future__ import annotations

from base64 import b64encode

import pytest

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.verification import is_contradiction, is_receipt, verify_receipt
from tests.support.handmade_log import HandmadeLog, record_id, signer


@pytest.fixture(scope="module")
def log() -> HandmadeLog:
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    assert not log.complaints
    return log


def file_of(log: HandmadeLog, index: int, leaf: bytes | None = None, *, by: str = "log") -> bytes:
    size = len(log.leaves)
    path = log.tree.inclusion_proof(index, size)
    extra = log.leaves[index] if leaf is None else leaf
    return tlog_proof(index, path, log.checkpoint(key=signer(by)), extra).encode()


def place(log: HandmadeLog) -> int:
    return len(log.leaves) - 2


def test_a_receipt_verifies_by_its_file_alone(log: HandmadeLog) -> None:
    data = file_of(log, place(log))
    assert is_receipt(data)
    assert not is_contradiction(data)
    receipt = verify_receipt(data, log.trust_root)
    assert (receipt.issuer, receipt.record_id, receipt.version) == ("lender-1", record_id("debt"), 1)
    assert (receipt.index, receipt.leaf, receipt.size) == (place(log), log.leaves[place(log)], len(log.leaves))
    assert receipt.tlog_proof().encode() == data


def test_a_receipt_of_something_else_proves_nothing(log: HandmadeLog) -> None:
    index = place(log)
    good = file_of(log, index)
    leaf = b64encode(log.leaves[index])
    other = HandmadeLog()
    other.say("lender-1", "another", subject="listed")
    lies = {
        "another leaf": file_of(log, index, other.leaves[-1]),
        "a HEAD": file_of(log, len(log.leaves) - 1),
        "an act": file_of(log, 0),
        "another log's key": file_of(log, index, by="another"),
        "another place": good.replace(b"\nindex ", b"\nindex 1"),
        "no leaf": good.replace(b"extra " + leaf + b"\n", b""),
        "an empty leaf": good.replace(leaf, b""),
        "cut": good[:-1],
        "more": good + b"\n",
        "no text": good.replace(b"index", b"\xff\xfe\xfd"),
    }
    for name, data in lies.items():
        with pytest.raises(VerificationError):
            raise AssertionError(name, verify_receipt(data, log.trust_root))


def test_every_changed_byte_of_a_receipt_is_refused(log: HandmadeLog) -> None:
    good = file_of(log, place(log))
    for at in range(len(good)):
        changed = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
        with pytest.raises(VerificationError):
            verify_receipt(changed, log.trust_root)
