"""Every parser of the kernel: bytes from anywhere give a value or one typed error, and a value has one encoding."""

from __future__ import annotations

import base64
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from creditregistry.v1 import evidence_pb2, statement_pb2
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import canonical, note
from client_sdk.kernel.formats.act import (
    Act,
    Body,
    EndingBody,
    KeyEndBody,
    KeyServicesBody,
    ReviewBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
)
from client_sdk.kernel.formats.checkpoint import parse_body, parse_tlog_proof
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.key_request import KeyRequest
from client_sdk.kernel.formats.keys import Ed25519Signer, check_enrolable
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.seal import open_facts, open_text
from client_sdk.kernel.formats.state import InstitutionState, KeyService, KeyServices, RegistryState
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.tiles import entry_bundle, parse_entry_bundle, parse_path
from client_sdk.kernel.formats.tls_key import TlsKeyClaim
from client_sdk.kernel.formats.voprf_key import check_voprf_key
from client_sdk.kernel.formats.words import ClosingWay, InstitutionStatus, Kind
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.holder import Holder
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.case_number import parse_case_number
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.fact_parts import Consent
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.kernel.subjects.oprf import EvaluationKey
from tests.support.closing_lies import closing
from tests.support.handmade_log import REGISTRY, HandmadeLog, voprf_key
from tests.support.production import BREACH, REVIEW

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"
FORMS = {name: bytes.fromhex(value) for name, value in json.loads((GOLDEN / "forms.json").read_text()).items()}
EVIDENCE = (GOLDEN / "evidence-listed.bin").read_bytes()
LOG = HandmadeLog(lenders=("lender-1",))


class Encodes(Protocol):
    """What writes its own bytes."""

    def encode(self) -> bytes: ...


def _payload(name: str) -> bytes:
    leaf = parse_leaf(FORMS[name])
    assert isinstance(leaf, StatementLeaf | ActLeaf | LapseLeaf | HeadLeaf)
    return leaf.payload


def _act(body: Body) -> bytes:
    return Act(REGISTRY, 1, bytes(32), body).encode()


# Parsers of forms with one encoding, with bytes that they read.
CANONICAL: dict[str, tuple[Callable[[bytes], Encodes], bytes]] = {
    "statement": (Statement.parse, _payload("leaf: statement")),
    "annotation": (Annotation.parse, _payload("leaf: annotation")),
    "genesis": (Act.parse, _payload("leaf: genesis act")),
    "key act": (Act.parse, _payload("leaf: key act")),
    "key end": (Act.parse, _act(KeyEndBody("lender-1", bytes(32), 7))),
    "state act": (Act.parse, _act(StateBody("lender-1", InstitutionStatus.TERMINATED))),
    "succession act": (Act.parse, _act(SuccessionBody("lender-1", "lender-2", "merger"))),
    "ending act": (Act.parse, _act(EndingBody("lender-1", "bankruptcy"))),
    "closing act": (Act.parse, _act(closing(LOG, way=ClosingWay.HAND_OVER))),
    "TLS key act": (Act.parse, _act(TlsKeyBody("lender-1", bytes(32), "theft"))),
    "review act": (Act.parse, _act(ReviewBody("lender-1", REVIEW))),
    "breach act": (Act.parse, _act(BREACH)),
    "TLS key claim": (TlsKeyClaim.parse, FORMS["tls-key"]),
    "key services": (
        Act.parse,
        _act(KeyServicesBody(KeyServices(2, (KeyService("a.example:1", voprf_key("a"), "a"),)))),
    ),
    "leaf": (parse_leaf, FORMS["leaf: statement"]),
    "act leaf": (parse_leaf, FORMS["leaf: key act"]),
    "institution state": (InstitutionState.parse, FORMS["institution state"]),
    "registry state": (RegistryState.parse, FORMS["registry state"]),
    "inquiry": (Inquiry.parse, FORMS["inquiry"]),
    "inquiry leaf": (InquiryLeaf.parse, FORMS["inquiry leaf"]),
    "key-request": (KeyRequest.parse, FORMS["key-request"]),
    "trust root": (TrustRoot.parse, (GOLDEN / "trust-root.bin").read_bytes()),
}
SEALED = (FORMS["commitment: facts"], FORMS["commitment: text"])
# Parsers that keep no value with an encoding of its own.
OTHERS: dict[str, Callable[[bytes], object]] = {
    "lapse": Lapse.parse,
    "note": note.parse,
    "frontier": Frontier.from_bytes,
    "entries": parse_entry_bundle,
    "sealed facts": lambda data: open_facts(bytes(32), SEALED[0], data),
    "sealed text": lambda data: open_text(bytes(32), SEALED[1], data),
    "act file": ActFile.parse,
    "enrolment file": EnrolmentFile.parse,
    "key-service file": KeyServiceFile.parse,
    "consent": Consent.parse,
    "default": lambda data: parse_facts(Kind.DEFAULT, data),
    "judgment": lambda data: parse_facts(Kind.JUDGMENT, data),
    "enforcement": lambda data: parse_facts(Kind.ENFORCEMENT, data),
    "private key": Ed25519Signer.from_pkcs8_pem,
    "public key": lambda data: check_enrolable("ed25519", data),
    "element": lambda data: EvaluationKey(bytes(range(32))).evaluate([data]),
    "voprf key": check_voprf_key,
    "evidence": Verifier(LOG.trust_root).verify_file,
}
TEXTS: dict[str, Callable[[str], object]] = {
    "tile path": parse_path,
    "checkpoint": parse_body,
    "tlog proof": parse_tlog_proof,
    "verifier key": VerifierKey.parse,
    "holder": Holder.parse,
    "case number": parse_case_number,
    **{f"identity {kind}": partial(Identity.parse, kind) for kind in IdType},
}

anything = st.binary(max_size=200)
# What digits, slashes and surrogates can do.
any_text = st.text(max_size=80) | st.text("0123456789x/.p\n ", max_size=80) | st.text("\ud800\udfff😀0", max_size=8)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with a few places changed, removed, doubled or added."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("change", "remove", "double", "add"))):
            case "change" if data:
                data[at] = draw(st.integers(0, 255))
            case "remove":
                del data[at : at + draw(st.integers(1, 9))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case _:
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
    return bytes(data)


@pytest.mark.parametrize("name", CANONICAL)
@given(st.data())
def test_a_canonical_form_has_one_encoding(name: str, data: st.DataObject) -> None:
    parse, whole = CANONICAL[name]
    assert parse(whole).encode() == whole
    given_bytes = data.draw(damaged(whole) | anything)
    try:
        value = parse(given_bytes)
    except (FormatError, RuleError):
        return
    assert value.encode() == given_bytes


@pytest.mark.parametrize("name", OTHERS)
@given(anything | damaged(EVIDENCE))
def test_any_bytes_give_a_value_or_one_typed_error(name: str, data: bytes) -> None:
    try:
        OTHERS[name](data)
    except (FormatError, RuleError):
        return


@pytest.mark.parametrize("name", TEXTS)
@given(any_text)
def test_any_text_gives_a_value_or_one_typed_error(name: str, text: str) -> None:
    try:
        TEXTS[name](text)
    except (FormatError, RuleError):
        return


@pytest.mark.parametrize("text", ["tile/0/" + "x123/" * 2000 + "123", "tile/entries/" + "x000/" * 5000 + "000"])
def test_a_path_is_not_read_for_ever(text: str) -> None:
    with pytest.raises(FormatError):
        parse_path(text)


@given(damaged(EVIDENCE))
def test_damaged_evidence_gives_one_typed_error(data: bytes) -> None:
    verifier = Verifier(TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes()))
    try:
        verifier.verify_file(data)
    except FormatError:
        return
    assert data == EVIDENCE


@given(damaged(EVIDENCE))
def test_a_damaged_answer_gives_one_typed_error(data: bytes) -> None:
    # Answers arrive as parsed messages, whose encoding nobody has looked at.
    verifier = Verifier(TrustRoot.parse((GOLDEN / "trust-root.bin").read_bytes()))
    try:
        evidence = evidence_pb2.Evidence.FromString(data)
    except Exception:  # noqa: BLE001 - whatever the run time of protobuf raises
        return
    try:
        verifier.check(evidence)
    except FormatError:
        return


@given(st.lists(anything | damaged(FORMS["leaf: statement"]) | damaged(FORMS["leaf: key act"]), max_size=5))
def test_a_log_of_any_leaves_is_replayed_to_its_end(leaves: list[bytes]) -> None:
    found: list[FormatError | RuleError] = []
    replay = Replay(lambda _, error: found.append(error))
    for leaf in [*LOG.leaves, *leaves]:
        replay.feed(leaf)
    assert replay.size == len(LOG.leaves) + len(leaves)


@given(st.lists(anything, min_size=1, max_size=256))
def test_entries_survive_their_bundle(entries: list[bytes]) -> None:
    assert parse_entry_bundle(entry_bundle(entries)) == entries


json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.text("\ud800😀=A", max_size=8)


@pytest.mark.parametrize(
    ("parse", "form", "fields"),
    [
        (ActFile.parse, "creditregistry act v1", ("payload", "approvals")),
        (EnrolmentFile.parse, "creditregistry enrolment v1", ("institution", "enrolment", "csr")),
        (KeyServiceFile.parse, "creditregistry key-service v1", ("name", "url", "public_key", "csr")),
    ],
)
@given(st.data())
def test_any_json_gives_a_value_or_one_typed_error(
    parse: Callable[[bytes], Encodes], form: str, fields: tuple[str, ...], data: st.DataObject
) -> None:
    keys = base64.b64encode(bytes(32)).decode()
    values = (
        json_values
        | st.just(keys)
        | st.just("key-service-a")
        | st.lists(st.dictionaries(st.sampled_from(("key_id", "signature")), json_values), max_size=2)
    )
    content = {"form": form, **{name: data.draw(values) for name in fields}}
    try:
        value = parse(json.dumps(content).encode())
    except (FormatError, RuleError):
        return
    assert parse(value.encode()) == value


@pytest.mark.parametrize(
    "data", [b"\x0a\x03e\xcc\x81", b"\x0a\x01\x07", b"\x0a\x02\xc2\x85", b"\x0a\x01\xff", b"\x82\x01\x00"]
)
def test_text_is_nfc_without_controls_and_no_part_is_empty(data: bytes) -> None:
    with pytest.raises(FormatError):
        canonical.parse(statement_pb2.Statement, data, "statement")
