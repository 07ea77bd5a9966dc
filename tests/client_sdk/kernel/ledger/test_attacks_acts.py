"""What a registry tries that holds the log's key, to have acts believed that administrators never signed for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import (
    Act,
    AdministratorsBody,
    GenesisBody,
    InstitutionBody,
    KeyGrantBody,
    RulebookBody,
    grant_key,
)
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import TIME_END_MS, ActLeaf, Approval, parse_leaf
from client_sdk.kernel.formats.state import AdministratorAct, Rulebook
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import AnnotationFlag, KeyUsage, Role, Standing
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.examination import LiveBinding, check_log
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import check, forge, listed_log, refused
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import REGISTRY, HandmadeLog, signer


@pytest.fixture
def log() -> HandmadeLog:
    return listed_log()


def other_administrators(log: HandmadeLog) -> AdministratorsBody:
    """Three new ones in the place of the old."""
    names = ("board-1", "board-2", "board-3")
    enrolments = tuple(log.enrolment(name, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for name in names)
    return AdministratorsBody(enrolments, names, 2)


def newcomer(log: HandmadeLog) -> InstitutionBody:
    return InstitutionBody(log.enrolment("lender-4", (Role.LENDER,), KeyUsage.INQUIRE, KeyUsage.REPORT))


def change_administrators(log: HandmadeLog) -> None:
    old, new = log.administrators[:2], ("board-1", "board-2")
    log.act(other_administrators(log), by=(*old, *new))
    log.administrators = new


def test_a_change_of_administrators_is_followed(log: HandmadeLog) -> None:
    change_administrators(log)
    log.act(newcomer(log))
    log.head()
    assert not log.complaints
    check(log, AnsweringRegistry(log).answer("lender-4", "listed"))


def test_a_change_of_administrators_cannot_be_hidden(log: HandmadeLog) -> None:
    change_administrators(log)
    log.act(newcomer(log))
    registry = AnsweringRegistry(log)
    genesis, change = registry.state.administrator_acts
    registry.state = replace(registry.state, administrator_acts=(genesis,))
    assert refused(log, registry.answer("lender-4", "listed")).rule == "act.key"
    # Named, and not shown.
    registry.state = replace(registry.state, administrator_acts=(genesis, change))
    evidence = registry.answer("lender-4", "listed")
    evidence.acts[:] = [leaf for leaf in evidence.acts if leaf_hash(leaf) != change.leaf_hash]
    assert refused(log, evidence).rule == "acts.needed"


def test_administrators_are_those_that_the_acts_make(log: HandmadeLog) -> None:
    for changes in ({"administrators": ("admin-1", "admin-2")}, {"threshold": 3}, {"trial": True}):
        registry = AnsweringRegistry(log)
        registry.state = replace(registry.state, **changes)
        assert refused(log, registry.answer("lender-2", "clear")).rule == "acts.administration"


def test_former_administrators_give_no_key_any_more(log: HandmadeLog) -> None:
    former = log.administrators[:2]
    change_administrators(log)
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    leaf = log.act_leaf(log.next_act(newcomer(log)), former)
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    assert refused(log, registry.answer("lender-4", "clear")).rule == "act.key"


def test_the_registry_cannot_enrol_a_member_of_its_own(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    invented = HandmadeLog(administrators=("mole-1", "mole-2", "mole-3"), lenders=("lender-4",))
    state = invented.state.directory.institutions["lender-4"]
    registry.institutions["lender-4"] = state
    assert refused_with_acts(log, registry, invented, "lender-4").rule == "act.key"


def refused_with_acts(log: HandmadeLog, registry: AnsweringRegistry, other: HandmadeLog, asker: str) -> FormatError:
    registry.acts |= {leaf_hash(leaf): leaf for leaf in other.leaves}
    return refused(log, registry.answer(asker, "clear"))


def test_an_act_of_another_registry_gives_nothing_here(log: HandmadeLog) -> None:
    # The same administrators with the same keys run a second registry.
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    act = replace(log.next_act(newcomer(log)), registry="other.example")
    leaf = log.act_leaf(act, log.administrators[:2])
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    registry.newest_act = place
    assert refused(log, registry.answer("lender-4", "clear")).rule == "acts.registry"


def test_acts_that_follow_one_another_are_chained(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    # Signed by the administrators for a log that went another way: it follows no act of this one.
    act = replace(log.next_act(newcomer(log)), previous=bytes(32))
    leaf = log.act_leaf(act, log.administrators[:2])
    enrolled = HandmadeLog(lenders=("lender-4",)).state.directory.institutions["lender-4"]
    keys = tuple(replace(key, first=place, act_hash=leaf_hash(leaf)) for key in enrolled.keys)
    registry.institutions["lender-4"] = replace(enrolled, keys=keys)
    registry.acts[leaf_hash(leaf)] = leaf
    log.leaves.append(leaf)
    registry.newest_act = place
    # The map names as newest another act, or this one with an older number.
    assert refused(log, registry.answer("lender-4", "clear")).rule == "acts.newest"
    registry.state = replace(registry.state, act_number=act.number, act_hash=leaf_hash(leaf))
    forge(log, registry, "lender-3", "own", "victim", by="lender-3 REPORT")
    assert refused(log, registry.answer("lender-4", "victim")).rule == "acts.chain"


def test_an_act_has_one_place(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    state = registry.institutions["lender-1"]
    key = signer("lender-1 INQUIRE").public_key.key_id
    keys = tuple(replace(held, first=held.first - 1) if held.key_id == key else held for held in state.keys)
    registry.institutions["lender-1"] = replace(state, keys=keys)
    assert refused(log, registry.answer("lender-1", "listed")).rule == "acts.place"


def test_an_administrator_whom_nobody_enrolled_is_refused(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    body = AdministratorsBody((), ("admin-1", "admin-2", "nobody"), 2)
    leaf = log.act_leaf(log.next_act(body), log.administrators[:2])
    log.leaves.append(leaf)
    changed = AdministratorAct(place, leaf_hash(leaf))
    registry.state = replace(registry.state, administrator_acts=(*registry.state.administrator_acts, changed))
    registry.acts[leaf_hash(leaf)] = leaf
    registry.newest_act = place
    refused(log, registry.answer("lender-2", "clear"))


def test_the_registry_cannot_shrink_the_threshold(log: HandmadeLog) -> None:
    registry = AnsweringRegistry(log)
    place = len(log.leaves)
    for body in (
        AdministratorsBody((), ("admin-1", "admin-2", "admin-3"), 0),
        AdministratorsBody((), ("admin-1",), 1),
    ):
        payload = replace(log.next_act(body)).encode()
        forged = signer("log")
        approval = Approval(forged.public_key.key_id, dsse.sign(forged, dsse.ACT, payload))
        leaf = ActLeaf(log.logged_at, payload, (approval,)).encode()
        changed = AdministratorAct(place, leaf_hash(leaf))
        genesis = registry.state.administrator_acts[:1]
        registry.state = replace(registry.state, administrator_acts=(*genesis, changed))
        registry.acts[leaf_hash(leaf)] = leaf
        registry.newest_act = place
        refused(log, registry.answer("lender-2", "clear"))


def test_a_key_act_gives_its_key_to_its_institution_alone(log: HandmadeLog) -> None:
    grant = grant_key(REGISTRY, "lender-1", signer("second"), KeyUsage.REPORT, signer("lender-1 REPORT"))
    place = log.act(KeyGrantBody("lender-1", grant))
    log.say("lender-1", "debt", subject="listed", by=signer("second"))
    assert not log.complaints
    check(log, AnsweringRegistry(log).answer("lender-2", "listed"))
    # The map says that the same act gave it for another use.
    registry = AnsweringRegistry(log)
    state = registry.institutions["lender-1"]
    wrong = [replace(key, usage=KeyUsage.INQUIRE) if key.first == place else key for key in state.keys]
    registry.institutions["lender-1"] = replace(state, keys=tuple(wrong))
    assert refused(log, registry.answer("lender-1", "clear", by=signer("second"))).rule == "acts.give"


# Acts that nobody must follow


@pytest.mark.parametrize(
    "origin", ["other.example/log/1", f"{REGISTRY}/log/", f"{REGISTRY}/log/01", f"{REGISTRY}log/1"]
)
def test_a_log_is_named_after_its_registry(origin: str) -> None:
    genesis = Act.parse(leaf_of(HandmadeLog(lenders=()), 0).payload)
    assert isinstance(genesis.body, GenesisBody)
    (key,) = genesis.body.log_keys
    body = replace(genesis.body, log_keys=(replace(key, origin=origin),))
    with pytest.raises(FormatError):
        Act.parse(replace(genesis, body=body).encode())


def leaf_of(log: HandmadeLog, index: int) -> ActLeaf:
    leaf = parse_leaf(log.leaves[index])
    assert isinstance(leaf, ActLeaf)
    return leaf


def test_no_rulebook_exceeds_the_law(log: HandmadeLog) -> None:
    for rulebook in (Rulebook(dispute_days=21), Rulebook(retention_years=6), Rulebook(dispute_days=2**32 - 1)):
        with pytest.raises(FormatError):
            Act.parse(log.next_act(RulebookBody(rulebook)).encode())


def test_a_rulebook_names_a_time_zone_that_there_is(log: HandmadeLog) -> None:
    for zone in ("Mars/Olympus", "Asia/Tokyo"):
        genesis = replace(log.next_act(log.genesis(Rulebook(time_zone=zone))), number=0, previous=bytes(32))
        leaf = parse_leaf(log.act_leaf(genesis, log.administrators))
        assert isinstance(leaf, ActLeaf)
        with pytest.raises(RuleError) as caught:
            Directory.genesis(leaf)
        assert caught.value.rule == "time-zone.known"


def test_only_a_key_act_is_endorsed(log: HandmadeLog) -> None:
    lender = log.enrolment("lender-9", (Role.LENDER,), KeyUsage.REPORT)
    keys = (replace(lender.keys[0], endorser=bytes(32), endorsement=bytes(64)),)
    with pytest.raises(FormatError):
        Act.parse(log.next_act(InstitutionBody(replace(lender, keys=keys))).encode())


@pytest.mark.parametrize("date", ["2031-02-30", "2031-2-3", "20310203", "2031-W05-1", "2031-02-03T00:00"])
def test_a_date_is_a_day_that_there_is(log: HandmadeLog, date: str) -> None:
    statement = log.statement("lender-1", "debt", Standing.CURED, "listed", retain_until=date)
    with pytest.raises(FormatError):
        Statement.parse(statement.encode())


@pytest.mark.parametrize("logged_at", [TIME_END_MS - 1, TIME_END_MS, 2**63, 2**64 - 1])
def test_an_auditor_survives_any_time(log: HandmadeLog, logged_at: int) -> None:
    log.say("lender-1", "debt", Standing.CURED, "listed")
    log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED)
    honest = parse_leaf(log.leaves[log.head()])
    log.replace_last(replace(honest, logged_at=logged_at).encode())
    bindings = [LiveBinding(*binding) for binding in log.bindings()]
    checkpoint = parse_checkpoint(log.checkpoint(), log.trust_root.log_key).checkpoint
    assert len(check_log(log.leaves, bindings, checkpoint, log.inquiries, genesis=log.trust_root.genesis))
