"""What registry and administrators try together: to give a member a key that it never saw, and to sign with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import InstitutionBody, KeyEndBody, KeyGrantBody, grant_key
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import check, forge, give, impose, listed_log, refused
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import REGISTRY, HandmadeLog, signer

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import KeyGrant
    from client_sdk.kernel.formats.state import AdministratorAct

NEW = "a key of the registry"


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


def granted(owner: str, usage: KeyUsage, endorser: str, *, institution: str = "") -> KeyGrant:
    return grant_key(REGISTRY, institution or owner, signer(NEW), usage, signer(endorser))


def own(usage: KeyUsage = KeyUsage.REPORT, owner: str = "lender-1") -> KeyGrant:
    """A further key that its owner has asked for."""
    return granted(owner, usage, f"{owner} {usage.name}")


def speak(log: HandmadeLog, registry: AnsweringRegistry, grant: KeyGrant) -> AdministratorAct:
    """Give the key to lender-1, and report somebody with it."""
    act = impose(log, registry, KeyGrantBody("lender-1", grant))
    give(registry, "lender-1", grant, act)
    forge(log, registry, "lender-1", "invented", "victim", by=NEW)
    return act


def test_a_further_key_that_its_member_asked_for_speaks(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    speak(log, registry, own())
    (person,) = check(log, registry.answer("lender-2", "victim")).persons
    assert person.listed


@pytest.mark.parametrize(
    ("grant", "rule"),
    [
        pytest.param(replace(own(), endorsement=b""), "key.endorsed", id="no signature of the endorser"),
        pytest.param(granted("lender-1", KeyUsage.REPORT, "lender-2 REPORT"), "key.endorsed", id="another's endorser"),
        pytest.param(granted("lender-1", KeyUsage.REPORT, NEW), "key.endorsed", id="endorsed by itself"),
        pytest.param(
            replace(own(KeyUsage.INQUIRE), usage=KeyUsage.REPORT), "key.possessed", id="possession for another use"
        ),
    ],
)
def test_a_further_key_is_possessed_and_endorsed(log: HandmadeLog, grant: KeyGrant, rule: str) -> None:
    registry = AnsweringRegistry(log)
    speak(log, registry, grant)
    assert refused(log, registry.answer("lender-2", "victim")).rule == rule


def test_an_inquiry_is_not_signed_with_a_key_that_nobody_endorsed(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    grant = replace(own(KeyUsage.INQUIRE), endorsement=bytes(64))
    give(registry, "lender-1", grant, impose(log, registry, KeyGrantBody("lender-1", grant)))
    assert refused(log, registry.answer("lender-1", "clear", by=signer(NEW))).rule == "key.endorsed"


def test_an_ended_key_endorses_nothing(log: HandmadeLog) -> None:
    ended = log.act(KeyEndBody("lender-1", signer("lender-1 REPORT").public_key.key_id))
    registry = AnsweringRegistry(log)
    act = speak(log, registry, own())
    assert act.place > ended
    assert refused(log, registry.answer("lender-2", "victim")).rule == "key.endorsed"


def test_what_was_verified_once_does_not_hide_another_endorser(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    speak(log, registry, own())
    check(log, registry.answer("lender-2", "victim"))
    # The acts are the same; the map says that the endorser came later than what it endorsed.
    state, endorser = registry.institutions["lender-1"], signer("lender-1 REPORT").public_key.key_id
    late = tuple(replace(key, first=len(log.leaves)) if key.key_id == endorser else key for key in state.keys)
    registry.institutions["lender-1"] = replace(state, keys=late)
    assert refused(log, registry.answer("lender-2", "victim")).rule == "key.endorsed"


def test_a_further_key_of_an_administrator_that_it_asked_for_is_followed(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    impose(log, registry, KeyGrantBody("admin-1", own(KeyUsage.ADMINISTER, "admin-1")), on_administrators=True)
    check(log, registry.answer("lender-2", "clear"))


def test_only_an_administrators_key_endorses_one(log: HandmadeLog) -> None:
    both = log.enrolment("board-1", (Role.LENDER, Role.ADMINISTRATOR), KeyUsage.REPORT, KeyUsage.ADMINISTER)
    log.act(InstitutionBody(both))
    assert not log.complaints
    grant = granted("board-1", KeyUsage.ADMINISTER, "board-1 REPORT")
    registry = AnsweringRegistry(log)
    impose(log, registry, KeyGrantBody("board-1", grant), on_administrators=True)
    assert refused(log, registry.answer("lender-2", "clear")).rule == "key.endorsed"
    with pytest.raises(RuleError) as caught:
        log.state.directory.decide(log.next_act(KeyGrantBody("board-1", grant)), len(log.leaves), log.logged_at)
    assert (caught.value.reason, caught.value.rule) == ("KEY_NOT_ENDORSED", "key.endorsed")


# Enrolments, as far as an act shows by itself whether they are in order


@pytest.mark.parametrize(
    ("roles", "usages", "rule"),
    [
        ((Role.LENDER, Role.AUDITOR), (KeyUsage.INQUIRE,), "roles.alone"),
        ((Role.AUDITOR,), (KeyUsage.INQUIRE,), "institution.role"),
    ],
)
def test_roles_and_keys_of_an_enrolment_go_together(
    log: HandmadeLog, roles: tuple[Role, ...], usages: tuple[KeyUsage, ...], rule: str
) -> None:
    registry = AnsweringRegistry(log)
    enrolment = log.enrolment("lender-4", roles, *usages)
    act = impose(log, registry, InstitutionBody(enrolment), on_administrators=Role.ADMINISTRATOR in roles)
    # The map shows a member as it should be.
    lender = log.state.directory.institutions["lender-1"]
    registry.institutions["lender-4"] = replace(lender, id="lender-4", keys=())
    for grant in enrolment.keys:
        if grant.usage is KeyUsage.INQUIRE:
            give(registry, "lender-4", grant, act)
    asker = "lender-4" if KeyUsage.INQUIRE in usages else "lender-2"
    assert refused(log, registry.answer(asker, "clear")).rule == rule


def test_no_shown_act_gives_a_key_that_is_anothers(log: HandmadeLog) -> None:
    """Of the log, of an administrator, and of another member whose act is shown as well."""
    for holder, owner in (("log", "log"), ("admin-3 ADMINISTER", "genesis"), ("lender-1 REPORT", "member")):
        registry = AnsweringRegistry(log)
        grant = grant_key(REGISTRY, "lender-2", signer(holder), KeyUsage.REPORT, signer("lender-2 REPORT"))
        give(registry, "lender-2", grant, impose(log, registry, KeyGrantBody("lender-2", grant)))
        forge(log, registry, "lender-2", f"invented {owner}", "listed", by=holder)
        evidence = registry.answer("lender-3", "listed")
        evidence.acts[:] = [leaf for leaf in evidence.acts if leaf != log.leaves[0]]
        assert refused(log, evidence).rule == "key.enrolled-once", owner
