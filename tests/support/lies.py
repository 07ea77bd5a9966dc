"""Every lie that an audit must find, committed with the registry's own keys: one function a lie.

Each function gets an honest log, already audited once, and the registry that serves it. It goes on dishonestly; all
that it does not lie about stays honest, so that the audit finds this lie and nothing else, unless it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.formats import dsse
from client_sdk.formats.act import (
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    StateBody,
    grant_key,
)
from client_sdk.formats.checkpoint import sign_checkpoint
from client_sdk.formats.encoding import u32
from client_sdk.formats.leaf import ActLeaf, HeadLeaf, StatementLeaf, parse_leaf
from client_sdk.formats.map_entry import institution_key, state_value
from client_sdk.formats.prefix_tree import root_of
from client_sdk.formats.state import KeyService, KeyServices
from client_sdk.formats.statement import RecordKey
from client_sdk.formats.words import (
    AnnotationFlag,
    InstitutionStatus,
    KeyUsage,
    Kind,
    LapseKind,
    Role,
    Standing,
)
from client_sdk.ledger.findings import FindingId
from client_sdk.ledger.live_set import map_entries
from tests.support.handmade_log import DAY_MS, HandmadeLog, record_id, seed, signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.transparency_server import HandmadeRegistry

    Commit = Callable[[HandmadeLog, HandmadeRegistry], None]

__all__ = ["LIES", "Lie", "honest_log"]

_F = FindingId


@dataclass(frozen=True)
class Lie:
    """A lie and all that an audit finds of it."""

    commit: Commit
    found: frozenset[FindingId]

    @property
    def name(self) -> str:
        return self.commit.__name__


LIES: list[Lie] = []


class Forger:
    """Names somebody's key and signs with another."""

    def __init__(self, name: str) -> None:
        self.public_key = signer(name).public_key
        self._own = signer("forger")

    def sign(self, message: bytes) -> bytes:
        return self._own.sign(message)


def lie(*found: FindingId) -> Callable[[Commit], Commit]:
    """Say what an audit finds of a lie."""

    def register(commit: Commit) -> Commit:
        LIES.append(Lie(commit, frozenset(found)))
        return commit

    return register


def honest_log() -> HandmadeLog:
    """Records of every sort: running, cured, sold and bought, withdrawn, erased, disputed; and some inquiries."""
    log = HandmadeLog()
    log.say("lender-1", "running")
    log.say("lender-1", "cured")
    log.say("lender-1", "cured", Standing.CURED)
    log.say("lender-2", "running too", subject="person of running")
    log.inquire("first")
    log.head()
    log.say("lender-1", "sold")
    log.say("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2")
    log.say("lender-2", "bought", subject="person of sold", continues=RecordKey("lender-1", record_id("sold")))
    log.say("lender-3", "mistaken")
    log.say("lender-3", "mistaken", Standing.WITHDRAWN)
    log.say("lender-3", "forgotten")
    log.head()
    log.wait(DAY_MS)
    log.erase(RecordKey("lender-3", record_id("forgotten")))
    log.say("lender-2", "disputed")
    log.annotate("lender-3", "lender-2", "disputed", AnnotationFlag.DISPUTED)
    log.inquire("second")
    log.inquire("third", "QUOTA_EXCEEDED")
    log.head()
    return log


# Leaves and signatures


@lie(_F.LEAF_FORM)
def a_leaf_of_no_type(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.add(b"\x09\x01" + log.logged_at.to_bytes(8))
    log.head()


@lie(_F.LEAF_FORM)
def a_statement_with_an_unknown_field(log: HandmadeLog, _: HandmadeRegistry) -> None:
    payload = log.statement("lender-1", "new", Standing.OPEN, "anybody").encode() + b"\xf8\x07\x01"
    key = signer("lender-1 REPORT")
    signature = dsse.sign(key, dsse.STATEMENT, payload)
    log.add(StatementLeaf(log.logged_at, dsse.STATEMENT, payload, key.public_key.key_id, signature).encode())
    log.head()


@lie(_F.SIGNATURE)
def a_statement_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    log.head()


@lie(_F.SIGNATURE)
def an_annotation_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = parse_leaf(log.leaves[log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)])
    assert isinstance(honest, StatementLeaf)
    log.replace_last(replace(honest, signature=bytes(64)).encode())
    log.head()


@lie(_F.SIGNATURE)
def an_annotation_signed_as_a_statement(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = parse_leaf(log.leaves[log.annotate("lender-1", "lender-1", "running", AnnotationFlag.RESTRICTED)])
    assert isinstance(honest, StatementLeaf)
    signature = dsse.sign(signer("lender-1 REPORT"), dsse.STATEMENT, honest.payload)
    log.replace_last(replace(honest, signature=signature).encode())
    log.head()


@lie(_F.KEY_RANGE)
def a_key_that_was_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    log.say("lender-1", "running")
    log.head()


@lie(_F.KEY_USAGE)
def a_key_of_another_usage(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("lender-1 INQUIRE"))
    log.head()


@lie(_F.KEY_OWNER)
def a_key_of_another_member(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("lender-2 REPORT"))
    log.head()


@lie(_F.KEY_OWNER)
def a_key_that_no_act_gave(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", by=signer("the registry's own"))
    log.head()


@lie(_F.REGISTRY)
def a_statement_for_another_registry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", registry="other.example")
    log.head()


# Chains


@lie(_F.CHAIN)
def a_version_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", version=3)
    log.head()


@lie(_F.CHAIN)
def a_version_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, version=2)
    log.head()


@lie(_F.CHAIN)
def another_version_before(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", previous=seed("another"))
    log.head()


@lie(_F.CHAIN)
def another_kind(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", kind=Kind.JUDGMENT)
    log.head()


@lie(_F.CHAIN)
def a_record_bought_from_nobody(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "new", continues=RecordKey("lender-1", record_id("running")))
    log.head()


@lie(_F.TRANSITION)
def a_standing_that_may_not_follow(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.OPEN)
    log.head()


@lie(_F.TRANSITION)
def a_withdrawn_record_again(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "mistaken", Standing.OPEN)
    log.head()


@lie(_F.AFTER_ERASURE)
def a_version_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-3", "forgotten")
    log.head()


@lie(_F.AFTER_ERASURE)
def an_annotation_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-1", "lender-3", "forgotten", AnnotationFlag.DISPUTED)
    log.head()


@lie(_F.AFTER_ERASURE)
def a_lapse_after_the_erasure(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-3", "forgotten", LapseKind.ERASED)
    log.head()


@lie(_F.SPEAKER)
def a_successor_whom_nobody_named(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.CURED, signer="lender-2")
    log.head()


@lie(_F.SPEAKER)
def a_new_record_of_a_suspended_member(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.say("lender-1", "new")
    log.head()


@lie(_F.SUBJECT_KEY_VERSION)
def subject_keys_that_do_not_exist(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "new", subject_key_version=2)
    log.head()


@lie(_F.RETENTION)
def an_end_without_a_date(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running", Standing.CURED, retain_until="")
    log.head()


@lie(_F.RETENTION)
def a_date_moved_later(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, retain_until="2035-01-01")
    log.head()


@lie(_F.RETENTION)
def a_record_kept_too_long(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "cured", Standing.CURED, retain_until="2026-02-01")
    log.wait(60 * DAY_MS)
    log.head()


@lie(_F.ANNOTATION)
def a_restriction_by_a_stranger(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-3", "lender-1", "running", AnnotationFlag.RESTRICTED)
    log.head()


@lie(_F.ANNOTATION)
def an_annotation_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.annotate("lender-2", "lender-2", "disputed", number=3)
    log.head()


# Acts


@lie(_F.ACT_THRESHOLD)
def an_act_of_one_administrator(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), by=["admin-1"])
    log.head()


@lie(_F.ACT_SIGNATURE)
def an_act_of_somebody_else(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), by=["admin-1", "admin-2", "somebody"])
    log.head()


@lie(_F.ACT_SIGNATURE)
def an_act_with_a_signature_that_does_not_verify(log: HandmadeLog, _: HandmadeRegistry) -> None:
    act = log.next_act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    leaf = parse_leaf(log.act_leaf(act, ["admin-1", "admin-2"]))
    assert isinstance(leaf, ActLeaf)
    first, second = leaf.approvals
    log.add(replace(leaf, approvals=(first, second._replace(signature=bytes(64)))).encode())
    log.head()


@lie(_F.ACT_ORDER)
def an_act_left_out(log: HandmadeLog, _: HandmadeRegistry) -> None:
    number = log.state.directory.state.act_number
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), number=number + 2)
    log.head()


@lie(_F.ACT_ORDER)
def an_act_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    index = log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.act(StateBody("lender-1", InstitutionStatus.ACTIVE))
    log.add(log.leaves[index])
    log.head()


@lie(_F.ACT_ORDER)
def an_act_of_another_registry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED), registry="other.example")
    log.head()


@lie(_F.ACT_INVALID)
def a_member_enrolled_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key("registry.example", "lender-1", signer("another"), KeyUsage.REPORT)
    enrolment = log.enrolment("lender-1", (Role.LENDER,), KeyUsage.REPORT)
    log.act(InstitutionBody(replace(enrolment, keys=(grant,))))
    log.head()


@lie(_F.ACT_INVALID)
def subject_keys_out_of_order(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyServicesBody(KeyServices(3, (KeyService("key-service-c.example:443", seed("key-service-c")),))))
    log.head()


@lie(_F.KEY_ACT)
def a_key_that_nobody_holds(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key(
        "registry.example", "lender-2", signer("new"), KeyUsage.REPORT, endorser=signer("lender-1 REPORT")
    )
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def a_key_that_the_member_did_not_endorse(log: HandmadeLog, _: HandmadeRegistry) -> None:
    grant = grant_key(
        "registry.example", "lender-1", signer("new"), KeyUsage.REPORT, endorser=signer("lender-2 REPORT")
    )
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def a_key_for_another_role(log: HandmadeLog, _: HandmadeRegistry) -> None:
    own = signer("lender-1 REPORT")
    grant = grant_key("registry.example", "lender-1", signer("new"), KeyUsage.AUDIT, endorser=own)
    log.act(KeyGrantBody("lender-1", grant))
    log.head()


@lie(_F.KEY_ACT)
def the_end_of_a_key_that_has_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    key_id = signer("lender-1 REPORT").public_key.key_id
    log.act(KeyEndBody("lender-1", key_id))
    log.act(KeyEndBody("lender-1", key_id))
    log.head()


@lie(_F.ERASED_ALONE)
def a_bought_record_erased_without_the_old_one(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.erase(RecordKey("lender-2", record_id("bought")))
    log.head()


@lie(_F.ERASED_ALONE)
def an_old_record_erased_without_the_one_that_continues_it(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "sold", LapseKind.ERASED)
    log.head()


# The clock


@lie(_F.LAPSE_EARLY)
def a_record_erased_before_its_time(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "cured", LapseKind.ERASED)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_record_without_a_date_erased(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.lapse("lender-1", "running", LapseKind.ERASED)
    log.head()


@lie(_F.LAPSE_EARLY)
def a_restriction_before_the_period_is_over(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(20 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    log.head()


@lie(_F.TIME)
def a_clock_that_runs_backwards(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(-1)
    log.say("lender-1", "running")
    log.wait(1)
    log.head()


@lie(_F.TIME)
def a_clock_that_is_ahead(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = log.logged_at
    log.wait(301_000)
    log.head()
    log.logged_at = honest


# HEADs, map and bindings


@lie(_F.HEAD_PLACE, _F.DIRECTORY)
def a_checkpoint_that_does_not_end_with_a_head(log: HandmadeLog, _: HandmadeRegistry) -> None:
    # The record was sold: it is not in the map, so the HEAD before still says what is in it.
    log.lapse("lender-1", "sold", LapseKind.ERASED)


@lie(_F.HEAD_CHAIN)
def a_head_that_follows_another(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.head(previous=seed("another"))


@lie(_F.HEAD_CHAIN)
def a_head_that_hides_an_act(log: HandmadeLog, _: HandmadeRegistry) -> None:
    before = log.state.directory.newest_act
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    log.head(newest_act=before)


@lie(_F.HEAD_CHAIN, _F.INQUIRY_TREE)
def a_head_that_forgets_an_inquiry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.head(inquiry_count=len(log.inquiries) - 1)


@lie(_F.MAP_ROOT, _F.DIRECTORY)
def another_map(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.say("lender-1", "running")
    log.head(map_root=seed("another map"))


@lie(_F.MAP_COUNT)
def another_number_of_entries(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.head(entry_count=len(log.entries()) + 1)


@lie(_F.BINDING_MISSING)
def a_live_record_hidden_from_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    index = log.say("lender-1", "new")
    bound = [item for item in log.bound() if item.record.leaf_index != index]
    registry.entries = map_entries(log.state.directory, bound)
    registry.bindings = [item for item in log.bindings() if item[0] != index]
    log.head(map_root=root_of(sorted(registry.entries.items())), entry_count=len(registry.entries))


@lie(_F.BINDING_WRONG)
def a_record_moved_to_another_person(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    index = log.say("lender-1", "new")
    victim = seed("somebody else")
    moved = [item._replace(subject=victim) if item.record.leaf_index == index else item for item in log.bound()]
    registry.entries = map_entries(log.state.directory, moved)
    registry.bindings = sorted((item.record.leaf_index, item.subject, item.record.opening) for item in moved)
    log.head(map_root=root_of(sorted(registry.entries.items())), entry_count=len(registry.entries))


@lie(_F.BINDING_WRONG)
def a_second_binding_of_a_record(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    first = log.bindings()[0]
    registry.bindings = [first, first, *log.bindings()[1:]]


@lie(_F.BINDING_DEAD)
def a_binding_of_a_superseded_version(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    kept = next(item for item in log.bindings() if item[0] == log.state.chains[_running()].index)
    log.say("lender-1", "running")
    log.head()
    registry.bindings = [kept, *log.bindings()]


@lie(_F.BINDING_DEAD)
def a_binding_of_an_erased_record(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    kept = next(item for item in log.bindings() if item[0] == log.state.chains[_running()].index)
    log.erase(_running())
    log.head()
    registry.bindings = [kept, *log.bindings()]


@lie(_F.BINDING_DEAD, _F.MAP_ROOT, _F.MAP_COUNT)
def a_withdrawn_record_that_stays_in_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    before = log.bound()
    registry.bindings = log.bindings()
    log.say("lender-2", "disputed", Standing.WITHDRAWN)
    registry.entries = map_entries(log.state.directory, before)
    log.head(map_root=root_of(sorted(registry.entries.items())), entry_count=len(registry.entries))


@lie(_F.MAP_ROOT, _F.DIRECTORY)
def a_member_with_another_state_in_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    directory = log.state.directory
    raised = replace(directory.institutions["lender-1"], reciprocity_level=9)
    entries = {**log.entries(), institution_key("lender-1"): state_value(raised.encode())}
    registry.entries = entries
    registry.institutions = {**directory.institutions, "lender-1": raised}
    log.head(map_root=root_of(sorted(entries.items())))


@lie(_F.DIRECTORY)
def a_member_who_is_not_shown(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    members = log.state.directory.institutions
    registry.institutions = {id_: state for id_, state in members.items() if id_ != "lender-1"}


@lie(_F.DIRECTORY)
def a_registry_state_without_its_proof(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    registry.registry_state = replace(log.state.directory.state, threshold=1)


# Inquiries


@lie(_F.INQUIRY_TREE)
def an_inquiry_that_was_changed(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.inquire("fourth")
    log.head()
    shown = log.inquiries.copy()
    shown[-1] = shown[-1][:-1] + bytes((shown[-1][-1] ^ 1,))
    registry.inquiries = shown


@lie(_F.INQUIRY_TREE)
def an_inquiry_that_is_not_shown(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.inquire("fourth")
    log.head()
    registry.inquiries = log.inquiries[:-1]


@lie(_F.INQUIRY_TREE)
def an_inquiry_of_no_form(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquiries.append(bytes(8) + u32(3) + b"hid" + bytes(32))
    log.head()


@lie(_F.INQUIRY_TREE)
def another_root_of_the_inquiries(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("fourth")
    log.head(inquiry_root=seed("another"))


# Checkpoints


@lie(_F.CHECKPOINT)
def a_checkpoint_by_another_key(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    registry.checkpoint = log.checkpoint(key=signer("another log"))


@lie(_F.CHECKPOINT)
def a_checkpoint_of_other_leaves(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    shown = log.leaves.copy()
    last = parse_leaf(shown[-1])
    assert isinstance(last, HeadLeaf)
    shown[-1] = replace(last, logged_at=last.logged_at + 1).encode()
    registry.leaves = shown


@lie(_F.FORK)
def another_log_of_the_same_size(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.replace_last(replace(_last_head(log), logged_at=log.logged_at + 1).encode())


@lie(_F.FORK)
def another_log_that_goes_on(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.replace_last(replace(_last_head(log), logged_at=log.logged_at + 1).encode())
    log.logged_at += 1
    log.say("lender-1", "running")
    log.head()


@lie(_F.FORK)
def two_roots_signed_for_one_size(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    log.head()
    registry.checkpoint = sign_checkpoint(log.origin, len(log.leaves), seed("another root"), log.log_signer)


@lie(_F.ROLLBACK)
def a_log_that_went_back(_: HandmadeLog, registry: HandmadeRegistry) -> None:
    registry.size = 8
    registry.bindings = []


@lie(_F.ROLLBACK)
def bindings_of_an_older_log(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    registry.bindings_size = 8
    log.head()


def _running() -> RecordKey:
    return RecordKey("lender-1", record_id("running"))


def _last_head(log: HandmadeLog) -> HeadLeaf:
    leaf = parse_leaf(log.leaves[-1])
    assert isinstance(leaf, HeadLeaf)
    return leaf
