"""Evidence that is rightly signed and proved by all who collude, and in which one rule is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import AdministratorsBody, InstitutionBody, KeyServicesBody, StateBody
from client_sdk.kernel.formats.keys import key_id
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Succession
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Kind, Purpose, Role, Standing
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.ledger.inquiry import Inquiry
from tests.support.attacks import check, forge, impose, listed_log, refused
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import RETAIN_UNTIL, HandmadeLog, seed, signer, voprf_key

if TYPE_CHECKING:
    from creditregistry.v1 import evidence_pb2 as pb


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


# Section 2, as far as one version shows it


@pytest.mark.parametrize(
    ("kind", "standing", "retain_until", "rule"),
    [
        (Kind.DEFAULT, Standing.CURED, "", "retention.present"),
        (Kind.DEFAULT, Standing.OPEN, RETAIN_UNTIL, "retention.present"),
        (Kind.DEFAULT, Standing.ARRANGED, RETAIN_UNTIL, "retention.present"),
        (Kind.DEFAULT, Standing.STAYED, "", "lifecycle.standing"),
        (Kind.DEFAULT, Standing.SATISFIED, RETAIN_UNTIL, "lifecycle.standing"),
        (Kind.JUDGMENT, Standing.ARRANGED, "", "lifecycle.standing"),
        (Kind.JUDGMENT, Standing.STAYED, "", "lifecycle.standing"),
        (Kind.JUDGMENT, Standing.CURED, RETAIN_UNTIL, "lifecycle.standing"),
        (Kind.ENFORCEMENT, Standing.CURED, RETAIN_UNTIL, "lifecycle.standing"),
        (Kind.ENFORCEMENT, Standing.ARRANGED, "", "lifecycle.standing"),
    ],
)
def test_kind_standing_and_day_go_together(
    log: HandmadeLog, kind: Kind, standing: Standing, retain_until: str, rule: str
) -> None:
    registry = AnsweringRegistry(log)
    changes = {"kind": kind, "retain_until": retain_until, "version": 2, "previous": bytes(32)}
    forge(log, registry, "lender-1", "lie", "victim", standing, by="lender-1 REPORT", **changes)
    assert refused(log, registry.answer("lender-2", "victim")).rule == rule


@pytest.mark.parametrize(
    ("kind", "standing"),
    [
        (Kind.DEFAULT, Standing.CURED),
        (Kind.DEFAULT, Standing.TRANSFERRED),
        (Kind.JUDGMENT, Standing.SATISFIED),
        (Kind.ENFORCEMENT, Standing.STAYED),
    ],
)
def test_a_record_begins_with_a_first_standing(log: HandmadeLog, kind: Kind, standing: Standing) -> None:
    registry = AnsweringRegistry(log)
    forge(log, registry, "lender-1", "lie", "victim", standing, by="lender-1 REPORT", kind=kind)
    assert refused(log, registry.answer("lender-2", "victim")).rule == "lifecycle.transition"


# The inquiry


def asked(log: HandmadeLog, **changes: object) -> pb.Evidence:
    """Evidence with another inquiry about the same openings, rightly signed by the asker."""
    evidence = AnsweringRegistry(log).answer("lender-2", "listed")
    inquiry = Inquiry.parse(evidence.inquiry.payload)
    payload = replace(inquiry, **changes).encode()  # type: ignore[arg-type]  # the test names fields
    evidence.inquiry.payload = payload
    evidence.inquiry.signature = dsse.sign(signer("lender-2 INQUIRE"), dsse.INQUIRY, payload)
    return evidence


def test_an_inquiry_is_not_for_reporting(log: HandmadeLog) -> None:
    assert refused(log, asked(log, purpose=Purpose.REPORTING)).rule == "inquiry.purpose"


def test_an_inquiry_is_not_signed_long_after_its_answer(log: HandmadeLog) -> None:
    check(log, asked(log, issued_at=log.logged_at + MAX_OFF_MS))
    for issued_at in (log.logged_at + MAX_OFF_MS + 1, 2**64 - 1):
        assert refused(log, asked(log, issued_at=issued_at)).rule == "inquiry.ahead"


# A member that was terminated


def test_an_issuer_speaks_no_more_after_its_termination(log: HandmadeLog) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
    registry = AnsweringRegistry(log)
    check(log, registry.answer("lender-2", "listed"))
    forge(log, registry, "lender-1", "late", "victim", by="lender-1 REPORT")
    assert refused(log, registry.answer("lender-2", "victim")).rule == "institution.terminated"


def test_a_successor_that_is_terminated_speaks_no_more(log: HandmadeLog) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED, "lender-3"))
    log.act(StateBody("lender-3", InstitutionStatus.TERMINATED, "lender-2"))
    registry = AnsweringRegistry(log)
    registry.records.clear()
    forge(log, registry, "lender-1", "debt", "listed", Standing.CURED, by="lender-3 REPORT", signer="lender-3")
    assert refused(log, registry.answer("lender-2", "listed")).rule == "institution.terminated"


# States in the map


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param({"roles": (Role.LENDER, Role.AUDITOR)}, "roles.alone", id="lender and auditor"),
        pytest.param({"roles": ()}, "roles.alone", id="no role"),
        pytest.param({"roles": (Role.ADMINISTRATOR,)}, "institution.role", id="keys of another role"),
        pytest.param(
            {"status": InstitutionStatus.TERMINATED, "successions": (Succession("lender-3", 0, bytes(32)),)},
            "successions.order",
            id="succession by genesis",
        ),
    ],
)
def test_a_state_of_a_member_is_one_that_acts_can_make(log: HandmadeLog, changes: dict[str, object], rule: str) -> None:
    registry = AnsweringRegistry(log)
    registry.institutions["lender-1"] = replace(registry.institutions["lender-1"], **changes)  # type: ignore[arg-type]  # fields of a state
    assert refused(log, registry.answer("lender-2", "listed")).rule == rule


def test_a_key_that_signed_nothing_is_in_order_too(log: HandmadeLog) -> None:
    unused = signer("lender-1 INQUIRE").public_key.key_id
    wrong = key_id("rsa", signer("lender-1 INQUIRE").public_key.raw)
    for changes, rule in (
        ({"first": 5, "end": 5}, "key.range"),
        ({"algorithm": "rsa", "key_id": wrong}, "key.algorithm"),
    ):
        registry = AnsweringRegistry(log)
        state = registry.institutions["lender-1"]
        keys = [replace(key, **changes) if key.key_id == unused else key for key in state.keys]
        ordered = tuple(sorted(keys, key=lambda key: key.key_id))
        registry.institutions["lender-1"] = replace(state, keys=ordered)
        assert refused(log, registry.answer("lender-2", "listed")).rule == rule


def test_a_second_log_key_is_refused(log: HandmadeLog) -> None:
    (own,) = log.state.directory.state.log_keys
    other = LogKey(f"{own.origin[:-1]}2", own.algorithm, signer("second log").public_key.raw)
    for keys in ((own, other), (replace(other, origin=f"{own.origin[:-1]}0"), own)):
        registry = AnsweringRegistry(log)
        registry.state = replace(registry.state, log_keys=keys)
        assert refused(log, registry.answer("lender-2", "listed")).rule == "registry.log-key"


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ({"newest_act": 10_000}, "head.newest-act"),
        ({"newest_act": 0}, "head.newest-act"),
        ({"previous": bytes(32)}, "head.previous"),
        ({"inquiry_count": 7}, "head.inquiries"),
        ({"inquiry_root": seed("root")}, "head.inquiries"),
    ],
)
def test_a_head_fits_the_log_before_it(log: HandmadeLog, head: dict[str, object], rule: str) -> None:
    assert refused(log, AnsweringRegistry(log).answer("lender-2", "listed", **head)).rule == rule  # type: ignore[arg-type]  # fields of a HEAD


# Changes of administrators


@pytest.mark.parametrize(
    ("enrolled", "administrators", "rule"),
    [
        (("board-1",), ("admin-1", "admin-2", "board-1", "nobody"), "institution.role"),
        (("admin-3",), ("admin-1", "admin-2", "admin-3"), "institution.member"),
        (("board-1", "board-1"), ("admin-1", "admin-2", "board-1"), "enrolments.order"),
        (("board-1",), ("admin-1", "admin-2", "admin-3"), "institution.role"),
        ((), ("admin-1", "admin-2", "lender-1"), "institution.role"),
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


def test_an_administrator_is_not_enrolled_twice(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    twice = log.enrolment("admin-1", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER)
    impose(log, registry, InstitutionBody(twice), on_administrators=True)
    assert refused(log, registry.answer("lender-2", "listed")).rule == "institution.member"


# Keys of key services


@pytest.mark.parametrize("impossible", [b"\xff" * 32, bytes(32), b"\x01" + bytes(31), b"", bytes(31)])
def test_a_key_service_has_a_key_that_can_be(log: HandmadeLog, impossible: bytes) -> None:
    services = tuple(KeyService(f"{name}.example:443", voprf_key(name), name) for name in ("a", "b"))
    act = log.next_act(KeyServicesBody(KeyServices(2, (services[0], replace(services[1], public_key=impossible)))))
    log.add(log.act_leaf(act, log.administrators[:2]))
    ((_, error),) = log.complaints
    assert error.rule == "voprf.public-key"
    assert log.state.directory.state.live_subject_key_versions == (1,)
