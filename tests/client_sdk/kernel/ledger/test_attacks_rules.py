"""What a member, an asker and administrators try together, beside the lies that break one rule alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import AdministratorsBody, KeyServicesBody, SuccessionBody
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.formats.words import KeyUsage, Role, Standing
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.ledger.inquiry import Inquiry
from tests.support.attacks import check, forge, impose, listed_log, refused
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import HandmadeLog, signer, voprf_key

if TYPE_CHECKING:
    from creditregistry.v1 import evidence_pb2 as pb


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


# The inquiry


def asked(log: HandmadeLog, **changes: object) -> pb.Evidence:
    """Evidence with another inquiry about the same openings, rightly signed by the asker."""
    evidence = AnsweringRegistry(log).answer("lender-2", "listed")
    inquiry = Inquiry.parse(evidence.inquiry.payload)
    payload = replace(inquiry, **changes).encode()  # type: ignore[arg-type]  # the test names fields
    evidence.inquiry.payload = payload
    evidence.inquiry.signature = dsse.sign(signer("lender-2 INQUIRE"), dsse.INQUIRY, payload)
    return evidence


def test_an_inquiry_is_not_signed_long_after_its_answer(log: HandmadeLog) -> None:
    check(log, asked(log, issued_at=log.logged_at + MAX_OFF_MS))
    for issued_at in (log.logged_at + MAX_OFF_MS + 1, 2**64 - 1):
        assert refused(log, asked(log, issued_at=issued_at)).rule == "inquiry.ahead"


# A member that was terminated


def test_an_issuer_speaks_no_more_after_its_termination(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-2", "listed"))
    forge(log, registry, "lender-1", "late", "victim", by="lender-1 REPORT")
    assert refused(log, registry.answer("lender-2", "victim")).rule == "institution.terminated"


def test_a_successor_that_is_terminated_speaks_no_more(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    log.act(SuccessionBody("lender-3", "lender-2", "merger"))
    registry = AnsweringRegistry(log)
    registry.records.clear()
    forge(log, registry, "lender-1", "debt", "listed", Standing.CURED, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "listed")).rule == "institution.terminated"


# Changes of administrators


@pytest.mark.parametrize(
    ("enrolled", "administrators", "rule"),
    [
        (("board-1",), ("admin-1", "admin-2", "board-1", "nobody"), "institution.role"),
        (("board-1", "board-1"), ("admin-1", "admin-2", "board-1"), "enrolments.order"),
        (("board-1",), ("admin-1", "admin-2", "admin-3"), "institution.role"),
    ],
)
def test_administrators_are_enrolled_once_and_have_the_role(
    log: HandmadeLog, enrolled: tuple[str, ...], administrators: tuple[str, ...], rule: str
) -> None:
    registry = AnsweringRegistry(log)
    enrolments = tuple(log.enrolment(name, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for name in enrolled)
    body = AdministratorsBody(enrolments, administrators, 2)
    impose(log, registry, body, by=("admin-1", "admin-2"), on_administrators=True)
    registry.state = replace(registry.state, administrators=administrators)
    assert refused(log, registry.answer("lender-2", "listed")).rule == rule


# Keys of key services


@pytest.mark.parametrize("impossible", [b"\xff" * 32, bytes(32), b"\x01" + bytes(31), b"", bytes(31)])
def test_a_key_service_has_a_key_that_can_be(log: HandmadeLog, impossible: bytes) -> None:
    services = tuple(KeyService(f"{name}.example:443", voprf_key(name), name) for name in ("a", "b"))
    act = log.next_act(KeyServicesBody(KeyServices(2, (services[0], replace(services[1], public_key=impossible)))))
    log.add(log.act_leaf(act, log.administrators[:2]))
    ((_, error),) = log.complaints
    assert error.rule == "voprf.public-key"
    assert log.state.directory.state.live_subject_key_versions == (1,)
