"""Every parser of a form: arbitrary bytes give a value or exactly one typed error, and what it accepts is canonical."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from creditregistry.v1 import certificate_pb2, directory_pb2, evidence_pb2
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import Act, InstitutionBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.key_request import KeyRequest
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import ActLeaf, Head, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.state import InstitutionState, RegistryState, Rulebook
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.tls_key import SignedClaim, TlsKeyClaim, sign_claim
from client_sdk.kernel.formats.words import KeyUsage, Role, TlsKeyAction
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from tests.support.handmade_log import REGISTRY, HandmadeLog, signer

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[3] / "vectors" / "golden"
FORMS = {name: bytes.fromhex(text) for name, text in json.loads((GOLDEN / "forms.json").read_text()).items()}


class Parser(NamedTuple):
    """Reads bytes and writes what it read again."""

    name: str
    again: Callable[[bytes], bytes]
    sample: bytes


def _payload(name: str) -> bytes:
    return parse_leaf(FORMS[name]).payload


def _rulebook(data: bytes) -> bytes:
    return Rulebook.of(canonical.parse(directory_pb2.Rulebook, data, "rulebook")).encode()


def _evidence(data: bytes) -> bytes:
    return canonical.encode(canonical.parse(evidence_pb2.Evidence, data, "evidence"))


LOG = HandmadeLog()
ACT_FILE = ActFile(_payload("leaf: institution act")).approve(signer("admin-1 ADMINISTER"))
CLAIM = TlsKeyClaim(REGISTRY, "lender-9", bytes(range(32)), 1_700_000_000_000, TlsKeyAction.VOUCH)
VOUCH = sign_claim(CLAIM, signer("lender-9 REPORT"))
CSR = b"-----BEGIN CERTIFICATE\n"
ENROLMENT = EnrolmentFile(LOG.enrolment("lender-9", (Role.LENDER,), KeyUsage.REPORT), CSR, VOUCH)

PARSERS = [
    *(
        Parser(name, lambda data: parse_leaf(data).encode(), sample)
        for name, sample in FORMS.items()
        if name.startswith("leaf:")
    ),
    Parser("TLS key claim", lambda data: TlsKeyClaim.parse(data).encode(), FORMS["tls-key"]),
    Parser("signed claim", lambda data: SignedClaim.parse(data).encode(), VOUCH.encode()),
    Parser("statement", lambda data: Statement.parse(data).encode(), _payload("leaf: statement")),
    Parser("annotation", lambda data: Annotation.parse(data).encode(), _payload("leaf: annotation")),
    Parser("lapse", lambda data: Lapse.parse(data).encode(), _payload("leaf: lapse")),
    Parser("head", lambda data: Head.parse(data).encode(), _payload("leaf: HEAD")),
    Parser("genesis act", lambda data: Act.parse(data).encode(), _payload("leaf: genesis act")),
    Parser("institution act", lambda data: Act.parse(data).encode(), _payload("leaf: institution act")),
    Parser("key act", lambda data: Act.parse(data).encode(), _payload("leaf: key act")),
    Parser("institution state", lambda data: InstitutionState.parse(data).encode(), FORMS["institution state"]),
    Parser("registry state", lambda data: RegistryState.parse(data).encode(), FORMS["registry state"]),
    Parser("rulebook", _rulebook, FORMS["rulebook"]),
    Parser("inquiry", lambda data: Inquiry.parse(data).encode(), FORMS["inquiry"]),
    Parser("inquiry leaf", lambda data: InquiryLeaf.parse(data).encode(), FORMS["inquiry leaf"]),
    Parser("key-request", lambda data: KeyRequest.parse(data).encode(), FORMS["key-request"]),
    Parser("evidence", _evidence, (GOLDEN / "evidence-clear.bin").read_bytes()),
]
FILES = [
    Parser("act file", lambda data: ActFile.parse(data).encode(), ACT_FILE.encode()),
    Parser(
        "certificate request",
        lambda data: CertificateRequest.parse(data).encode(),
        CertificateRequest("lender-9", CSR, VOUCH).encode(),
    ),
    Parser("enrolment file", lambda data: EnrolmentFile.parse(data).encode(), ENROLMENT.encode()),
]
ALL = [*PARSERS, *FILES]


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.name)
def test_a_form_is_read_and_written_alike(parser: Parser) -> None:
    assert parser.again(parser.sample) == parser.sample


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.name)
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_give_a_value_or_one_typed_error(parser: Parser, data: bytes) -> None:
    try:
        again = parser.again(data)
    except FormatError:
        return
    assert again == data


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@given(data=st.data())
def test_what_is_almost_right_is_another_value_or_one_typed_error(parser: Parser, data: st.DataObject) -> None:
    sample = bytearray(parser.sample)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(sample) - 1))
        match data.draw(st.sampled_from(["set", "insert", "delete"])):
            case "set":
                sample[at] = data.draw(st.integers(0, 255))
            case "insert":
                sample.insert(at, data.draw(st.integers(0, 255)))
            case _:
                del sample[at]
    try:
        again = parser.again(bytes(sample))
    except FormatError:
        return
    assert again == bytes(sample)


@pytest.mark.parametrize("parser", FILES, ids=lambda parser: parser.name)
@given(data=st.data())
def test_a_changed_file_is_another_value_or_one_typed_error(parser: Parser, data: st.DataObject) -> None:
    """Files are JSON for people: spaces may differ, so only the value is compared."""
    at = data.draw(st.integers(0, len(parser.sample) - 1))
    changed = parser.sample[:at] + bytes((data.draw(st.integers(0, 255)),)) + parser.sample[at + 1 :]
    try:
        again = parser.again(changed)
    except FormatError:
        return
    assert parser.again(again) == again


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_truncated_form_is_refused_or_another_form(parser: Parser) -> None:
    """Cut between two fields, some forms are shorter forms: an act with fewer signatures, a state with fewer keys."""
    for length in range(0, len(parser.sample), 1 + len(parser.sample) // 200):
        try:
            again = parser.again(parser.sample[:length])
        except FormatError:
            continue
        assert again == parser.sample[:length]


@pytest.mark.parametrize(
    "parser", [parser for parser in PARSERS if "leaf" not in parser.name], ids=lambda parser: parser.name
)
@pytest.mark.parametrize(
    "more",
    [
        b"\xf8\x07\x01",  # field 127
        b"\x0a\x00",  # field 1 again, empty
        b"\x00",
    ],
    ids=["unknown-field", "repeated-field", "zero-byte"],
)
def test_signed_bytes_hold_nothing_unknown_or_repeated(parser: Parser, more: bytes) -> None:
    with pytest.raises(FormatError):
        parser.again(parser.sample + more)


def test_an_act_file_gathers_approvals() -> None:
    file = ActFile.parse(ACT_FILE.encode()).approve(signer("admin-2 ADMINISTER"))
    assert file == file.approve(signer("admin-1 ADMINISTER"))
    assert isinstance(file.act.body, InstitutionBody)
    leaf = file.leaf(LOG.logged_at)
    assert isinstance(leaf, ActLeaf)
    assert [approval.key_id for approval in leaf.approvals] == sorted(approval.key_id for approval in leaf.approvals)
    assert parse_leaf(leaf.encode()) == leaf


@pytest.mark.parametrize(
    "change",
    [
        {"form": "another"},
        {"payload": 3},
        {"payload": "!!"},
        {"payload": "QQ"},
        {"approvals": [{}]},
        {"approvals": [{"key_id": "zz", "signature": ""}]},
        {"more": 1},
    ],
)
def test_an_act_file_of_another_form_is_refused(change: dict[str, object]) -> None:
    content = {**json.loads(ACT_FILE.encode()), **change}
    with pytest.raises(FormatError):
        ActFile.parse(json.dumps(content).encode())


def test_a_file_holds_a_vouch_of_its_own_institution_for_the_key_that_it_names() -> None:
    stranger, other = signer("lender-8 REPORT"), replace(CLAIM, institution="lender-8")
    for vouch in (sign_claim(CLAIM, stranger), sign_claim(other, stranger)):
        with pytest.raises(FormatError, match="vouch"):
            EnrolmentFile.parse(replace(ENROLMENT, vouch=vouch).encode())
    request = CertificateRequest("lender-9", CSR, VOUCH)
    assert CertificateRequest.parse(request.encode()) == request == CertificateRequest.of(ENROLMENT)
    revocation = sign_claim(replace(CLAIM, action=TlsKeyAction.REVOKE), signer("lender-9 REPORT"))
    for vouch in (sign_claim(other, stranger), revocation):
        with pytest.raises(FormatError, match="vouch"):
            CertificateRequest.parse(replace(request, vouch=vouch).encode())
    content = {**json.loads(request.encode()), "spki_hash": bytes(32).hex()}
    with pytest.raises(FormatError, match="spki-hash"):
        CertificateRequest.parse(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"registry": ""}, "tls-key.complete"),
        ({"issued_at": 0}, "tls-key.complete"),
        ({"spki_hash": bytes(31)}, "spki_hash.length"),
        ({"institution": "Lender"}, "institution.form"),
    ],
)
def test_a_claim_about_a_tls_key_is_complete(change: dict[str, object], rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        TlsKeyClaim.parse(replace(CLAIM, **change).encode())  # type: ignore[arg-type]  # the test names fields
    assert refused.value.rule == rule


def test_an_unknown_action_is_refused() -> None:
    message = certificate_pb2.TlsKeyClaim.FromString(CLAIM.encode())
    for action in (0, 3):
        message.action = action  # type: ignore[assignment]  # no number of the enumeration
        with pytest.raises(FormatError):
            TlsKeyClaim.parse(canonical.encode(message))


def test_an_enrolment_file_names_the_institution_inside() -> None:
    content = json.loads(ENROLMENT.encode())
    assert EnrolmentFile.parse(ENROLMENT.encode()) == ENROLMENT
    with pytest.raises(FormatError, match="enrolment"):
        EnrolmentFile.parse(json.dumps({**content, "institution": "lender-1"}).encode())
    with pytest.raises(FormatError, match="enrolment"):
        EnrolmentFile.parse(b" " * 70_000)


@pytest.mark.parametrize(
    "text",
    ['{"form": "x", %s', '{"form": {"a": 1, "a": 1}, %s', '{"form": [{"a": 1, "\\u0061": 2}], %s'],
    ids=["file", "object", "list"],
)
def test_a_field_twice_is_refused_wherever_it_stands(text: str) -> None:
    for whole, parse in ((ENROLMENT.encode(), EnrolmentFile.parse), (ACT_FILE.encode(), ActFile.parse)):
        with pytest.raises(FormatError, match=r"json\.once"):
            parse((text % whole.decode().lstrip().removeprefix("{")).encode())


def test_a_leaf_is_no_longer_than_a_leaf_may_be() -> None:
    leaf = parse_leaf(FORMS["leaf: statement"])
    assert isinstance(leaf, StatementLeaf)
    long = StatementLeaf(leaf.logged_at, leaf.payload_type, bytes(65_500), leaf.key_id, leaf.signature)
    with pytest.raises(FormatError, match=r"leaf\.size"):
        long.encode()
