"""Evidence in which one rule of proto/README.md is broken, and all the rest is canonical, signed and proved.

Log key, administrators and members collude: each lie is signed with the keys that would have to sign the truth, and
the map says what the lie needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import AdministratorsBody, InstitutionBody, KeyGrantBody, grant_key
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.keys import key_id
from client_sdk.kernel.formats.state import LogKey, Succession
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    Kind,
    LapseKind,
    Purpose,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.rules.dates import day_of
from tests.support.attacks import forge, give, impose
from tests.support.batch_signer import BATCH_LIES
from tests.support.handmade_evidence import AnsweringRegistry, pseudonym
from tests.support.handmade_log import DAY_MS, REGISTRY, RETAIN_UNTIL, seed, signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from creditregistry.v1 import evidence_pb2 as pb

    from client_sdk.kernel.formats.act import Enrolment, KeyGrant
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import InstitutionState
    from tests.support.handmade_log import HandmadeLog

__all__ = ["LIES", "EvidenceLie"]

NEW = "a key that its owner never saw"


class EvidenceLie(NamedTuple):
    """One lie.

    Attributes:
        part: what the lie is about.
        says: what it says.
        rule: that refuses it.
        make: gets a log with a record of lender-1 about a listed person, and its registry; returns the evidence.
    """

    part: str
    says: str
    rule: str
    make: Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]


# Statements that break the tables of section 2


def _later(
    kind: Kind, standing: Standing, retain_until: str
) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        changes = {"kind": kind, "retain_until": retain_until, "version": 2, "previous": bytes(32)}
        forge(log, registry, "lender-1", "lie", "victim", standing, by="lender-1 REPORT", **changes)
        return registry.answer("lender-2", "victim")

    return make


def _first(kind: Kind, standing: Standing) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        forge(log, registry, "lender-1", "lie", "victim", standing, by="lender-1 REPORT", kind=kind)
        return registry.answer("lender-2", "victim")

    return make


def _in_batch(by: Callable[[str], Signer]) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        forge(log, registry, "lender-1", "lie", "victim", by=by("lender-1 REPORT"))
        return registry.answer("lender-2", "victim")

    return make


# The inquiry


def _for_reporting(_: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
    evidence = registry.answer("lender-2", "listed")
    inquiry = replace(Inquiry.parse(evidence.inquiry.payload), purpose=Purpose.REPORTING)
    evidence.inquiry.payload = inquiry.encode()
    evidence.inquiry.signature = dsse.sign(signer("lender-2 INQUIRE"), dsse.INQUIRY, evidence.inquiry.payload)
    return evidence


# Facts beyond the scope of a purpose


def _beyond_scope(_: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
    """The rulebook shows no facts of a DEFAULT to who collects a debt of its own."""
    return registry.answer("lender-2", "listed", purpose=Purpose.COLLECTION)


def _paid(log: HandmadeLog, days: int, more: int = 0) -> pb.Evidence:
    """A DEFAULT that was cured so long ago; the asker is new, so that reciprocity holds nothing back."""
    log.say("lender-1", "debt", Standing.CURED, subject="listed")
    log.wait(days * DAY_MS + more)
    log.head()
    registry = AnsweringRegistry(log)
    today = day_of(log.logged_at, "Asia/Shanghai").isoformat()
    registry.contributions["lender-2"] = Contribution("lender-2", today)
    return registry.answer("lender-2", "listed", purpose=Purpose.POST_LOAN_REVIEW)


def _less_than_scope(log: HandmadeLog, _: AnsweringRegistry) -> pb.Evidence:
    """A registry that keeps back what the purpose is shown."""
    evidence = _paid(log, 730)
    evidence.persons[0].subjects[0].records[0].disclosure = b""
    return evidence


# States in the map


def _log_keys(*, first: bool) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    """A second log key, before or after the one that signs; keys ascend by origin."""

    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        (own,) = log.state.directory.state.log_keys
        number = "0" if first else "2"
        other = LogKey(f"{own.origin[:-1]}{number}", own.algorithm, signer("second log").public_key.raw)
        registry.state = replace(registry.state, log_keys=(other, own) if first else (own, other))
        return registry.answer("lender-2", "listed")

    return make


def _lender(change: Callable[[InstitutionState], InstitutionState]) -> Callable[..., pb.Evidence]:
    def make(_: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        registry.institutions["lender-1"] = change(registry.institutions["lender-1"])
        return registry.answer("lender-2", "listed")

    return make


def _unused_key(state: InstitutionState, **changes: object) -> InstitutionState:
    unused = signer("lender-1 INQUIRE").public_key.key_id
    keys = [replace(key, **changes) if key.key_id == unused else key for key in state.keys]  # type: ignore[arg-type]  # fields of a key
    return replace(state, keys=tuple(sorted(keys, key=lambda key: key.key_id)))


def _of_algorithm(state: InstitutionState) -> InstitutionState:
    wrong = key_id("rsa", signer("lender-1 INQUIRE").public_key.raw)
    return _unused_key(state, algorithm="rsa", key_id=wrong)


def _succession_of_genesis(state: InstitutionState) -> InstitutionState:
    successions = (Succession("lender-3", 0, bytes(32)),)
    return replace(state, status=InstitutionStatus.TERMINATED, successions=successions)


def _one_key_of_two_services(_: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
    (version,) = registry.state.key_services
    first, second = version.services
    both = replace(version, services=(first, replace(second, public_key=first.public_key)))
    registry.state = replace(registry.state, key_services=(both,))
    return registry.answer("lender-2", "listed")


# The HEAD


def _head(**head: object) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    return lambda _, registry: registry.answer("lender-2", "listed", **head)  # type: ignore[arg-type]  # fields of a HEAD


# Acts on administrators


def _board(*enrolled: str, acting: tuple[str, ...], threshold: int = 2) -> Callable[..., pb.Evidence]:
    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        return _change(log, registry, tuple(_administrator(log, name) for name in enrolled), acting, threshold)

    return make


def _administrator(log: HandmadeLog, name: str) -> Enrolment:
    return log.enrolment(name, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER)


def _change(
    log: HandmadeLog,
    registry: AnsweringRegistry,
    enrolments: tuple[Enrolment, ...],
    acting: tuple[str, ...],
    threshold: int = 2,
) -> pb.Evidence:
    body = AdministratorsBody(enrolments, acting, threshold)
    impose(log, registry, body, by=log.administrators[:2], on_administrators=True)
    trial = len(acting) == 1
    registry.state = replace(registry.state, administrators=acting, threshold=threshold, trial=trial)
    return registry.answer("lender-2", "listed")


def _again(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
    impose(log, registry, InstitutionBody(_administrator(log, "admin-1")), on_administrators=True)
    return registry.answer("lender-2", "listed")


def _anothers_key(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
    """board-1 is enrolled with the key of admin-1, whose holder then counts for two."""
    taken = grant_key(REGISTRY, "board-1", signer("admin-1 ADMINISTER"), KeyUsage.ADMINISTER)
    enrolment = replace(_administrator(log, "board-1"), keys=(taken,))
    return _change(log, registry, (enrolment,), ("admin-1", "admin-2", "board-1"))


def _enrolled(roles: tuple[Role, ...], *usages: KeyUsage, **changes: object) -> Callable[..., pb.Evidence]:
    """lender-4 is enrolled against the rules, and asks where it has a key for it."""

    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        enrolment = replace(log.enrolment("lender-4", roles, *usages), **changes)  # type: ignore[arg-type]  # fields of it
        act = impose(log, registry, InstitutionBody(enrolment), on_administrators=Role.ADMINISTRATOR in roles)
        # The map shows a member as it should be.
        registry.institutions["lender-4"] = replace(registry.institutions["lender-1"], id="lender-4", keys=())
        for grant in enrolment.keys:
            if grant.usage is KeyUsage.INQUIRE:
                give(registry, "lender-4", grant, act)
        return registry.answer("lender-4" if KeyUsage.INQUIRE in usages else "lender-2", "listed")

    return make


# Further keys


def _grant(owner: str, usage: KeyUsage, endorser: str, *, institution: str = "") -> KeyGrant:
    return grant_key(REGISTRY, institution or owner, signer(NEW), usage, signer(endorser))


REPORTING = _grant("lender-1", KeyUsage.REPORT, "lender-1 REPORT")
ADMINISTERING = _grant("admin-1", KeyUsage.ADMINISTER, "admin-1 ADMINISTER")


def _administers(grant: KeyGrant) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        impose(log, registry, KeyGrantBody("admin-1", grant), on_administrators=True)
        return registry.answer("lender-2", "listed")

    return make


def _speaks(grant: KeyGrant) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    """lender-1 is given the key, which then signs a record of it."""

    def make(log: HandmadeLog, registry: AnsweringRegistry) -> pb.Evidence:
        give(registry, "lender-1", grant, impose(log, registry, KeyGrantBody("lender-1", grant)))
        forge(log, registry, "lender-1", "invented", "victim", by=NEW)
        return registry.answer("lender-2", "victim")

    return make


# Lapses


def _lapsed(ground: str) -> Callable[[HandmadeLog, AnsweringRegistry], pb.Evidence]:
    def make(log: HandmadeLog, _: AnsweringRegistry) -> pb.Evidence:
        log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
        log.wait(21 * DAY_MS)
        registry = AnsweringRegistry(log)
        index = log.lapse("lender-1", "debt", LapseKind.RESTRICTED, ground=ground)
        registry.records[pseudonym("listed")][0].annotations.append(registry.annotation(index))
        return registry.answer("lender-3", "listed")

    return make


_L = EvidenceLie
_DAY, _STANDING, _FIRST = "day of retention", "standing of its kind", "standing of version 1"
_STATE, _HEAD = "state of a member", "HEAD"
_BOARD, _KEY, _OTHER = "administrators", "further key that signed", "form"
LIES = (
    _L(_DAY, "CURED without one", "retention.present", _later(Kind.DEFAULT, Standing.CURED, "")),
    _L(_DAY, "LISTING OPEN without one", "retention.present", _later(Kind.LISTING, Standing.OPEN, "")),
    _L(_STANDING, "LISTING SATISFIED", "lifecycle.standing", _later(Kind.LISTING, Standing.SATISFIED, RETAIN_UNTIL)),
    _L(_STANDING, "DEFAULT STAYED", "lifecycle.standing", _later(Kind.DEFAULT, Standing.STAYED, "")),
    _L(_STANDING, "DEFAULT SATISFIED", "lifecycle.standing", _later(Kind.DEFAULT, Standing.SATISFIED, RETAIN_UNTIL)),
    _L(_STANDING, "JUDGMENT ARRANGED", "lifecycle.standing", _later(Kind.JUDGMENT, Standing.ARRANGED, "")),
    _L(_STANDING, "JUDGMENT STAYED", "lifecycle.standing", _later(Kind.JUDGMENT, Standing.STAYED, "")),
    _L(_STANDING, "JUDGMENT CURED", "lifecycle.standing", _later(Kind.JUDGMENT, Standing.CURED, RETAIN_UNTIL)),
    _L(_STANDING, "ENFORCEMENT ARRANGED", "lifecycle.standing", _later(Kind.ENFORCEMENT, Standing.ARRANGED, "")),
    _L(_STANDING, "ENFORCEMENT CURED", "lifecycle.standing", _later(Kind.ENFORCEMENT, Standing.CURED, RETAIN_UNTIL)),
    _L(_FIRST, "CURED", "lifecycle.transition", _first(Kind.DEFAULT, Standing.CURED)),
    _L(_FIRST, "TRANSFERRED", "lifecycle.transition", _first(Kind.DEFAULT, Standing.TRANSFERRED)),
    _L(_FIRST, "SATISFIED", "lifecycle.transition", _first(Kind.JUDGMENT, Standing.SATISFIED)),
    _L(_FIRST, "STAYED", "lifecycle.transition", _first(Kind.ENFORCEMENT, Standing.STAYED)),
    *(_L("batch signature", says, rule, _in_batch(by)) for says, (rule, by) in BATCH_LIES.items()),
    _L("inquiry", "purpose REPORTING", "inquiry.purpose", _for_reporting),
    _L("scope", "facts of a kind that it is not shown", "withholding.disclosure", _beyond_scope),
    _L(
        "scope",
        "what was paid too long ago",
        "withholding.disclosure",
        lambda log, _: _paid(log, 730, 1),
    ),
    _L("scope", "less than it is shown", "withholding.disclosure", _less_than_scope),
    _L("log keys", "a second one after the signing one", "registry.log-key", _log_keys(first=False)),
    _L("log keys", "a second one before the signing one", "registry.log-key", _log_keys(first=True)),
    _L(
        _STATE,
        "LENDER and AUDITOR",
        "roles.alone",
        _lender(lambda state: replace(state, roles=(Role.LENDER, Role.AUDITOR))),
    ),
    _L(
        _STATE,
        "keys of another role",
        "institution.role",
        _lender(lambda state: replace(state, roles=(Role.ADMINISTRATOR,))),
    ),
    _L(_STATE, "no role", "roles.alone", _lender(lambda state: replace(state, roles=()))),
    _L(
        _STATE,
        "unused key that ends before it begins",
        "key.range",
        _lender(lambda state: _unused_key(state, first=5, end=5)),
    ),
    _L(_STATE, "unused key of another algorithm", "key.algorithm", _lender(_of_algorithm)),
    _L(_STATE, "succession by genesis", "successions.order", _lender(_succession_of_genesis)),
    _L(_HEAD, "newest act after it", "head.newest-act", _head(newest_act=10_000)),
    _L(_HEAD, "newest act is an older one", "head.newest-act", _head(newest_act=0)),
    _L(_HEAD, "no HEAD before it", "head.previous", _head(previous=bytes(32))),
    _L(_HEAD, "inquiries without a tree", "head.inquiries", _head(inquiry_count=7)),
    _L(_HEAD, "a tree without inquiries", "head.inquiries", _head(inquiry_root=seed("root"))),
    _L(_BOARD, "one without the role", "institution.role", _board(acting=("admin-1", "admin-2", "lender-1"))),
    _L(_BOARD, "one whom nobody enrolled", "institution.role", _board(acting=("admin-1", "admin-2", "nobody"))),
    _L(
        _BOARD,
        "one enrolled twice, by a change of them",
        "institution.member",
        _board("admin-3", acting=("admin-1", "admin-2", "admin-3")),
    ),
    _L(_BOARD, "one enrolled twice, by an act of its own", "institution.member", _again),
    _L(_BOARD, "key without endorsement", "key.endorsed", _administers(replace(ADMINISTERING, endorsement=b""))),
    _L(
        _BOARD,
        "key endorsed by another",
        "key.endorsed",
        _administers(_grant("admin-1", KeyUsage.ADMINISTER, "admin-2 ADMINISTER")),
    ),
    _L(_BOARD, "key without possession", "key.possessed", _administers(replace(ADMINISTERING, possession=b""))),
    _L(_BOARD, "one key of two of them", "key.enrolled-once", _anothers_key),
    _L(
        _BOARD,
        "AUDITOR and ADMINISTRATOR",
        "roles.alone",
        _enrolled((Role.AUDITOR, Role.ADMINISTRATOR), KeyUsage.ADMINISTER),
    ),
    _L(
        _BOARD,
        "key of a use without its role",
        "institution.role",
        _enrolled((Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.ADMINISTER),
    ),
    _L(
        _BOARD,
        "one without an ADMINISTER key",
        "institution.role",
        _enrolled((Role.LENDER, Role.ADMINISTRATOR), KeyUsage.INQUIRE),
    ),
    _L(_KEY, "no endorsement", "key.endorsed", _speaks(replace(REPORTING, endorser=b"", endorsement=b""))),
    _L(_KEY, "wrong endorsement", "key.endorsed", _speaks(replace(REPORTING, endorsement=bytes(64)))),
    _L(_KEY, "unknown endorser", "key.endorsed", _speaks(_grant("lender-1", KeyUsage.REPORT, "nobody"))),
    _L(_KEY, "no possession", "key.possessed", _speaks(replace(REPORTING, possession=b""))),
    _L(_KEY, "wrong possession", "key.possessed", _speaks(replace(REPORTING, possession=REPORTING.endorsement))),
    _L(
        _KEY,
        "possession for another institution",
        "key.possessed",
        _speaks(_grant("lender-1", KeyUsage.REPORT, "lender-1 REPORT", institution="lender-2")),
    ),
    _L(_OTHER, "a registry becomes a trial of one", "administration.trial", _board(acting=("admin-1",), threshold=1)),
    _L(
        _OTHER,
        "enrolment without a licence number",
        "enrolment.complete",
        _enrolled((Role.LENDER,), KeyUsage.INQUIRE, licence_number=""),
    ),
    _L(_OTHER, "ground of a lapse with a space", "lapse.complete", _lapsed("no answer")),
    _L(_OTHER, "no ground of a lapse", "lapse.complete", _lapsed("")),
    _L(_OTHER, "one key of two key services", "key-services.distinct", _one_key_of_two_services),
)
