"""What a key service answers, and what it refuses and why, over real TLS on both databases."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import evaluation_pb2, evidence_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceStub
from sqlalchemy import create_engine, select

from client_sdk._transport.channels import channel, error_of_call
from client_sdk.errors import RefusedError, TransportError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import InstitutionBody, KeyEndBody, StateBody
from client_sdk.kernel.formats.key_request import KeyRequest, elements_digest
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, KeyUse, Purpose, Role
from client_sdk.kernel.subjects.oprf import Blinding, finalize
from registry_server.subject_key_service.admission import MAX_AGE_MS
from registry_server.subject_key_service.request_log import key_quotas, key_requests
from tests.support.handmade_log import REGISTRY, signer
from tests.support.key_services import KeyServiceSite, wait_until_followed, wall_clock_ms
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.keys import Ed25519Signer

RULEBOOK = Rulebook(daily_report_evaluations=1_500, daily_inquire_evaluations=6)


@dataclass
class Clock:
    """The service's clock: it can be ahead of the machine's."""

    ahead_ms: int = 0

    def __call__(self) -> int:
        return wall_clock_ms() + self.ahead_ms


@dataclass
class Bench:
    """A key service with everything around it."""

    site: KeyServiceSite
    log: Logbook
    authority: Authority
    stub: SubjectKeyServiceStub
    link: grpc.Channel
    clock: Clock
    database_url: str

    def request(self, blinded: bytes, **changes: object) -> KeyRequest:
        request = KeyRequest(
            registry=REGISTRY,
            service=self.site.service.key_id,
            subject_key_version=1,
            institution="lender-1",
            request_id=secrets.token_bytes(16),
            issued_at=self.clock(),
            use=KeyUse.INQUIRE,
            purpose=Purpose.LOAN_APPROVAL,
            elements_digest=elements_digest(blinded),
        )
        return replace(request, **changes)  # type: ignore[arg-type]  # the test names fields

    def message(
        self, blinded: bytes, by: Ed25519Signer | None = None, **changes: object
    ) -> evaluation_pb2.EvaluateRequest:
        request = self.request(blinded, **changes)
        return signed(request.encode(), blinded, by or signer(f"{request.institution} {request.use.name}"))

    def failed(
        self, message: evaluation_pb2.EvaluateRequest, stub: SubjectKeyServiceStub | None = None
    ) -> RefusedError | TransportError:
        with pytest.raises(grpc.RpcError) as caught:
            (stub or self.stub).Evaluate(message)
        return error_of_call(caught.value)

    def refused(
        self, message: evaluation_pb2.EvaluateRequest, stub: SubjectKeyServiceStub | None = None
    ) -> RefusedError:
        error = self.failed(message, stub)
        assert isinstance(error, RefusedError)
        return error

    def act(self, body: Body) -> None:
        """Log an act and wait until the service knows it; lender-3, who asks, is none that acts befall here."""
        self.log.act(body)
        self.log.commit()
        with channel(self.site.url, self.authority.member("lender-3")) as watching:
            wait_until_followed(watching, self.log.logged_at)

    def rows(self) -> list[dict[str, object]]:
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                return [dict(row._mapping) for row in connection.execute(select(key_requests))]
        finally:
            engine.dispose()

    def used(self) -> int:
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                return sum(connection.execute(select(key_quotas.c.used)).scalars())
        finally:
            engine.dispose()


def signed(payload: bytes, blinded: bytes, by: Ed25519Signer) -> evaluation_pb2.EvaluateRequest:
    signature = dsse.sign(by, dsse.KEY_REQUEST, payload)
    shown = evidence_pb2.SignedPayload(payload=payload, key_id=by.public_key.key_id, signature=signature)
    return evaluation_pb2.EvaluateRequest(request=shown, blinded=blinded)


def elements(count: int) -> tuple[list[Blinding], bytes]:
    blindings = [Blinding.of(f"person {number}".encode()) for number in range(count)]
    return blindings, b"".join(blinding.element for blinding in blindings)


def element() -> bytes:
    return elements(1)[1]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def member(authority: Authority) -> TlsMaterial:
    return authority.member("lender-1")


@pytest.fixture
def bench(tmp_path: Path, authority: Authority, member: TlsMaterial, empty_database_url: str) -> Iterator[Bench]:
    site = KeyServiceSite(tmp_path / "key-service-a", "key-service-a")
    log, clock = Logbook(services=[site.service], rulebook=RULEBOOK), Clock()
    with serve(LogbookRegistry(log), authority.server()) as registry:
        site.install(authority, log.trust_root, registry, empty_database_url)
        with site.running(member, clock) as link:
            yield Bench(site, log, authority, SubjectKeyServiceStub(link), link, clock, empty_database_url)


def test_a_lender_is_answered_and_the_answer_is_proved(bench: Bench) -> None:
    blindings, blinded = elements(3)
    answer = bench.stub.Evaluate(bench.message(blinded))
    evaluated = [answer.evaluated[at : at + 32] for at in range(0, 96, 32)]
    outputs = finalize(blindings, evaluated, answer.proof, bench.site.service.public_key)
    assert len(set(outputs)) == 3


def test_a_thousand_elements_are_one_request(bench: Bench) -> None:
    blindings, blinded = elements(1_000)
    answer = bench.stub.Evaluate(bench.message(blinded, use=KeyUse.REPORT, purpose=Purpose.REPORTING))
    evaluated = [answer.evaluated[at : at + 32] for at in range(0, 32_000, 32)]
    assert len(finalize(blindings, evaluated, answer.proof, bench.site.service.public_key)) == 1_000


def test_the_log_says_who_asked_when_and_why_and_never_a_result(bench: Bench) -> None:
    _, blinded = elements(2)
    message = bench.message(blinded)
    before = bench.clock()
    answer = bench.stub.Evaluate(message)
    (row,) = bench.rows()
    assert row["institution"] == "lender-1"
    assert row["use"] == "INQUIRE"
    assert row["purpose"] == "LOAN_APPROVAL"
    assert row["element_count"] == 2
    assert row["outcome"] == "ADMITTED"
    assert before <= int(str(row["received_at"])) <= bench.clock()
    assert row["payload"] == message.request.payload
    assert row["signature"] == message.request.signature
    assert row["blinded"] == blinded
    kept = b"".join(value for value in row.values() if isinstance(value, bytes))
    assert answer.evaluated[:32] not in kept
    assert answer.proof[:32] not in kept


def test_a_refused_request_leaves_no_row(bench: Bench) -> None:
    bench.refused(bench.message(element(), by=signer("lender-2 INQUIRE")))
    assert bench.rows() == []
    assert bench.used() == 0


def test_a_key_of_another_member(bench: Bench) -> None:
    assert bench.refused(bench.message(element(), by=signer("lender-2 INQUIRE"))).reason == "KEY_OF_ANOTHER"


def test_a_key_that_nobody_has_enrolled(bench: Bench) -> None:
    assert bench.refused(bench.message(element(), by=signer("nobody"))).reason == "KEY_UNKNOWN"


def test_a_key_of_the_wrong_usage(bench: Bench) -> None:
    error = bench.refused(bench.message(element(), by=signer("lender-1 REPORT")))
    assert (error.reason, error.got, error.want) == ("KEY_USAGE", "REPORT", "INQUIRE")


def test_a_signature_that_does_not_verify(bench: Bench) -> None:
    message = bench.message(element())
    message.request.signature = bytes(64)
    assert bench.refused(message).reason == "SIGNATURE_INVALID"


def test_a_signature_over_another_form(bench: Bench) -> None:
    blinded = element()
    payload, key = bench.request(blinded).encode(), signer("lender-1 INQUIRE")
    message = signed(payload, blinded, key)
    message.request.signature = dsse.sign(key, dsse.INQUIRY, payload)
    assert bench.refused(message).reason == "SIGNATURE_INVALID"


def test_a_revoked_key(bench: Bench) -> None:
    bench.act(KeyEndBody("lender-1", signer("lender-1 INQUIRE").public_key.key_id))
    assert bench.refused(bench.message(element())).reason == "KEY_RANGE"


@pytest.mark.parametrize("payload", [b"", b"\x0a", b"\xff" * 40, bytes(100)])
def test_bytes_that_are_no_request(bench: Bench, payload: bytes) -> None:
    assert bench.refused(signed(payload, element(), signer("lender-1 INQUIRE"))).reason == "MALFORMED"


def test_an_unknown_field_in_the_signed_bytes(bench: Bench) -> None:
    blinded = element()
    payload = bench.request(blinded).encode() + b"\x78\x01"
    error = bench.refused(signed(payload, blinded, signer("lender-1 INQUIRE")))
    assert (error.reason, error.rule) == ("MALFORMED", "canonical.unknown-field")


def test_another_registry(bench: Bench) -> None:
    assert bench.refused(bench.message(element(), registry="other.example")).reason == "REGISTRY_OTHER"


def test_another_key_service(bench: Bench) -> None:
    assert bench.refused(bench.message(element(), service=bytes(32))).reason == "SERVICE_OTHER"


def test_a_version_that_is_not_live(bench: Bench) -> None:
    error = bench.refused(bench.message(element(), subject_key_version=2))
    assert (error.reason, error.got, error.want) == ("VERSION_NOT_SERVED", "2", "of 1")


def test_the_same_request_again(bench: Bench) -> None:
    message = bench.message(element())
    bench.stub.Evaluate(message)
    error = bench.refused(message)
    assert error.reason == "REQUEST_USED"
    assert error.status == "ALREADY_EXISTS"
    assert len(bench.rows()) == 1
    assert bench.used() == 1


def test_the_same_request_id_for_other_elements(bench: Bench) -> None:
    request_id = secrets.token_bytes(16)
    bench.stub.Evaluate(bench.message(element(), request_id=request_id))
    assert bench.refused(bench.message(element(), request_id=request_id)).reason == "REQUEST_USED"


def test_two_members_may_draw_the_same_request_id(bench: Bench) -> None:
    request_id = secrets.token_bytes(16)
    bench.stub.Evaluate(bench.message(element(), request_id=request_id))
    with channel(bench.site.url, bench.authority.member("lender-2")) as link:
        message = bench.message(element(), request_id=request_id, institution="lender-2")
        assert SubjectKeyServiceStub(link).Evaluate(message).evaluated


@pytest.mark.parametrize("off_ms", [-MAX_AGE_MS - 2_000, MAX_AGE_MS + 2_000])
def test_a_request_signed_too_long_ago_or_ahead(bench: Bench, off_ms: int) -> None:
    error = bench.refused(bench.message(element(), issued_at=bench.clock() + off_ms))
    assert (error.reason, error.field) == ("REQUEST_STALE", "issued_at")


@pytest.mark.parametrize("off_ms", [-MAX_AGE_MS + 10_000, MAX_AGE_MS - 10_000])
def test_a_request_signed_within_five_minutes(bench: Bench, off_ms: int) -> None:
    assert bench.stub.Evaluate(bench.message(element(), issued_at=bench.clock() + off_ms)).evaluated


@pytest.mark.parametrize(("size", "got"), [(0, "0"), (31, "31 bytes"), (33, "33 bytes"), (32_032, "1001")])
def test_too_few_and_too_many_elements(bench: Bench, size: int, got: str) -> None:
    error = bench.refused(bench.message(element() * 1_001, by=None) if size == 32_032 else bench.message(bytes(size)))
    assert (error.reason, error.field, error.got) == ("ELEMENTS_COUNT", "blinded", got)


def test_a_request_that_is_larger_than_any(bench: Bench) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        bench.stub.Evaluate(bench.message(bytes(2_000_000)))
    assert error_of_call(caught.value).status == "RESOURCE_EXHAUSTED"
    assert bench.stub.Evaluate(bench.message(element())).evaluated


def test_elements_that_were_not_signed_for(bench: Bench) -> None:
    message = bench.message(element())
    message.blinded = element()
    assert bench.refused(message).reason == "ELEMENTS_MISMATCH"


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32, b"\x01" + bytes(31)], ids=["identity", "large", "odd"])
@pytest.mark.parametrize("count", [1, 6])
def test_an_element_that_is_none(bench: Bench, bad: bytes, count: int) -> None:
    blinded = elements(count)[1][:-32] + bad
    error = bench.refused(bench.message(blinded))
    assert (error.reason, error.field) == ("ELEMENT_INVALID", "blinded")
    assert bench.stub.Evaluate(bench.message(element(), use=KeyUse.REPORT, purpose=Purpose.REPORTING)).evaluated


@pytest.mark.parametrize(
    ("use", "purpose"), [(KeyUse.INQUIRE, Purpose.REPORTING), (KeyUse.REPORT, Purpose.LOAN_APPROVAL)]
)
def test_a_purpose_of_the_other_use(bench: Bench, use: KeyUse, purpose: Purpose) -> None:
    assert bench.refused(bench.message(element(), use=use, purpose=purpose)).reason == "PURPOSE_INVALID"


def test_another_members_certificate(bench: Bench) -> None:
    with channel(bench.site.url, bench.authority.member("lender-2")) as link:
        error = bench.refused(bench.message(element()), SubjectKeyServiceStub(link))
    assert (error.reason, error.got) == ("PEER_MISMATCH", "lender-1")


def test_a_certificate_of_a_key_service(bench: Bench) -> None:
    tls = bench.authority.issue("creditregistry:key-service:key-service-b")
    with channel(bench.site.url, tls) as link:
        assert bench.refused(bench.message(element()), SubjectKeyServiceStub(link)).reason == "CERTIFICATE_UNKNOWN"


def test_a_certificate_with_two_holders(bench: Bench) -> None:
    tls = bench.authority.issue("creditregistry:institution:lender-1", "creditregistry:institution:lender-2")
    with channel(bench.site.url, tls) as link:
        assert bench.refused(bench.message(element()), SubjectKeyServiceStub(link)).reason == "CERTIFICATE_UNKNOWN"


def test_no_certificate_at_all(bench: Bench) -> None:
    credentials = grpc.ssl_channel_credentials(bench.authority.ca)
    with grpc.secure_channel(bench.site.url, credentials) as link, pytest.raises(grpc.RpcError) as caught:
        SubjectKeyServiceStub(link).Evaluate(bench.message(element()), timeout=10)
    assert error_of_call(caught.value).status == "UNAVAILABLE"


def test_a_suspended_lender_may_report_and_not_inquire(bench: Bench) -> None:
    bench.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    assert bench.refused(bench.message(element())).reason == "INSTITUTION_SUSPENDED"
    assert bench.stub.Evaluate(bench.message(element(), use=KeyUse.REPORT, purpose=Purpose.REPORTING)).evaluated


def test_a_terminated_lender_is_refused(bench: Bench) -> None:
    bench.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    message = bench.message(element(), use=KeyUse.REPORT, purpose=Purpose.REPORTING)
    assert bench.refused(message).reason == "INSTITUTION_TERMINATED"


def test_an_auditor_is_refused(bench: Bench) -> None:
    bench.act(InstitutionBody(bench.log.enrolment("auditor", (Role.AUDITOR,), KeyUsage.AUDIT)))
    with channel(bench.site.url, bench.authority.member("auditor")) as link:
        message = bench.message(element(), by=signer("auditor AUDIT"), institution="auditor")
        assert bench.refused(message, SubjectKeyServiceStub(link)).reason == "NOT_A_LENDER"


def test_who_is_no_member_is_refused(bench: Bench) -> None:
    with channel(bench.site.url, bench.authority.member("stranger")) as link:
        message = bench.message(element(), institution="stranger")
        assert bench.refused(message, SubjectKeyServiceStub(link)).reason == "INSTITUTION_UNKNOWN"


def test_the_quota_of_a_day_ends_and_the_next_day_begins_anew(bench: Bench) -> None:
    bench.stub.Evaluate(bench.message(elements(4)[1]))
    error = bench.refused(bench.message(elements(3)[1]))
    assert (error.reason, error.got, error.want) == ("QUOTA_EXCEEDED", "3 more", "6 a day")
    assert error.status == "RESOURCE_EXHAUSTED"
    bench.stub.Evaluate(bench.message(elements(2)[1]))
    assert bench.refused(bench.message(element())).reason == "QUOTA_EXCEEDED"
    assert sorted(str(row["outcome"]) for row in bench.rows()) == ["ADMITTED"] * 2 + ["QUOTA_EXCEEDED"] * 2
    assert bench.used() == 6
    bench.clock.ahead_ms = 86_400_000
    bench.log.commit(bench.clock())
    wait_until_followed(bench.link, bench.log.logged_at)
    assert bench.stub.Evaluate(bench.message(element())).evaluated


def test_quotas_are_of_one_use_and_one_member(bench: Bench) -> None:
    bench.stub.Evaluate(bench.message(elements(6)[1]))
    assert bench.refused(bench.message(element())).reason == "QUOTA_EXCEEDED"
    assert bench.stub.Evaluate(bench.message(element(), use=KeyUse.REPORT, purpose=Purpose.REPORTING)).evaluated
    with channel(bench.site.url, bench.authority.member("lender-2")) as link:
        assert SubjectKeyServiceStub(link).Evaluate(bench.message(element(), institution="lender-2")).evaluated


@pytest.mark.parametrize("off_ms", [MAX_AGE_MS + 60_000, -MAX_AGE_MS - 60_000])
def test_a_directory_that_is_too_old_or_of_the_future(bench: Bench, off_ms: int) -> None:
    bench.clock.ahead_ms = off_ms
    error = bench.failed(bench.message(element()))
    assert (error.reason, error.status) == ("DIRECTORY_STALE", "UNAVAILABLE")


def test_the_status_tells_versions_and_what_is_left(bench: Bench) -> None:
    bench.stub.Evaluate(bench.message(elements(4)[1]))
    status = bench.stub.GetStatus(evaluation_pb2.GetStatusRequest())
    assert [(key.subject_key_version, key.public_key) for key in status.keys] == [(1, bench.site.service.public_key)]
    assert status.directory_as_of == bench.log.logged_at
    assert (status.report_quota_left, status.inquire_quota_left) == (1_500, 2)


def test_without_its_log_a_key_service_evaluates_nothing(bench: Bench) -> None:
    engine = create_engine(bench.database_url)
    key_requests.drop(engine)
    error = bench.failed(bench.message(element()))
    assert (error.reason, error.status) == ("STORAGE_UNAVAILABLE", "UNAVAILABLE")
    key_requests.create(engine)
    engine.dispose()
    assert bench.stub.Evaluate(bench.message(element())).evaluated
    assert len(bench.rows()) == 1


def test_a_status_without_quotas_is_refused_by_name(bench: Bench) -> None:
    engine = create_engine(bench.database_url)
    key_quotas.drop(engine)
    engine.dispose()
    with pytest.raises(grpc.RpcError) as caught:
        bench.stub.GetStatus(evaluation_pb2.GetStatusRequest())
    assert error_of_call(caught.value).reason == "STORAGE_UNAVAILABLE"


def test_many_requests_at_once_are_each_logged_once(bench: Bench) -> None:
    messages = [
        bench.message(element(), use=KeyUse.REPORT, purpose=Purpose.REPORTING, request_id=bytes(15) + bytes((number,)))
        for number in range(40)
        for _ in range(2)
    ]
    with ThreadPoolExecutor(len(messages)) as lenders:
        calls = [lenders.submit(bench.stub.Evaluate, message) for message in messages]
    reasons = []
    for call in calls:
        try:
            assert call.result().evaluated
        except grpc.RpcError as error:
            refusal = error_of_call(error)
            assert isinstance(refusal, RefusedError)
            reasons.append(refusal.reason)
    assert reasons == ["REQUEST_USED"] * 40
    assert len(bench.rows()) == bench.used() == 40
