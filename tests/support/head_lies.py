"""Lies about leaves: HEADs, map, bindings, directory, inquiries and checkpoints that are not what they must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import InstitutionBody, RulebookBody, StateBody
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.encoding import u32
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import contribution_key, institution_key, state_value
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import (
    InstitutionStatus,
    KeyUsage,
    Kind,
    LapseKind,
    Purpose,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.rules.dates import day_of
from tests.support.closing_lies import closing
from tests.support.handmade_log import HandmadeLog, record_id, seed, signer
from tests.support.live_map import map_entries
from tests.support.lying import lie

if TYPE_CHECKING:
    from client_sdk.kernel.formats.contribution import Contribution
    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


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


@lie(_F.HEAD_CHAIN)
def a_head_that_hides_a_closing_act(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(closing(log))
    log.act(closing(log, days=9))
    log.head(closing_act=len(log.leaves) - 2)


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
    registry.bindings = sorted([kept, *log.bindings()])


@lie(_F.BINDING_DEAD)
def a_binding_of_an_erased_record(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    kept = next(item for item in log.bindings() if item[0] == log.state.chains[_running()].index)
    log.erase(_running())
    log.head()
    registry.bindings = sorted([kept, *log.bindings()])


@lie(_F.BINDING_DEAD, _F.MAP_ROOT, _F.MAP_COUNT)
def a_withdrawn_record_that_stays_in_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    before = log.bound()
    registry.bindings = log.bindings()
    log.say("lender-2", "disputed", Standing.WITHDRAWN)
    registry.entries = map_entries(log.state.directory, before)
    log.head(map_root=root_of(sorted(registry.entries.items())), entry_count=len(registry.entries))


@lie(_F.MAP_ROOT, _F.RECIPROCITY)
def a_lender_that_gave_more_than_it_reported(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    given = log.state.directory.contribution("lender-3").after(Kind.ENFORCEMENT, "2026-01-01")
    _say_given(log, registry, given)


@lie(_F.MAP_ROOT, _F.RECIPROCITY)
def a_lender_that_is_said_to_have_given_nothing(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    given = log.state.directory.contribution("lender-1")
    assert given.given
    _say_given(log, registry, replace(given, given=()))


@lie(_F.MAP_ROOT, _F.RECIPROCITY)
def a_lender_that_is_new_for_longer(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    _say_given(log, registry, replace(log.state.directory.contribution("lender-2"), enrolled_on="2026-12-31"))


@lie(_F.MAP_ROOT, _F.MAP_COUNT, _F.RECIPROCITY)
def a_lender_without_a_contribution(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    entries = dict(log.entries())
    del entries[contribution_key("lender-2")]
    registry.entries = entries
    registry.contributions = {}
    log.head(map_root=root_of(sorted(entries.items())), entry_count=len(entries))


def _say_given(log: HandmadeLog, registry: HandmadeRegistry, given: Contribution) -> None:
    registry.entries = {**log.entries(), contribution_key(given.institution): state_value(given.encode())}
    registry.contributions = {**log.state.directory.contributions, given.institution: given}
    log.head(map_root=root_of(sorted(registry.entries.items())))


@lie(_F.MAP_ROOT, _F.DIRECTORY)
def a_member_with_another_state_in_the_map(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    directory = log.state.directory
    raised = replace(directory.institutions["lender-1"], name="Another")
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


@lie(_F.INQUIRY_TREE, _F.INQUIRY)
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


@lie(_F.INQUIRY)
def an_inquiry_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("invented", by="lender-3 INQUIRE")
    log.asked[-1].key_id = signer("lender-2 INQUIRE").public_key.key_id
    log.head()


@lie(_F.INQUIRY)
def an_inquiry_with_the_key_of_another(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("of another", "QUOTA_EXCEEDED", by="lender-3 INQUIRE")
    log.head()


@lie(_F.INQUIRY)
def an_inquiry_in_the_place_of_another(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("one")
    log.inquire("two")
    log.asked[-1] = log.asked[-2]
    log.head()


@lie(_F.INQUIRY)
def an_answer_for_a_purpose_that_is_not_the_askers(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("for the subject", purpose=Purpose.SUBJECT_ACCESS)
    log.head()


@lie(_F.CONSENT)
def an_answer_on_a_request_that_is_too_old(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(InstitutionBody(log.enrolment("office", (Role.REPRESENTATIVE,), KeyUsage.INQUIRE)))
    rulebook = log.state.directory.rulebook
    signed_on = day_of(log.logged_at, rulebook.time_zone) - timedelta(days=rulebook.request_days + 1)
    own = {"asker": "office", "purpose": Purpose.SUBJECT_ACCESS}
    log.inquire("old", by="office INQUIRE", **own, consent_terms=ConsentTerms.on(signed_on, Purpose.SUBJECT_ACCESS))
    log.head()


@lie(_F.INQUIRY)
def an_answer_to_an_old_inquiry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("late", issued_at=log.logged_at - 3_600_000)
    log.head()


@lie(_F.INQUIRY)
def an_answer_to_who_is_suspended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.wait(3_600_000)
    log.act(StateBody("lender-2", InstitutionStatus.SUSPENDED))
    log.wait(3_600_000)
    log.inquire("suspended")
    log.head()


@lie(_F.CONSENT)
def an_answer_on_a_consent_that_is_younger(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.inquire("younger", consent_terms=ConsentTerms.on(date(2031, 1, 1), Purpose.LOAN_APPROVAL))
    log.head()


@lie(_F.CONSENT)
def an_answer_on_a_consent_for_another_purpose(log: HandmadeLog, _: HandmadeRegistry) -> None:
    terms = ConsentTerms.on(date(2020, 1, 1), Purpose.GUARANTEE_REVIEW, Purpose.REPORTING)
    log.inquire("other purpose", consent_terms=terms)
    log.head()


@lie(_F.CONSENT)
def an_answer_on_a_consent_that_is_too_old(log: HandmadeLog, _: HandmadeRegistry) -> None:
    scopes = ("LOAN_APPROVAL:DEFAULT:consent=30", "GUARANTEE_REVIEW:", "POST_LOAN_REVIEW:", "COLLECTION:")
    log.act(RulebookBody(replace(Rulebook(), scopes=scopes)))
    log.wait(3_600_000)
    log.inquire("old", consent_terms=ConsentTerms.on(date(2020, 1, 1), Purpose.LOAN_APPROVAL))
    log.head()


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
    registry.bindings_size, registry.bindings = 8, []
    log.head()


def _running() -> RecordKey:
    return RecordKey("lender-1", record_id("running"))


def _last_head(log: HandmadeLog) -> HeadLeaf:
    leaf = parse_leaf(log.leaves[-1])
    assert isinstance(leaf, HeadLeaf)
    return leaf
