"""Proofs of erasure through the SDK against a real registry: for a furnisher, a representative, and whom they name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Client
from client_sdk._protocol.erasure import ErasureQuestion
from client_sdk.errors import ConflictError, NotPermittedError, RefusedError, VerificationError
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Role
from client_sdk.verification import verify_erasure
from tests.client_sdk.sdk_samples import default_report, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

OFFICE = "erasure-office"


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config(OFFICE)) as client:
        yield client


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


def test_a_furnisher_proves_to_a_person_that_the_record_is_erased(registry: TestRegistry, lender: Client) -> None:
    record_id = lender.report(default_report(901)).record_id
    with pytest.raises(ConflictError, match="RECORD_KEPT"):
        lender.erasure_proof(record_id, identity=person(901))
    lender.withdraw(record_id)
    proof = lender.erasure_proof(record_id, identity=person(901))
    assert (proof.issuer, proof.record_id, proof.by, proof.asker) == ("lender-1", record_id, "WITHDRAWN", "lender-1")
    assert proof.names_person
    # Offline, for anybody; and for a member who knows the number.
    assert verify_erasure(proof.file, registry.config("lender-2").trust_root()) == proof
    with Client(registry.config("lender-2")) as other:
        assert other.verify_erasure(proof.file, person(901)) == proof
        assert other.verify_erasure(proof.file) == proof
        with pytest.raises(VerificationError) as caught:
            other.verify_erasure(proof.file, person(902))
        assert caught.value.rule == "erasure.person"
        with pytest.raises(NotPermittedError, match="NOT_THE_SUCCESSOR"):
            other.erasure_proof(record_id, "lender-1")
        with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
            other.erasure_proof(record_id)


def test_without_a_person_nobody_is_named(lender: Client) -> None:
    record_id = lender.report(default_report(903)).record_id
    lender.withdraw(record_id)
    proof = lender.erasure_proof(record_id)
    assert not proof.names_person
    with pytest.raises(VerificationError):
        lender.verify_erasure(proof.file, person(903))


def test_a_representative_has_the_proof_of_anybodys_record(
    registry: TestRegistry, lender: Client, office: Client
) -> None:
    record_id = lender.report(default_report(904)).record_id
    lender.withdraw(record_id, reason="COURT_ORDER", evidence=[b"\xa5" * 32])
    proof = office.erasure_proof(record_id, "lender-1", identity=person(904))
    assert proof.asker == OFFICE
    assert office.verify_erasure(proof.file, person(904)) == proof
    with pytest.raises(RefusedError):
        office.erasure_proof(record_id, identity=person(904))

    async def by_asyncio() -> None:
        async with AsyncClient(registry.config(OFFICE)) as client:
            again = await client.erasure_proof(record_id, "lender-1", identity=person(904))
            assert again.file != proof.file
            assert await client.verify_erasure(again.file, person(904)) == again

    asyncio.run(by_asyncio())


def test_a_proof_of_another_record_or_person_than_asked_for_is_refused(lender: Client) -> None:
    ids = [lender.report(default_report(number)).record_id for number in (905, 906)]
    for record_id in ids:
        lender.withdraw(record_id)
    member, session = lender._member, lender._member.session
    question = ErasureQuestion(RecordKey("lender-1", ids[0]), lender._run(member.name(person(905))))
    answer = member.services.records.GetErasure(question.request())
    own = "lender-1", session.config.name, session.log_key
    assert question.read(answer, *own)[0].record_id == ids[0]
    with pytest.raises(VerificationError, match=r"erasure\.asked"):
        question.read(answer, "lender-2", *own[1:])
    for other in (
        ErasureQuestion(RecordKey("lender-1", ids[1]), lender._run(member.name(person(905)))),
        ErasureQuestion(RecordKey("lender-1", ids[0]), lender._run(member.name(person(906)))),
    ):
        with pytest.raises(VerificationError, match=r"erasure\.asked"):
            other.read(answer, *own)
