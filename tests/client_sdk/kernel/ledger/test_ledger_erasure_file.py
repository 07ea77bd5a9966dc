"""Proofs of erasure: each way in which a record ends, a second verifier, and every lie in them refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.erasure import Erasure
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.erasure_file import (
    ERASURE_LABEL,
    MAX_BYTES,
    erasure_file,
    parse_erasure_file,
    read_erasure,
)
from client_sdk.verification import is_erasure, is_receipt, is_trust_root, verify_erasure
from tests.support.erased import OPENING, Erased
from tests.support.handmade_log import REGISTRY, record_id, signer
from tests.support.naive_erasure import naive_erasure
from tests.support.naive_parts import Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

LOG_KEY = signer("log").public_key.raw


ERASED = Erased()
ROOT = ERASED.log.trust_root
WAYS = {"mistaken": "WITHDRAWN", "judged": "SET_ASIDE", "ordered": "ERASURE_ACT", "paid": "RETENTION_ENDED"}


def refused(data: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_erasure(data, ROOT)
    return caught.value.rule


@pytest.mark.parametrize("name", WAYS)
def test_each_way_in_which_a_record_ends_is_proved_alike_by_two_verifiers(name: str) -> None:
    data = ERASED.file(name)
    assert is_erasure(data)
    assert not is_receipt(data)
    assert not is_trust_root(data)
    proof = verify_erasure(data, ROOT)
    subject = ERASED.log.subject(f"person of {name}")
    assert (proof.by, proof.record_id, proof.index) == (WAYS[name], record_id(name), ERASED.ends[name])
    assert proof.names_person
    assert naive_erasure(data, REGISTRY, LOG_KEY, subject) == WAYS[name]


def test_only_who_knows_the_pseudonym_opens_the_person() -> None:
    verified = read_erasure(parse_erasure_file(ERASED.file("mistaken")), REGISTRY, ROOT.log_key)
    own, other = (ERASED.log.subject(f"person of {name}") for name in ("mistaken", "paid"))
    assert verified.is_of([(2, other), (1, own)])
    assert not verified.is_of([(1, other)])
    # The version of the subject keys is part of what is committed to.
    assert not verified.is_of([(2, own)])
    nobody = read_erasure(parse_erasure_file(ERASED.file("mistaken", opening=b"", person=b"")), REGISTRY, ROOT.log_key)
    assert not nobody.is_of([(1, own)])
    with pytest.raises(Wrong):
        naive_erasure(ERASED.file("mistaken"), REGISTRY, LOG_KEY, other)


def test_nothing_in_it_leads_to_a_person() -> None:
    subject = ERASED.log.subject("person of mistaken")
    data = ERASED.file("mistaken")
    assert subject not in data
    assert ERASED.log.secret("mistaken", 1, "person of mistaken")[0].opening not in data


@pytest.mark.parametrize("name", ["mistaken", "paid"])
def test_every_changed_byte_is_refused(name: str) -> None:
    good = ERASED.file(name)
    opening = good.rindex(OPENING)
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= 1
        if opening <= at < opening + len(OPENING):
            # Nobody signed the opening: with another one the person does not open.
            verified = read_erasure(parse_erasure_file(bytes(changed)), REGISTRY, ROOT.log_key)
            assert not verified.is_of([(1, ERASED.log.subject(f"person of {name}"))])
        else:
            assert refused(bytes(changed))


LIES: list[tuple[Callable[[], bytes], str]] = [
    (lambda: ERASED.file("running", ERASED.ends["mistaken"]), "erasure.ends"),
    (lambda: ERASED.file("running", ERASED.ends["ordered"]), "erasure.ends"),
    (lambda: ERASED.file("running", ERASED.ends["paid"]), "erasure.ends"),
    (lambda: ERASED.file("running", ERASED.log.state.chains[Erased.key("running")].index), "erasure.ends"),
    (lambda: ERASED.file("running", len(ERASED.log.leaves) - 2), "erasure.ends"),
    (lambda: ERASED.file("running", len(ERASED.log.leaves) - 1), "erasure.ends"),
    (lambda: ERASED.file("paid", registry="other.example"), "erasure.registry"),
    (lambda: ERASED.file("paid", issuer="lender-2"), "erasure.ends"),
    (lambda: ERASED.file("paid", erased_at=ERASED.log.logged_at - 1), "erasure.leaf"),
    (lambda: ERASED.file("paid", leaf_hash=bytes(32)), "erasure.leaf"),
    (lambda: ERASED.file("paid", found_at=1), "erasure.complete"),
    (lambda: ERASED.file("paid", person=b"short"), "erasure.hash"),
    (lambda: ERASED.file("paid", opening=b""), "erasure.opening"),
    (lambda: ERASED.file("paid", person=b""), "erasure.opening"),
    (lambda: ERASED.signed(ERASED.erasure("paid", ERASED.ends["paid"]), ERASED.ends["mistaken"]), "erasure.leaf"),
    (lambda: ERASED.signed(ERASED.erasure("paid", ERASED.ends["paid"]), ERASED.ends["paid"], by="x"), "erasure.key"),
    (lambda: b"", "erasure.label"),
    (lambda: ERASURE_LABEL + bytes(MAX_BYTES), "erasure.label"),
]


@pytest.mark.parametrize(("made", "rule"), LIES, ids=[f"{number} {rule}" for number, (_, rule) in enumerate(LIES)])
def test_lies_of_the_registry_itself_are_refused(made: Callable[[], bytes], rule: str) -> None:
    assert refused(made()) == rule
    with pytest.raises((Wrong, ValueError)):
        naive_erasure(made(), REGISTRY, LOG_KEY)


def test_an_erasure_is_no_other_form() -> None:
    payload = ERASED.erasure("paid", ERASED.ends["paid"]).encode()
    file = parse_erasure_file(ERASED.file("paid"))
    file.proved.erasure.signature = dsse.sign(signer("log"), dsse.TLS_KEY, payload)
    assert refused(erasure_file(file.proved, file.opening)).startswith("signature")
    with pytest.raises(FormatError):
        Erasure.parse(payload + b"\xf8\x07\x01")
