"""The directory as a pure function of acts: what each may decide, who must sign it, and which keys count where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.act import (
    AdministratorsBody,
    Enrolment,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    grant_key,
)
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, institution_key
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import USAGES, InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.administration import Administration
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.rules.errors import RuleError
from tests.support.handmade_log import REGISTRY, HandmadeLog, record_id, seed, signer, voprf_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from client_sdk.kernel.formats.act import Body

ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")


@pytest.fixture
def log() -> HandmadeLog:
    log = HandmadeLog()
    log.act(InstitutionBody(log.enrolment("auditor", (Role.AUDITOR,), KeyUsage.AUDIT)))
    return log


def apply(log: HandmadeLog, body: Body, by: Iterable[str] | None = None, **changes: object) -> Directory:
    """The directory after one more act."""
    act = replace(log.next_act(body), **changes)  # type: ignore[arg-type]  # the test names fields
    leaf = parse_leaf(log.act_leaf(act, log.administrators[:2] if by is None else by))
    assert isinstance(leaf, ActLeaf)
    return log.state.directory.apply(len(log.leaves), leaf)


def refused(log: HandmadeLog, body: Body, by: Iterable[str] | None = None, **changes: object) -> str:
    """Why an act may not follow; the directory before it stays what it was."""
    before = log.state.directory
    entries = before.map_entries()
    with pytest.raises(RuleError) as caught:
        apply(log, body, by, **changes)
    assert before.map_entries() == entries
    return caught.value.reason


def key_id(name: str) -> bytes:
    return signer(name).public_key.key_id


def granted(institution: str, new: str, usage: KeyUsage = KeyUsage.REPORT, by: str | None = None) -> KeyGrantBody:
    endorser = signer(by or f"{institution} REPORT")
    return KeyGrantBody(institution, grant_key(REGISTRY, institution, signer(new), usage, endorser))


def services(version: int, *names: str) -> KeyServices:
    return KeyServices(version, tuple(KeyService(f"{name}.example:443", voprf_key(name), name) for name in names))


# Genesis


def genesis(
    change: Callable[[GenesisBody], GenesisBody] = lambda body: body,
    by: Iterable[str] = ADMINISTRATORS,
    administrators: Iterable[str] = ADMINISTRATORS,
) -> Directory:
    log = HandmadeLog(administrators=administrators)
    original = log.genesis(Rulebook())
    log.leaves.clear()
    leaf = parse_leaf(log.act_leaf(log.next_act(change(original)), by))
    assert isinstance(leaf, ActLeaf)
    return Directory.genesis(leaf)


def test_genesis_makes_the_registry_and_its_administrators() -> None:
    directory = genesis()
    assert directory.state.registry == REGISTRY
    assert directory.state.administrators == ADMINISTRATORS
    assert (directory.state.threshold, directory.state.trial) == (2, False)
    assert directory.state.live_subject_key_versions == (1,)
    assert directory.rulebook.digest == directory.state.rulebook_digest
    assert directory.newest_act == directory.state.act_number == 0
    assert set(directory.institutions) == set(ADMINISTRATORS)
    assert {state.roles for state in directory.institutions.values()} == {(Role.ADMINISTRATOR,)}
    assert directory.map_entries().keys() == {REGISTRY_KEY, *map(institution_key, ADMINISTRATORS)}


def test_two_of_three_may_sign_genesis() -> None:
    assert genesis(by=["admin-1", "admin-3"]) is not None


def test_one_administrator_alone_is_a_trial() -> None:
    log = HandmadeLog(administrators=["admin-1"])
    assert log.state.directory.state.trial
    assert not log.complaints


def _threshold(number: int) -> Callable[[GenesisBody], GenesisBody]:
    return lambda body: replace(body, threshold=number)


def _fewer(body: GenesisBody) -> GenesisBody:
    return replace(body, administrators=body.administrators[:2])


def _roles(*roles: Role) -> Callable[[GenesisBody], GenesisBody]:
    def change(body: GenesisBody) -> GenesisBody:
        first, *others = body.administrators
        return replace(body, administrators=(replace(first, roles=roles), *others))

    return change


def _stolen_possession(body: GenesisBody) -> GenesisBody:
    first, second, *others = body.administrators
    stolen = replace(first.keys[0], possession=second.keys[0].possession)
    return replace(body, administrators=(replace(first, keys=(stolen,)), second, *others))


def _shared_key(body: GenesisBody) -> GenesisBody:
    first, second, *others = body.administrators
    grant = grant_key(REGISTRY, second.id, signer("admin-1 ADMINISTER"), KeyUsage.ADMINISTER)
    return replace(body, administrators=(first, replace(second, keys=(grant,)), *others))


def _log_key_of_an_administrator(body: GenesisBody) -> GenesisBody:
    raw = signer("admin-1 ADMINISTER").public_key.raw
    return replace(body, log_keys=(LogKey(body.log_keys[0].origin, "ed25519", raw),))


def _subject_keys_2(body: GenesisBody) -> GenesisBody:
    return replace(body, key_services=services(2, "key-service-a"))


@pytest.mark.parametrize(
    ("change", "by", "reason"),
    [
        (_threshold(1), ADMINISTRATORS, "ADMINISTRATION_INVALID"),
        (_threshold(4), ADMINISTRATORS, "ADMINISTRATION_INVALID"),
        (_threshold(0), ADMINISTRATORS, "ADMINISTRATION_INVALID"),
        (_fewer, ADMINISTRATORS[:2], "ADMINISTRATION_INVALID"),
        (_roles(Role.LENDER), ADMINISTRATORS[1:], "ENROLMENT_INVALID"),
        (_roles(Role.LENDER, Role.ADMINISTRATOR), ADMINISTRATORS, "ENROLMENT_INVALID"),
        (_stolen_possession, ADMINISTRATORS, "KEY_NOT_POSSESSED"),
        (_shared_key, ADMINISTRATORS, "KEY_TAKEN"),
        (_log_key_of_an_administrator, ADMINISTRATORS, "KEY_TAKEN"),
        (_subject_keys_2, ADMINISTRATORS, "KEY_SERVICES_INVALID"),
        (lambda body: body, ["admin-1"], "ACT_THRESHOLD"),
        (lambda body: body, ["admin-1", "admin-2", "stranger"], "ACT_SIGNATURE"),
    ],
)
def test_a_genesis_that_is_refused(
    change: Callable[[GenesisBody], GenesisBody], by: Iterable[str], reason: str
) -> None:
    with pytest.raises(RuleError) as caught:
        genesis(change, by)
    assert caught.value.reason == reason


def test_another_act_is_no_genesis(log: HandmadeLog) -> None:
    leaf = parse_leaf(log.leaves[2])
    assert isinstance(leaf, ActLeaf)
    with pytest.raises(RuleError, match="ACT_ORDER"):
        Directory.genesis(leaf)


# Order and signatures


def test_acts_are_numbered_and_chained(log: HandmadeLog) -> None:
    body = StateBody("lender-1", InstitutionStatus.SUSPENDED)
    number = log.state.directory.state.act_number
    assert refused(log, body, number=number) == "ACT_ORDER"
    assert refused(log, body, number=number + 2) == "ACT_ORDER"
    assert refused(log, body, previous=seed("another")) == "ACT_ORDER"
    assert refused(log, body, registry="other.example") == "ACT_ORDER"
    after = apply(log, body)
    assert after.state.act_number == number + 1
    assert after.newest_act == len(log.leaves)


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (["admin-1"], "ACT_THRESHOLD"),
        (["admin-1", "stranger"], "ACT_SIGNATURE"),
        (["admin-1", "admin-2", "stranger"], "ACT_SIGNATURE"),
        (["stranger"], "ACT_SIGNATURE"),
    ],
)
def test_the_threshold_signs(log: HandmadeLog, by: list[str], reason: str) -> None:
    assert refused(log, StateBody("lender-1", InstitutionStatus.SUSPENDED), by) == reason


def test_every_signature_on_an_act_must_verify(log: HandmadeLog) -> None:
    act = log.next_act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    leaf = parse_leaf(log.act_leaf(act, ADMINISTRATORS))
    assert isinstance(leaf, ActLeaf)
    *others, last = leaf.approvals
    forged = replace(leaf, approvals=(*others, last._replace(signature=bytes(64))))
    with pytest.raises(RuleError, match="ACT_SIGNATURE"):
        log.state.directory.apply(len(log.leaves), forged)


def test_two_keys_of_one_administrator_are_one_signature(log: HandmadeLog) -> None:
    second = grant_key(
        REGISTRY, "admin-1", signer("admin-1b ADMINISTER"), KeyUsage.ADMINISTER, signer("admin-1 ADMINISTER")
    )
    log.act(KeyGrantBody("admin-1", second))
    assert refused(log, StateBody("lender-1", InstitutionStatus.SUSPENDED), ["admin-1", "admin-1b"]) == "ACT_THRESHOLD"
    apply(log, StateBody("lender-1", InstitutionStatus.SUSPENDED), ["admin-1b", "admin-2"])


def test_a_suspended_administrator_does_not_sign(log: HandmadeLog) -> None:
    log.act(StateBody("admin-1", InstitutionStatus.SUSPENDED), by=["admin-2", "admin-3"])
    assert refused(log, StateBody("lender-1", InstitutionStatus.SUSPENDED), ["admin-1", "admin-2"]) == "ACT_SIGNATURE"
    apply(log, StateBody("lender-1", InstitutionStatus.SUSPENDED), ["admin-2", "admin-3"])


def test_the_threshold_stays_within_reach(log: HandmadeLog) -> None:
    log.act(StateBody("admin-1", InstitutionStatus.SUSPENDED), by=["admin-2", "admin-3"])
    by = ["admin-2", "admin-3"]
    assert refused(log, StateBody("admin-2", InstitutionStatus.SUSPENDED), by) == "ADMINISTRATION_INVALID"
    assert refused(log, KeyEndBody("admin-2", key_id("admin-2 ADMINISTER")), by) == "ADMINISTRATION_INVALID"


# Decisions


def test_what_an_enrolment_makes(log: HandmadeLog) -> None:
    body = InstitutionBody(log.enrolment("lender-9", (Role.LENDER,), KeyUsage.REPORT, KeyUsage.INQUIRE))
    directory = apply(log, body)
    member = directory.institution("lender-9")
    assert (member.status, member.roles, member.successor) == (InstitutionStatus.ACTIVE, (Role.LENDER,), "")
    assert {key.first for key in member.keys} == {len(log.leaves)}
    assert {key.act_hash for key in member.keys} == {directory.state.act_hash}
    assert {directory.owners[key.key_id] for key in member.keys} == {"lender-9"}


def _enrolment(log: HandmadeLog, id_: str, roles: tuple[Role, ...], *usages: KeyUsage, **changes: object) -> Enrolment:
    return replace(log.enrolment(id_, roles, *usages), **changes)  # type: ignore[arg-type]  # the test names fields


@pytest.mark.parametrize("field", ["name", "licence_number"])
@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\u00ad", "\ufeff"])
def test_a_name_that_could_be_mistaken_for_another_is_no_enrolment(log: HandmadeLog, field: str, char: str) -> None:
    enrolment = _enrolment(log, "lender-9", (Role.LENDER,), KeyUsage.REPORT, **{field: f"First {char}Lender"})
    with pytest.raises(FormatError, match=r"enrolment\.name"):
        Enrolment.of(enrolment.message())


def test_enrolments_that_are_refused(log: HandmadeLog) -> None:
    new, lender = "lender-9", (Role.LENDER,)
    again = _enrolment(log, new, lender, KeyUsage.REPORT, id="lender-1")
    assert refused(log, InstitutionBody(again)) == "ENROLMENT_INVALID"
    two = _enrolment(log, new, (Role.LENDER, Role.AUDITOR), KeyUsage.REPORT)
    assert refused(log, InstitutionBody(two)) == "ENROLMENT_INVALID"
    for usage in (KeyUsage.AUDIT, KeyUsage.ADMINISTER):
        assert refused(log, InstitutionBody(_enrolment(log, new, lender, usage))) == "KEY_USAGE"
    taken = grant_key(REGISTRY, new, signer("lender-1 REPORT"), KeyUsage.REPORT)
    assert refused(log, InstitutionBody(_enrolment(log, new, lender, KeyUsage.REPORT, keys=(taken,)))) == "KEY_TAKEN"
    logs = grant_key(REGISTRY, new, signer("log"), KeyUsage.REPORT)
    assert refused(log, InstitutionBody(_enrolment(log, new, lender, KeyUsage.REPORT, keys=(logs,)))) == "KEY_TAKEN"
    for registry, institution, usage in (
        ("other.example", new, KeyUsage.REPORT),
        (REGISTRY, "lender-1", KeyUsage.REPORT),
        (REGISTRY, new, KeyUsage.INQUIRE),
    ):
        proof = grant_key(registry, institution, signer("new"), usage)
        stolen = replace(proof, usage=KeyUsage.REPORT)
        body = InstitutionBody(_enrolment(log, new, lender, KeyUsage.REPORT, keys=(stolen,)))
        assert refused(log, body) == "KEY_NOT_POSSESSED"


def test_a_further_key(log: HandmadeLog) -> None:
    directory = apply(log, granted("lender-1", "new"))
    key = directory.key_at(key_id("new"), "lender-1", KeyUsage.REPORT, len(log.leaves) + 1)
    assert key.first == len(log.leaves)
    assert list(directory.institution("lender-1").keys) == sorted(
        directory.institution("lender-1").keys, key=lambda held: held.key_id
    )


def test_further_keys_that_are_refused(log: HandmadeLog) -> None:
    assert refused(log, granted("nobody", "new", by="lender-1 REPORT")) == "INSTITUTION_UNKNOWN"
    assert refused(log, granted("lender-1", "new", KeyUsage.AUDIT)) == "KEY_USAGE"
    assert refused(log, granted("lender-1", "lender-1 REPORT")) == "KEY_TAKEN"
    assert refused(log, granted("lender-1", "lender-2 REPORT")) == "KEY_TAKEN"
    assert refused(log, granted("lender-1", "new", by="lender-2 REPORT")) == "KEY_NOT_ENDORSED"
    unendorsed = KeyGrantBody("lender-1", grant_key(REGISTRY, "lender-1", signer("new"), KeyUsage.REPORT))
    assert refused(log, unendorsed) == "KEY_NOT_ENDORSED"
    grant = granted("lender-1", "new").grant
    forged = KeyGrantBody("lender-1", replace(grant, endorsement=grant.possession))
    assert refused(log, forged) == "KEY_NOT_ENDORSED"
    log.act(KeyEndBody("lender-1", key_id("lender-1 REPORT")))
    assert refused(log, granted("lender-1", "new")) == "KEY_NOT_ENDORSED"
    apply(log, granted("lender-1", "new", by="lender-1 INQUIRE"))
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    assert refused(log, granted("lender-1", "new", by="lender-1 INQUIRE")) == "STATE_INVALID"


def test_a_key_counts_between_its_acts(log: HandmadeLog) -> None:
    first = log.act(granted("lender-1", "new"))
    log.head()
    end = log.act(KeyEndBody("lender-1", key_id("new")))
    directory = log.state.directory

    def reason(index: int, speaker: str = "lender-1", usage: KeyUsage = KeyUsage.REPORT, key: str = "new") -> str:
        try:
            directory.key_at(key_id(key), speaker, usage, index)
        except RuleError as error:
            return error.reason
        return "counts"

    assert [reason(index) for index in range(first - 1, end + 2)] == [
        *("KEY_RANGE", "KEY_RANGE", "counts", "KEY_RANGE", "KEY_RANGE"),
    ]
    assert reason(first + 1, speaker="lender-2") == "KEY_OF_ANOTHER"
    assert reason(first + 1, usage=KeyUsage.INQUIRE) == "KEY_USAGE"
    assert reason(first + 1, key="unknown") == "KEY_UNKNOWN"


def test_the_end_of_a_key(log: HandmadeLog) -> None:
    index, ends = len(log.leaves), key_id("lender-1 REPORT")
    first = next(key.first for key in log.state.directory.institution("lender-1").keys if key.key_id == ends)
    for contested in (first, index + 1):
        assert refused(log, KeyEndBody("lender-1", ends, contested)) == "KEY_RANGE"
    assert refused(log, KeyEndBody("lender-2", ends)) == "KEY_RANGE"
    assert refused(log, KeyEndBody("nobody", ends)) == "INSTITUTION_UNKNOWN"
    for contested in (0, first + 1, index):
        key = apply(log, KeyEndBody("lender-1", ends, contested)).institution("lender-1").key(ends)
        assert key is not None
        assert (key.end, key.contested_from, key.running) == (index, contested, False)
        assert key.contested_at(index) is bool(contested)
        assert not key.contested_at(first)
    log.act(KeyEndBody("lender-1", ends))
    assert refused(log, KeyEndBody("lender-1", ends)) == "KEY_RANGE"


def test_states(log: HandmadeLog) -> None:
    active, suspended, terminated = InstitutionStatus
    assert refused(log, StateBody("lender-1", active)) == "STATE_INVALID"
    assert refused(log, StateBody("nobody", suspended)) == "INSTITUTION_UNKNOWN"
    assert refused(log, SuccessionBody("lender-1", "nobody", "merger")) == "INSTITUTION_UNKNOWN"
    for heir in ("lender-1", "auditor", "admin-1"):
        assert refused(log, SuccessionBody("lender-1", heir, "merger")) == "STATE_INVALID"
    assert refused(log, SuccessionBody("auditor", "lender-1", "merger")) == "STATE_INVALID"
    log.act(StateBody("lender-2", suspended))
    assert refused(log, SuccessionBody("lender-1", "lender-2", "merger")) == "STATE_INVALID"
    log.act(StateBody("lender-2", active))
    log.act(StateBody("lender-1", terminated))
    for status in (active, suspended):
        assert refused(log, StateBody("lender-1", status)) == "STATE_INVALID"
    # A successor may be named later, and another after that.
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    directory = apply(log, SuccessionBody("lender-1", "lender-3", "merger"))
    assert directory.institution("lender-1").successor == "lender-3"


def test_versions_of_the_subject_keys(log: HandmadeLog) -> None:
    for version in (1, 3):
        assert refused(log, KeyServicesBody(services(version, "new"))) == "KEY_SERVICES_INVALID"
    assert refused(log, KeyServicesBody(services(2, "key-service-a"))) == "KEY_TAKEN"
    assert refused(log, RetireKeyServicesBody(1)) == "KEY_SERVICES_INVALID"
    log.act(KeyServicesBody(services(2, "new")))
    state = log.state.directory.state
    assert (state.live_subject_key_versions, state.newest_subject_key_version) == ((1, 2), 2)
    for version in (2, 3):
        assert refused(log, RetireKeyServicesBody(version)) == "KEY_SERVICES_INVALID"
    assert apply(log, RetireKeyServicesBody(1)).state.live_subject_key_versions == (2,)


def test_a_new_rulebook(log: HandmadeLog) -> None:
    directory = apply(log, RulebookBody(Rulebook(dispute_days=10)))
    assert directory.rulebook.dispute_days == 10
    assert directory.state.rulebook_digest == Rulebook(dispute_days=10).digest


def test_a_rulebook_never_gives_more_days_for_a_dispute_nor_another_time_zone(log: HandmadeLog) -> None:
    log.act(RulebookBody(Rulebook(dispute_days=10)))
    assert not log.complaints
    for worse in (Rulebook(dispute_days=11), Rulebook(dispute_days=10, time_zone="UTC")):
        assert refused(log, RulebookBody(worse)) == "RULEBOOK_INVALID"
    assert apply(log, RulebookBody(Rulebook(dispute_days=10, notice_hours=72))).rulebook.notice_hours == 72


def test_an_erasure_changes_no_member(log: HandmadeLog) -> None:
    before = log.state.directory
    after = apply(log, ErasureBody((RecordKey("lender-1", record_id("any")),), "order"))
    assert after.institutions == before.institutions
    assert after.state.act_number == before.state.act_number + 1


# Administrators


def change_of_administrators(log: HandmadeLog, *ids: str, threshold: int = 2) -> AdministratorsBody:
    new = [id_ for id_ in ids if id_ not in log.state.directory.institutions]
    enrolments = tuple(log.enrolment(id_, (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER) for id_ in new)
    return AdministratorsBody(enrolments, ids, threshold)


def test_old_and_new_administrators_sign_a_change(log: HandmadeLog) -> None:
    body = change_of_administrators(log, "admin-3", "admin-4", "admin-5")
    assert refused(log, body, ["admin-1", "admin-2"]) == "ACT_THRESHOLD"
    assert refused(log, body, ["admin-4", "admin-5"]) == "ACT_THRESHOLD"
    assert refused(log, body, ["admin-1", "admin-3"]) == "ACT_THRESHOLD"
    assert refused(log, body, ["admin-1", "admin-3", "admin-4", "stranger"]) == "ACT_SIGNATURE"
    directory = apply(log, body, ["admin-1", "admin-3", "admin-4"])
    assert directory.state.administrators == ("admin-3", "admin-4", "admin-5")
    assert [act.place for act in directory.state.administrator_acts] == [0, len(log.leaves)]


def test_former_administrators_sign_nothing(log: HandmadeLog) -> None:
    log.act(change_of_administrators(log, "admin-3", "admin-4", "admin-5"), by=["admin-1", "admin-3", "admin-4"])
    body = StateBody("lender-1", InstitutionStatus.SUSPENDED)
    assert refused(log, body, ["admin-1", "admin-2"]) == "ACT_SIGNATURE"
    assert apply(log, body, ["admin-3", "admin-5"]).state.administrators == ("admin-3", "admin-4", "admin-5")


def test_changes_of_administrators_that_are_refused(log: HandmadeLog) -> None:
    everybody = [*ADMINISTRATORS, "admin-4"]
    for ids, threshold in ((ADMINISTRATORS[:2], 2), (ADMINISTRATORS, 1), (ADMINISTRATORS, 4), (("admin-1",), 1)):
        body = change_of_administrators(log, *ids, threshold=threshold)
        assert refused(log, body, ADMINISTRATORS) == "ADMINISTRATION_INVALID"
    assert refused(log, AdministratorsBody((), ("admin-1", "admin-2", "nobody"), 2)) == "INSTITUTION_UNKNOWN"
    assert refused(log, AdministratorsBody((), ("admin-1", "admin-2", "lender-1"), 2)) == "ADMINISTRATION_INVALID"
    body = change_of_administrators(log, "admin-1", "admin-2", "admin-4")
    assert refused(log, replace(body, administrators=ADMINISTRATORS), everybody) == "ENROLMENT_INVALID"
    lender = replace(body.enrolments[0], roles=(Role.LENDER,))
    assert refused(log, replace(body, enrolments=(lender,)), ADMINISTRATORS) == "ENROLMENT_INVALID"


def test_administrator_acts_are_those_that_change_who_may_sign(log: HandmadeLog) -> None:
    places = [0]
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    new = grant_key(
        REGISTRY, "admin-1", signer("admin-1b ADMINISTER"), KeyUsage.ADMINISTER, signer("admin-1 ADMINISTER")
    )
    places.append(log.act(KeyGrantBody("admin-1", new)))
    log.act(granted("lender-1", "new"))
    places.append(log.act(KeyEndBody("admin-1", key_id("admin-1 ADMINISTER"))))
    places.append(log.act(StateBody("admin-3", InstitutionStatus.SUSPENDED), by=["admin-1b", "admin-2"]))
    enrolment = log.enrolment("admin-9", (Role.ADMINISTRATOR,), KeyUsage.ADMINISTER)
    places.append(log.act(InstitutionBody(enrolment), by=["admin-1b", "admin-2"]))
    assert not log.complaints
    assert [act.place for act in log.state.directory.state.administrator_acts] == places
    # Enrolled is not appointed.
    body = StateBody("lender-1", InstitutionStatus.ACTIVE)
    assert refused(log, body, ["admin-9", "admin-2"]) == "ACT_SIGNATURE"


def test_nobody_unknown_may_sign() -> None:
    log = HandmadeLog()
    leaf = parse_leaf(log.leaves[2])
    assert isinstance(leaf, ActLeaf)
    assert Administration({}, ("nobody",), 1).signers(leaf, 2) == {}


# Before anybody signs


def test_what_will_be_refused_is_refused_before_anybody_signs(log: HandmadeLog) -> None:
    directory, index = log.state.directory, len(log.leaves)
    directory.decide(log.next_act(StateBody("lender-1", InstitutionStatus.SUSPENDED)), index, log.logged_at)
    with pytest.raises(RuleError, match="STATE_INVALID"):
        directory.decide(log.next_act(StateBody("lender-1", InstitutionStatus.ACTIVE)), index, log.logged_at)
    with pytest.raises(RuleError, match="ACT_ORDER"):
        directory.decide(replace(log.next_act(RulebookBody(Rulebook())), number=99), index, log.logged_at)
    with pytest.raises(RuleError, match="ADMINISTRATION_INVALID"):
        directory.decide(log.next_act(AdministratorsBody((), ("admin-1", "admin-2"), 2)), index, log.logged_at)


def test_each_role_has_its_keys() -> None:
    assert set(USAGES) == set(Role)
    assert {usage for role in Role for usage in USAGES[role]} == set(KeyUsage)
