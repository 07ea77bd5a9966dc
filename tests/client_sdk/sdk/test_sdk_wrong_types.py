"""Every argument of every public method is refused with an error of the SDK where it is of another type or range."""
# The tables hold wrong values by the name of the argument; an argument of a public method that no table knows fails.

from __future__ import annotations

import inspect
import io
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import client_sdk
from client_sdk import (
    Answer,
    AsyncClient,
    Auditor,
    CertificateRequest,
    Client,
    ClientConfig,
    ConfigError,
    Consent,
    CreditRegistryError,
    Criteria,
    Customer,
    FormatError,
    Identity,
    NoticeChannel,
    PreflightError,
    RejectedRow,
    RuleError,
    TrustRoot,
    Verdict,
    VerificationError,
)
from client_sdk._transport.channels import TlsMaterial
from client_sdk.acts import ErasureBody, KeyGrantBody, RetireKeyServicesBody, ReviewBody, RulebookBody, StateBody
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, KeyUse, Purpose
from client_sdk.key_client import AsyncKeyClient, KeyClient
from tests.client_sdk.sdk_samples import default_report, person
from tests.client_sdk.wrong_values import (
    APPROVAL,
    BEYOND,
    CLAIM,
    CONSENT,
    CRITERIA,
    HALF,
    MAY_BE_NONE,
    NAME,
    NO_ATTEMPT,
    NO_BREACH,
    NO_BYTES,
    NO_CONSENT,
    NO_DAY,
    NO_EXECUTOR,
    NO_FUNCTION,
    NO_HASH,
    NO_ID,
    NO_INSTITUTION,
    NO_KIND,
    NO_NUMBER,
    NO_PATH,
    NO_PERSON,
    NO_TEXT,
    NUMBER,
    PROPOSAL,
    REQUEST,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from client_sdk.testing import TestRegistry

Wrong = dict[str, tuple[Any, ...]]

GOOD: dict[str, Any] = {
    "path": "no-such-folder/no-such-file",
    "identity": person(1),
    "identities": [person(1)],
    "purpose": Purpose.LOAN_APPROVAL,
    "consent": CONSENT,
    "mandate": CONSENT,
    "officer": "clerk-7",
    "inquiry_id": bytes(16),
    "report": default_report(1),
    "reports": [default_report(1)],
    "record_id": bytes(16),
    "name": NAME,
    "version": 1,
    "body": RetireKeyServicesBody(1),
    "proposal": PROPOSAL,
    "approval": APPROVAL,
    "request": REQUEST,
    "spki_hash": bytes(32),
    **dict.fromkeys(("removed_on", "until"), date(2026, 3, 6)),
    **dict.fromkeys(("older", "newer"), b"note"),
    "issuer": "lender-2",
    "outcome": "CONFIRMED",
    "evidence": [b"\xa5" * 32],
    "customers": [Customer(person(1), CONSENT)],
    "state": "no-such-folder/no-such-file",
    "text": "I was in hospital.",
    "overlay": "one-off-repair",
    "data": b"no proof",
    "cells": {"kind": "DEFAULT"},
}
METHODS: Wrong = {
    "path": NO_PATH,
    "identity": NO_PERSON,
    "identities": (None, 5, NUMBER, {}, person(1), *([wrong] for wrong in NO_PERSON)),
    "purpose": (None, 5, "NONSENSE", HALF, [], b"LOAN_APPROVAL"),
    "consent": NO_CONSENT,
    "mandate": NO_CONSENT,
    "officer": (*NO_TEXT, "", NUMBER, "clerk\0", f"clerk-{HALF}"),
    "customers": (
        *(None, 5, NUMBER, b"", {}, [], person(1), [person(1)], [None], Customer(person(1), CONSENT)),
        *([Customer(wrong, CONSENT)] for wrong in NO_PERSON),
        *([Customer(person(1), wrong)] for wrong in (None, "yes", 5, replace(CONSENT, digest=b"short"))),  # type: ignore[arg-type]  # meant
    ),
    "resume": NO_PATH,
    "state": (None, *NO_PATH),
    "inquiry_id": NO_ID,
    "stored": (None, 5, NUMBER, b"", {}, [b"short"], [bytes(16)] * 257),
    "report": (None, 5, NUMBER, [], {}, RejectedRow(row=1, violations=()), replace(default_report(1), reference=HALF)),
    "reports": (None, 5, NUMBER, b"", {}, default_report(1)),
    **dict.fromkeys(("keep", "progress", "take"), NO_FUNCTION),
    "executor": NO_EXECUTOR,
    "notice": (None, 5, NUMBER, [], {}),
    "follow": (None, 1, "yes"),
    "everything": (None, 1, "yes"),
    "after": (None, "1", True, 1.0, [], -1, BEYOND),
    "record_id": NO_ID,
    "record_ids": (None, 5, NUMBER, b"", bytes(16), {}, *([wrong] for wrong in NO_ID)),
    **dict.fromkeys(("issuer", "institution"), (*NO_INSTITUTION, NUMBER.lower())),
    "name": (
        *(None, NUMBER, 5, []),
        *(replace(NAME, reference=wrong) for wrong in NO_TEXT),
        *(replace(NAME, kind=wrong) for wrong in NO_KIND),
        *(replace(NAME, first_day=wrong) for wrong in NO_DAY),
        *(replace(NAME, attempt=wrong) for wrong in NO_ATTEMPT),
    ),
    **dict.fromkeys(("version", "limit"), NO_NUMBER),
    "body": (
        *(None, 5, NUMBER, [], StateBody, *NO_BREACH),
        *(RetireKeyServicesBody(wrong) for wrong in NO_NUMBER),
        *(StateBody(wrong, InstitutionStatus.SUSPENDED) for wrong in NO_INSTITUTION),
        ErasureBody(5, 7),  # type: ignore[arg-type]  # meant
        *(KeyGrantBody("l", None), RulebookBody(None), ReviewBody("l", None)),  # type: ignore[arg-type]  # meant
    ),
    "proposal": (
        *(None, 5, NUMBER, []),
        *(replace(PROPOSAL, proposal_id=wrong) for wrong in NO_HASH),
        *(replace(PROPOSAL, payload=wrong) for wrong in NO_BYTES),
        replace(PROPOSAL, act=None),  # type: ignore[arg-type]  # meant
    ),
    "approval": (
        *(None, 5, NUMBER, []),
        *(APPROVAL._replace(key_id=wrong) for wrong in NO_BYTES),
        *(APPROVAL._replace(signature=wrong) for wrong in NO_BYTES),
    ),
    "request": (
        *(None, 5, NUMBER, []),
        *(replace(REQUEST, institution=wrong) for wrong in NO_INSTITUTION),
        *(replace(REQUEST, csr=wrong) for wrong in NO_BYTES),
        replace(REQUEST, vouch=None),  # type: ignore[arg-type]  # meant
        *(replace(REQUEST, vouch=replace(CLAIM, payload=wrong)) for wrong in NO_BYTES),
    ),
    "most": NO_NUMBER[1:],
    "new_key": (None, 1, "yes", []),
    "one_signature": (None, 1, "yes", []),
    "dry_run": (None, 1, "yes", []),
    "overlay": (*NO_TEXT, "", "not a name"),
    "spki_hash": NO_HASH,
    **dict.fromkeys(("removed_on", "until", "since"), (*NO_DAY, date(1, 1, 1), date(9999, 12, 31))),
    "older": NO_BYTES,
    "newer": NO_BYTES,
    "code": (*NO_TEXT, "not a code"),
    "outcome": (None, 5, "NONSENSE", "WITHDRAWN", HALF, []),
    "evidence": (None, 5, NUMBER, b"", {}, *([wrong] for wrong in NO_HASH)),
    "reason": (None, 5, "NONSENSE", "FRAUD", HALF, []),
    "data": (None, 5, NUMBER, [], b"", b"no proof"),
    "cells": (None, 5, NUMBER, [], {5: ""}, {"kind": 5}),
    "opened": (None, 1, "yes", []),
    "ended": (None, 1, "yes", []),
    "text": (*NO_TEXT, "", "bell\a", f"I am {NUMBER}"),
    "first_month": (*NO_TEXT, "2026", "2026-13", "2026-1 "),
    "last_month": (*NO_TEXT, "2026", "2026-00", "２０２６-01"),
}

KEY_GOOD: dict[str, Any] = {
    "inputs": [person(1).voprf_input()],
    "identities": [person(1)],
    "use": KeyUse.INQUIRE,
    "purpose": Purpose.LOAN_APPROVAL,
}
KEY_METHODS: Wrong = {
    "directory": (None, 5, "directory", []),
    "inputs": (None, 5, NUMBER, b"", {}, *([wrong] for wrong in NO_BYTES)),
    "identities": METHODS["identities"],
    "use": (None, 5, "INQUIRE", []),
    "purpose": (None, 5, "LOAN_APPROVAL", []),
    "versions": (5, "1", {}, *([wrong] for wrong in NO_NUMBER), [99]),
}
KEY_SETTINGS: Wrong = {
    "institution": (None, 5, []),
    "signers": (None, 5, [], {"INQUIRE": 5}, {KeyUse.INQUIRE: 5}),
    "tls": (None, 5, "tls"),
    "deadline_seconds": (None, "1", True, 0, -1, BEYOND, float("nan"), float("inf")),
    "now_ms": (None, *NO_FUNCTION),
}
AUDITOR: Wrong = {
    "config": (None, 5, "home"),
    "path": (None, *NO_PATH),
    "state": NO_PATH,
    "progress": NO_FUNCTION,
    "executor": NO_EXECUTOR,
    "jobs": NO_NUMBER,
    "references": (None, 5, "a", [], [5], ["0" * 64]),
    "reason": (None, 5, "", " ", "x" * 501, HALF, "a\0"),
}
SETTINGS: Wrong = {
    "institution": (*NO_INSTITUTION, ""),
    "registry": (*NO_TEXT, "", "host", "host:port", "host:1\0"),
    "name": (*NO_TEXT, "", "na\0me"),
    "home": (None, *NO_PATH),
    "keys": (None, 5, [], {"REPORT": "file:k"}, {KeyUsage.REPORT: 5}, {KeyUsage.REPORT: HALF}),
    **dict.fromkeys(("deadline", "batch_deadline", "max_age", "replay_max_lag"), KEY_SETTINGS["deadline_seconds"]),
    "witnessed": (None, 5, "", "STRICT", "always"),
    "telemetry_endpoint": (*NO_TEXT, "htt\0p"),
    "secret": NO_FUNCTION,
    "schemes": (None, 5, [], {"pkcs11": 5}),
    "role": (5, "LENDER", "representative", [], HALF),
}
FILE = {"source": (None, b"path", *NO_PATH, io.StringIO("kind\n")), "mapping": (b"path", *NO_PATH)}
FILE |= {"encoding": (5, "latin-1", [], HALF), "sheet": (5, [], HALF)}
FUNCTIONS: dict[str, Wrong] = {
    "debt": {"original_creditor": (None, 5, b"x", []), "contract": (None, 5, b"x", [], HALF, "", "\0")},
    "fetch_trust_root": {"config": (None, 5, "home")},
    "keep_assessment": {
        "answer": (None, 5, "answer", []),
        "evidence": (None, b"path", *NO_PATH),
        "criteria": (5, "criteria", []),
    },
    "notice_sent": {
        "document": (None, 5, "notice", []),
        "sent_at": (None, 5, "2025-01-01", date(2025, 1, 1), datetime(2025, 1, 1)),  # noqa: DTZ001 - meant
        "channel": (None, 5, "NONSENSE", []),
    },
    "read_portfolio": FILE,
    "read_customers": FILE,
    "portfolio_from_frame": {"frame": (None, 5, "frame", []), "mapping": (b"path", *NO_PATH)},
    "read_trust_root": {"path": (None, b"path", *NO_PATH)},
    "reassess": {
        "evidence": (None, b"path", *NO_PATH),
        "trust_root": (None, b"root", *NO_PATH),
        "kept": (b"path", *NO_PATH),
        "criteria": (5, "criteria", []),
        "demands": (5, "q", []),
    },
    "verify": {"evidence": (None, *NO_PATH), "trust_root": (None, b"root", *NO_PATH), "quorums": (5, "q", [5])}
    | {"replaying": (5, "q", []), "replay_max_lag": KEY_SETTINGS["deadline_seconds"]},
    "written_consent": {
        "document": (None, 5, "consent", []),
        "given_on": (None, 5, "2025-01-01", datetime(2025, 1, 1, tzinfo=UTC)),
        "purposes": (None, 5, "LOAN_APPROVAL", [5], ["LOAN"]),
    },
}


def methods(kind: type) -> dict[str, Callable[..., object]]:
    """The public methods of a class, without what a class inherits from object."""
    return {
        name: member
        for name, member in inspect.getmembers(kind, lambda one: inspect.isfunction(one) or inspect.ismethod(one))
        if not name.startswith("_")
    }


def arguments(called: Callable[..., object]) -> list[str]:
    return [name for name in inspect.signature(called).parameters if name != "self"]


def cases(kind: type) -> list[tuple[str, str]]:
    return [(name, argument) for name, method in methods(kind).items() for argument in arguments(method)]


def given(called: Callable[..., object], good: Mapping[str, Any], argument: str, wrong: object) -> dict[str, Any]:
    """What a call is given: good values of what it needs, and the wrong one."""
    needed = [
        name
        for name, parameter in inspect.signature(called).parameters.items()
        if parameter.default is parameter.empty and name != "self"
    ]
    return {name: good[name] for name in needed if name != argument} | {argument: wrong}


async def result_of(called: Callable[..., Any], arguments: Mapping[str, Any]) -> object:
    """What a method of a client for asyncio returns or yields."""
    waiting = called(**arguments)
    if inspect.isasyncgen(waiting):
        return [item async for item in waiting]
    return await waiting if inspect.isawaitable(waiting) else waiting


def check_told(error: BaseException, argument: str, wrong: object) -> None:
    """The error is one that a caller can react to, names the argument, and does not show its value."""
    typed = PreflightError | ConfigError | FormatError | RuleError | VerificationError
    assert isinstance(error, typed), (argument, wrong, repr(error))
    assert NUMBER not in str(error)
    assert HALF not in str(error)
    if isinstance(error, PreflightError):
        assert all(violation.field and violation.rule for violation in error.violations), (argument, wrong)


def test_the_tables_hold_every_argument_of_every_method() -> None:
    assert {argument for _, argument in cases(Client)} == set(METHODS)
    assert {argument for _, argument in cases(KeyClient)} == set(KEY_METHODS)
    assert set(arguments(KeyClient)) == set(KEY_SETTINGS)
    assert {argument for _, argument in cases(Auditor)} | set(arguments(Auditor)) == set(AUDITOR)
    assert {field.name for field in fields(ClientConfig)} == set(SETTINGS)
    assert {field.name for field in fields(Criteria)} == set(CRITERIA)
    named = {name: getattr(client_sdk, name) for name in client_sdk.__all__}
    functions = {name: value for name, value in named.items() if inspect.isfunction(value)}
    assert {name: set(arguments(called)) for name, called in functions.items()} == {
        name: set(table) for name, table in FUNCTIONS.items()
    }


@pytest.mark.parametrize(("name", "argument"), cases(Client))
def test_a_client_refuses_what_is_wrong(registry: TestRegistry, name: str, argument: str) -> None:
    with Client(registry.config("lender-1")) as client:
        called = getattr(client, name)
        for wrong in METHODS[argument]:
            if wrong is None and (name, argument) in MAY_BE_NONE:
                continue
            with pytest.raises(CreditRegistryError) as caught:
                # What yields is gone through.
                list(called(**given(called, GOOD, argument, wrong)))
            check_told(caught.value, argument, wrong)


@pytest.mark.parametrize(("name", "argument"), cases(AsyncClient))
async def test_a_client_for_asyncio_refuses_what_is_wrong(registry: TestRegistry, name: str, argument: str) -> None:
    async with AsyncClient(registry.config("lender-1")) as client:
        called = getattr(client, name)
        for wrong in METHODS[argument]:
            if wrong is None and (name, argument) in MAY_BE_NONE:
                continue
            with pytest.raises(CreditRegistryError) as caught:
                await result_of(called, given(called, GOOD, argument, wrong))
            check_told(caught.value, argument, wrong)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("wrong", [None, 5, "home", {}])
async def test_a_client_of_no_settings_is_refused(kind: Any, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="want a ClientConfig"):
        kind(wrong)


@pytest.mark.parametrize(("name", "argument"), cases(KeyClient))
async def test_a_key_client_refuses_what_is_wrong(registry: TestRegistry, name: str, argument: str) -> None:
    config = registry.config("lender-1")
    signers = {KeyUse.INQUIRE: config.signer(KeyUsage.INQUIRE)}
    tls = TlsMaterial.from_folder(config.tls_key.parent)
    with Client(config) as client:
        good = KEY_GOOD | {"directory": client.directory()}
    with KeyClient("lender-1", signers, tls) as blocking:
        for wrong in KEY_METHODS[argument]:
            called = getattr(blocking, name)
            with pytest.raises(CreditRegistryError) as caught:
                called(**given(called, good, argument, wrong))
            check_told(caught.value, argument, wrong)
    async with AsyncKeyClient("lender-1", signers, tls) as other:
        for wrong in KEY_METHODS[argument]:
            called = getattr(other, name)
            with pytest.raises(CreditRegistryError) as caught:
                await called(**given(called, good, argument, wrong))
            check_told(caught.value, argument, wrong)


@pytest.mark.parametrize("kind", [KeyClient, AsyncKeyClient])
@pytest.mark.parametrize("argument", KEY_SETTINGS)
async def test_a_key_client_of_wrong_settings_is_refused(registry: TestRegistry, kind: Any, argument: str) -> None:
    good = {"institution": "lender-1", "signers": {}, "tls": TlsMaterial.from_folder(registry.home("lender-1") / "tls")}
    for wrong in KEY_SETTINGS[argument]:
        with pytest.raises(ConfigError):
            kind(**good | {argument: wrong})


@pytest.mark.parametrize("argument", AUDITOR)
def test_an_auditor_refuses_what_is_wrong(registry: TestRegistry, argument: str) -> None:
    config = registry.config("auditor")
    calls: dict[str, Callable[..., object]] = {
        "config": Auditor,
        "path": Auditor.from_home,
        "state": lambda **wrong: Auditor(config, **wrong),
        "references": partial(Auditor(config).accept, reason="looked into"),
        "reason": partial(Auditor(config).accept, ["0" * 64]),
    }
    for wrong in AUDITOR[argument]:
        with pytest.raises(ConfigError):
            calls.get(argument, Auditor(config).audit)(**{argument: wrong})


@pytest.mark.parametrize("setting", SETTINGS)
def test_wrong_settings_are_refused(registry: TestRegistry, setting: str) -> None:
    config = registry.config("lender-1")
    for wrong in SETTINGS[setting]:
        with pytest.raises(ConfigError) as caught:
            replace(config, **{setting: wrong})
        assert NUMBER not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 5, "REPORT", []])
def test_the_signer_of_no_usage_is_refused(registry: TestRegistry, wrong: Any) -> None:
    with pytest.raises(ConfigError, match="usage"):
        registry.config("lender-1").signer(wrong)


@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "-1", "1" + "0" * 400])
def test_a_file_of_settings_with_an_impossible_time_is_refused(tmp_path: Path, number: str) -> None:
    text = f'institution = "a"\nregistry = "h:1"\nname = "r"\n[limits]\ndeadline = {number}\n'
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match="deadline must be seconds"):
        ClientConfig.from_home(tmp_path)


def test_a_key_uri_with_a_zero_byte_is_refused(registry: TestRegistry) -> None:
    with pytest.raises(ConfigError, match="control character"):
        replace(registry.config("lender-1"), keys={KeyUsage.REPORT: "file:keys/\0"})


@pytest.mark.parametrize("field", CRITERIA)
def test_wrong_criteria_are_refused(field: str) -> None:
    for wrong in CRITERIA[field]:
        with pytest.raises(ConfigError, match=field):
            Criteria(**{field: wrong})


@pytest.mark.parametrize(("name", "argument"), [(name, argument) for name in FUNCTIONS for argument in FUNCTIONS[name]])
def test_a_function_refuses_what_is_wrong(registry: TestRegistry, tmp_path: Path, name: str, argument: str) -> None:
    called = getattr(client_sdk, name)
    good = {
        "answer": Answer(verdict=Verdict.UNVERIFIABLE, registry="r"),
        "criteria": Criteria(),
        "original_creditor": "91350100M000100Y43",
        "contract": "HT-1",
        "document": b"document",
        "sent_at": datetime(2025, 1, 1, tzinfo=UTC),
        "channel": NoticeChannel.SMS,
        "given_on": date(2025, 1, 1),
        "source": tmp_path / "portfolio.csv",
        "frame": None,
        "evidence": b"" if name == "verify" else tmp_path / "evidence",
        "trust_root": registry.trust_root,
    }
    for wrong in FUNCTIONS[name][argument]:
        with pytest.raises(CreditRegistryError) as caught:
            called(**given(called, good, argument, wrong))
        check_told(caught.value, argument, wrong)


@pytest.mark.parametrize("wrong", [None, *NO_PATH])
def test_evidence_is_saved_nowhere_but_at_a_path(wrong: Any) -> None:
    answer = Answer(verdict=Verdict.CLEAR, registry="r", _cut=lambda: b"evidence")
    with pytest.raises(ConfigError, match="path"):
        answer.save(wrong)
    no_criteria: Any = wrong or []
    with pytest.raises(ConfigError, match="criteria"):
        answer.assess(no_criteria)


def test_an_identity_has_no_birthday_to_hold_against_but_a_date() -> None:
    wrong: Any
    for wrong in (5, "2025-01-01", datetime(2025, 1, 1, tzinfo=UTC)):
        with pytest.raises(FormatError, match="today"):
            Identity.parse("CN_RESIDENT_ID", person(1).number, today=wrong)


@pytest.mark.parametrize("kind", [CertificateRequest, TrustRoot, Consent])
@pytest.mark.parametrize("wrong", [None, 5, NUMBER, [], HALF])
def test_what_is_read_from_no_bytes_is_refused(kind: Any, wrong: Any) -> None:
    with pytest.raises(FormatError) as caught:
        kind.parse(wrong)
    check_told(caught.value, "data", wrong)


def test_persons_and_record_ids_may_come_from_what_is_gone_through_once(registry: TestRegistry) -> None:
    asked: Any = (person(number) for number in (71_001, 71_002))
    with Client(registry.config("lender-1")) as client:
        answers = client.check_many(asked, purpose="LOAN_APPROVAL", consent=CONSENT, officer="clerk-7")
        assert [answer.verdict for answer in answers] == [Verdict.CLEAR, Verdict.CLEAR]
        unknown: Any = (client.record_id(replace(NAME, reference=text)) for text in ("LOAN-71-1", "LOAN-71-2"))
        assert list(client.records(unknown)) == []
