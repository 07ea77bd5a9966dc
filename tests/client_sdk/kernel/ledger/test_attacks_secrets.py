"""What a value of the kernel shows of itself: never a pseudonym, an opening, a fact or a key."""

from __future__ import annotations

import traceback

import pytest
from creditregistry.v1 import facts_pb2

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.debt import debt_ref
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord
from client_sdk.kernel.formats.seal import Opened, open_facts
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.examination import LiveBinding
from client_sdk.kernel.ledger.inquiry import InquiryOpening, PersonOpening
from client_sdk.kernel.ledger.map_parts import MapPart
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey
from client_sdk.kernel.subjects.pseudonym import Pseudonym
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import HandmadeLog

SECRET = b"never to be seen, in 32 bytes..."
assert len(SECRET) == 32
PERSON = PersonOpening(SECRET, ((1, SECRET),))
# A number that nobody has: the sequence and the check character follow from nothing.
NUMBER = "11010119900101001X"


@pytest.mark.parametrize(
    "value",
    [
        Opened(SECRET, SECRET),
        MappedRecord(7, bytes(32), NO_ANNOTATION, SECRET),
        MapPart(1, SECRET, [(SECRET, SECRET)]),
        LiveBinding(7, SECRET, SECRET),
        PERSON,
        InquiryOpening((PERSON,), SECRET, SECRET, SECRET, SECRET.decode()),
        Pseudonym(1, SECRET, SECRET),
        Ed25519Signer.from_seed(SECRET),
        EvaluationKey.from_seed(SECRET),
        Blinding.of(SECRET),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_shows_nothing_secret(value: object) -> None:
    for text in (repr(value), str(value), f"{value}", repr([value]), repr({"value": value})):
        assert "never to be seen" not in text
        assert SECRET.hex() not in text
        assert repr(SECRET)[2:-1] not in text


def test_a_verified_answer_shows_nobody() -> None:
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    answer = Verifier(log.trust_root).check(AnsweringRegistry(log).answer("lender-2", "listed"))
    (person,) = answer.persons
    shown = repr(answer) + repr(person) + repr(person.records)
    for secret in log.secrets.values():
        assert repr(secret.subject)[2:-1] not in shown
        assert repr(secret.disclosure)[2:-1] not in shown


def test_an_identity_shows_its_type_alone() -> None:
    identity = Identity(IdType.CN_RESIDENT_ID, NUMBER, "CN")
    assert NUMBER not in repr(identity) + str(identity)


@pytest.mark.parametrize(
    "number", [NUMBER, NUMBER[:-1], NUMBER + "1", "1101011990010100１Ⅹ", "110101199013011234", "never to be seen"]
)
def test_a_refused_number_is_in_no_traceback(number: str) -> None:
    refused: list[FormatError] = []
    for kind in IdType:
        try:
            Identity.parse(kind, number)
        except FormatError as error:
            refused.append(error)
    assert refused
    for refusal in refused:
        _assert_silent(refusal, number)


def test_refused_facts_are_in_no_traceback() -> None:
    for data in (SECRET, b"\x0a" + bytes((len(SECRET),)) + SECRET, b"\x12\x04\xff\xfe\xfd\xfc" + SECRET):
        for kind in Kind:
            with pytest.raises((FormatError, RuleError)) as caught:
                parse_facts(kind, data)
            _assert_silent(caught.value, SECRET.decode())


def test_what_does_not_open_is_in_no_traceback() -> None:
    with pytest.raises(FormatError) as caught:
        open_facts(SECRET, SECRET, SECRET)
    _assert_silent(caught.value, SECRET.decode())
    with pytest.raises(FormatError) as caught:
        open_facts(SECRET, SECRET, SECRET * 8 + bytes(16))
    _assert_silent(caught.value, SECRET.decode())
    with pytest.raises(FormatError) as caught:
        debt_ref(SECRET, "91110000MA0000000H", "never to be seen" * 20)
    _assert_silent(caught.value, "never to be seen")


def test_a_refused_text_is_in_no_traceback() -> None:
    message = facts_pb2.DefaultFacts(approver="never to be seen\u0007")
    with pytest.raises(FormatError) as caught:
        canonical.encode(message)
    _assert_silent(caught.value, "never to be seen")
    with pytest.raises(FormatError) as caught:
        canonical.parse(facts_pb2.DefaultFacts, message.SerializeToString(), "facts")
    _assert_silent(caught.value, "never to be seen")


def test_a_key_that_is_none_is_in_no_traceback() -> None:
    pem = b"-----BEGIN PRIVATE KEY-----\n" + SECRET + b"\n-----END PRIVATE KEY-----\n"
    with pytest.raises(FormatError) as caught:
        Ed25519Signer.from_pkcs8_pem(pem)
    _assert_silent(caught.value, SECRET.decode())


def test_a_wrong_binding_is_in_no_complaint() -> None:
    log = HandmadeLog()
    log.say("lender-1", "debt", Standing.OPEN, "listed")
    registry = AnsweringRegistry(log)
    (record,) = next(iter(registry.records.values()))
    record.opening = SECRET
    with pytest.raises(FormatError) as caught:
        Verifier(log.trust_root).check(registry.answer("lender-2", "listed"))
    _assert_silent(caught.value, SECRET.decode())


def _assert_silent(error: BaseException, secret: str) -> None:
    """Nothing of it in the error, in what it was caused by, or in what a log would print of both."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += (str(link), repr(link), repr(vars(link)))
        link = link.__cause__ if link.__cause__ is not None or link.__suppress_context__ else link.__context__
    # The lines of source that a traceback quotes are the test's own.
    seen += traceback.format_exception_only(error)
    assert not [text for text in seen if secret in text]
