"""The meaning of a log, told twice: by the kernel's replay, and by a naive reading of the formats."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from client_sdk.kernel.formats.act import (
    ClockBody,
    EndingBody,
    ErasureBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
    grant_key,
)
from client_sdk.kernel.formats.checkpoint import Checkpoint
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import (
    AnnotationFlag,
    ClosingWay,
    DisputeOutcome,
    InstitutionStatus,
    KeyUsage,
    Kind,
    LapseKind,
    Role,
    Standing,
)
from client_sdk.kernel.ledger.examination import LiveBinding, check_log
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.rules.errors import RuleError
from tests.support.closing_lies import closing
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed, signer, voprf_key
from tests.support.lies import honest_log
from tests.support.naive import NaiveLog, naive_map_root, naive_tree_root

LENDERS = ["lender-1", "lender-2", "lender-3"]
NAMES = ["a", "b", "c"]
DATES = ["", "2026-01-10", "2026-02-01", "2031-02-01"]

lenders, names = st.sampled_from(LENDERS), st.sampled_from(NAMES)
# What is usual comes first: it is what an example shrinks to, and what keeps records alive.
standings = st.sampled_from([Standing.OPEN, Standing.CURED, Standing.TRANSFERRED, *Standing])
key_names = st.sampled_from(["REPORT"] * 8 + ["second", "INQUIRE"])
# True only where Hypothesis goes looking for it: a lie now and then, among leaves that count.
sometimes = st.integers(0, 9).map(lambda number: number == 7)


class LogMachine(RuleBasedStateMachine):
    """Logs whatever may or may not follow, and asks both readings what counts."""

    @initialize()
    def begin(self) -> None:
        self.log = HandmadeLog(LENDERS)
        for issuer in LENDERS:
            for name in NAMES[:2]:
                self.log.say(issuer, name)
            self.log.say(issuer, "b", Standing.TRANSFERRED, transferee=LENDERS[LENDERS.index(issuer) - 1])
        self.log.head()

    @rule(
        issuer=lenders,
        name=names,
        standing=standings,
        by=key_names,
        kind=st.sampled_from([Kind.DEFAULT, Kind.DEFAULT, *Kind]),
        date=st.sampled_from(DATES),
        skip=sometimes,
        unchained=sometimes,
        heir=st.sampled_from(["", "", "", "", *LENDERS]),
    )
    def say(
        self,
        issuer: str,
        name: str,
        standing: Standing,
        by: str,
        kind: Kind,
        date: str,
        *,
        skip: bool,
        unchained: bool,
        heir: str,
    ) -> None:
        said = self.log.statement(issuer, name, standing, f"person of {name}")
        changes: dict[str, object] = {"signer": heir or issuer}
        if said.version == 1:
            changes["kind"] = kind
        if said.retain_until:
            changes["retain_until"] = date
        if standing is Standing.TRANSFERRED:
            changes["transferee"] = LENDERS[LENDERS.index(issuer) - 1]
        if skip:
            changes |= {"version": said.version + 1, "previous": seed("before")}
        elif unchained and said.version > 1:
            changes["previous"] = seed("another")
        statement = replace(said, **changes)  # type: ignore[arg-type]  # fields of a statement
        secret, _ = self.log.secret(name, said.version, f"person of {name}", said.subject_key_version)
        self.log.log_statement(statement, secret, signer(f"{heir or issuer} {by}"))

    @rule(issuer=lenders, name=names, old=names)
    def buy(self, issuer: str, name: str, old: str) -> None:
        """Buy a debt of the lender that sells to this one, sold or not."""
        key = RecordKey(LENDERS[(LENDERS.index(issuer) + 1) % len(LENDERS)], record_id(old))
        if self.log.statement(issuer, f"bought {name}", Standing.OPEN, name).version == 1:
            self.log.say(issuer, f"bought {name}", subject=f"person of {old}", continues=key)

    @rule(
        author=lenders,
        issuer=lenders,
        name=names,
        flags=st.sets(st.sampled_from([AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED])),
        outcome=st.sampled_from([None, None, *DisputeOutcome]),
        skip=sometimes,
        shown=st.booleans(),
    )
    def annotate(
        self,
        author: str,
        issuer: str,
        name: str,
        flags: set[AnnotationFlag],
        outcome: DisputeOutcome | None,
        *,
        skip: bool,
        shown: bool,
    ) -> None:
        more: dict[str, object] = {"number": 9, "previous": seed("before")} if skip else {}
        more |= {"outcome": outcome, "evidence": (seed("evidence"),) if shown else ()}
        self.log.annotate(author, issuer, name, *sorted(flags), **more)

    @rule(issuer=lenders, name=names, what=st.sampled_from(LapseKind), days=st.integers(0, 40))
    def lapse(self, issuer: str, name: str, what: LapseKind, days: int) -> None:
        self.log.wait(days * DAY_MS)
        more: dict[str, object] = {}
        chain = self.log.state.chains.get(RecordKey(issuer, record_id(name)))
        if what is LapseKind.RESTRICTED and (chain is None or chain.annotation is None):
            more = {"number": 1}
        self.log.lapse(issuer, name, what, **more)

    @rule(days=st.integers(0, 12))
    def wait(self, days: int) -> None:
        self.log.wait(days * DAY_MS)

    @rule(
        institution=lenders,
        status=st.sampled_from(InstitutionStatus),
        heir=st.sampled_from(["", *LENDERS]),
        one=sometimes,
        rare=sometimes,
    )
    def set_state(self, institution: str, status: InstitutionStatus, heir: str, *, one: bool, rare: bool) -> None:
        if status is InstitutionStatus.TERMINATED and not rare:
            return
        successor = heir if status is InstitutionStatus.TERMINATED else ""
        body = SuccessionBody(institution, successor, "merger") if successor else StateBody(institution, status)
        self.log.act(body, by=["admin-1"] if one else None)

    @rule(institution=lenders, rare=sometimes)
    def end_records(self, institution: str, *, rare: bool) -> None:
        if rare:
            self.log.act(EndingBody(institution, "bankruptcy"))

    @rule(way=st.sampled_from(ClosingWay), days=st.integers(0, 30), rare=sometimes)
    def close(self, way: ClosingWay, days: int, *, rare: bool) -> None:
        if rare:
            self.log.act(closing(self.log, days, way))

    @rule(institution=lenders, usage=st.sampled_from([KeyUsage.REPORT, KeyUsage.AUDIT]), by=lenders)
    def give_key(self, institution: str, usage: KeyUsage, by: str) -> None:
        new, endorser = signer(f"{institution} second"), signer(f"{by} REPORT")
        self.log.act(KeyGrantBody(institution, grant_key(REGISTRY, institution, new, usage, endorser)))

    @rule(
        institution=lenders,
        name=st.sampled_from(["REPORT", "second"]),
        contested=st.sampled_from([0, 0, 3, 99]),
        rare=sometimes,
    )
    def end_key(self, institution: str, name: str, contested: int, *, rare: bool) -> None:
        if name == "REPORT" and not rare:
            return
        self.log.act(KeyEndBody(institution, signer(f"{institution} {name}").public_key.key_id, contested))

    @rule(institution=st.sampled_from([*LENDERS, "lender-4"]), key=names)
    def end_tls_key(self, institution: str, key: str) -> None:
        self.log.act(TlsKeyBody(institution, seed(key), "theft"))

    @rule(institution=st.sampled_from([*LENDERS, "lender-4"]), wrong_number=sometimes)
    def enrol(self, institution: str, *, wrong_number: bool) -> None:
        enrolment = self.log.enrolment(institution, (Role.LENDER,), KeyUsage.REPORT)
        act = self.log.next_act(InstitutionBody(enrolment))
        if wrong_number:
            act = replace(act, number=77)
        self.log.add(self.log.act_leaf(act, self.log.administrators[:2]))

    @rule(records=st.sets(st.tuples(lenders, names), min_size=1, max_size=2))
    def erase(self, records: set[tuple[str, str]]) -> None:
        keys = sorted(RecordKey(issuer, record_id(name)) for issuer, name in records)
        self.log.act(ErasureBody(tuple(keys), "order"))

    @rule(wrong=st.sampled_from([{}] * 8 + [{"previous": seed("another")}, {"newest_act": 0}, {"closing_act": 1}]))
    def head(self, wrong: dict[str, object]) -> None:
        self.log.inquire(f"at {len(self.log.leaves)}")
        self.log.head(**wrong)
        self.compare()

    def compare(self) -> None:
        log, naive = self.log, NaiveLog()
        naive.read(log.leaves)
        assert {index for index, _ in log.complaints} == set(naive.wrong)
        assert {tuple(chain.key): chain.index for chain in log.state.live()} == naive.live()
        assert log.state.head_chain.size == naive.last_head + 1
        entries = naive.map_entries({index: (subject, opening) for index, subject, opening in log.bindings()})
        assert log.entries() == entries
        assert log.state.head is not None
        assert log.state.head.map_root == naive_map_root(entries)
        assert log.tree.root() == naive_tree_root(log.leaves)

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.head({})


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_naive_reading_agrees_on_an_honest_log() -> None:
    log, naive = honest_log(), NaiveLog()
    naive.read(log.leaves)
    assert naive.wrong == {}
    assert not log.complaints
    assert {tuple(chain.key): chain.index for chain in log.state.live()} == naive.live()


def read(leaves: list[bytes]) -> tuple[Replay, list[tuple[int, str]]]:
    """A replay of these leaves and what it complains of."""
    complaints: list[tuple[int, str]] = []

    def report(index: int, error: FormatError | RuleError) -> None:
        complaints.append((index, error.reason if isinstance(error, RuleError) else error.rule))

    replay = Replay(report)
    for leaf in leaves:
        replay.feed(leaf)
    return replay, complaints


def test_a_report_may_raise() -> None:
    def report(_: int, error: FormatError | RuleError) -> None:
        raise error

    log = honest_log()
    replay = Replay(report)
    for leaf in log.leaves:
        replay.feed(leaf)
    with pytest.raises(FormatError):
        replay.feed(b"no leaf")


def test_signatures_are_handed_back_with_the_key_that_counts() -> None:
    log = honest_log()
    replay = Replay(lambda _, error: pytest.fail(str(error)))
    signed = [item for leaf in log.leaves if (item := replay.feed(leaf)) is not None]
    assert len(signed) == 13
    speaking = {*(f"{lender} REPORT" for lender in LENDERS), "lender-1 INQUIRE"}
    assert {item.public_key for item in signed} == {signer(name).public_key.raw for name in speaking}


def test_nothing_means_anything_without_a_genesis() -> None:
    log = honest_log()
    replay, complaints = read(log.leaves[1:])
    assert not replay.begun
    assert len(complaints) == len(log.leaves) - 1
    assert {reason for _, reason in complaints} == {"ACT_ORDER", "HEAD_PLACE"}
    with pytest.raises(RuleError, match="ACT_ORDER"):
        _ = replay.directory


def test_a_second_genesis_changes_nothing() -> None:
    log = honest_log()
    replay, complaints = read([*log.leaves, log.leaves[0]])
    assert complaints == [(len(log.leaves), "TIME"), (len(log.leaves), "ACT_ORDER")]
    assert replay.directory == log.state.directory
    assert not replay.ends_with_head


def test_a_clock_that_steps_back_is_reported_and_does_not_move_the_time() -> None:
    log = honest_log()
    latest = log.logged_at
    log.wait(-1)
    log.say("lender-1", "running")
    assert [(error.reason) for _, error in log.complaints if isinstance(error, RuleError)] == ["TIME"]
    assert log.state.logged_at == latest


def test_the_time_goes_back_by_an_act_of_the_administrators() -> None:
    log = honest_log()
    wrong = log.logged_at
    log.wait(-DAY_MS)
    log.act(ClockBody(log.logged_at - 1))
    log.head()
    assert not log.complaints
    assert log.state.logged_at == wrong - DAY_MS
    log.say("lender-1", "running")
    log.head()
    assert not log.complaints


def test_the_time_does_not_go_back_by_an_act_that_too_few_sign() -> None:
    log = honest_log()
    wrong = log.logged_at
    log.wait(-DAY_MS)
    log.act(ClockBody(1), ("admin-1",))
    assert [error.reason for _, error in log.complaints if isinstance(error, RuleError)] == ["ACT_THRESHOLD"]
    assert log.state.logged_at == wrong
    log.complaints.clear()
    log.head()
    assert [error.reason for _, error in log.complaints if isinstance(error, RuleError)] == ["TIME"]


def test_the_end_of_subject_keys_waits_for_the_last_record() -> None:
    log = honest_log()
    log.act(KeyServicesBody(KeyServices(2, (KeyService("c.example:443", voprf_key("key-service-c"), "c"),))))
    index = log.act(RetireKeyServicesBody(1))
    assert [(at, error.reason) for at, error in log.complaints if isinstance(error, RuleError)] == [
        (index, "KEY_SERVICES_INVALID")
    ]
    log.complaints.clear()
    for issuer, name, standing, subject in (
        ("lender-1", "running", Standing.OPEN, "person of running"),
        ("lender-2", "running too", Standing.OPEN, "person of running"),
        ("lender-1", "cured", Standing.CURED, "person of cured"),
        ("lender-2", "bought", Standing.OPEN, "person of sold"),
        ("lender-2", "disputed", Standing.OPEN, "person of disputed"),
    ):
        log.say(issuer, name, standing, subject, subject_key_version=2)
    log.act(RetireKeyServicesBody(1))
    log.head()
    assert not log.complaints
    assert log.state.directory.state.live_subject_key_versions == (2,)
    assert {chain.subject_key_version for chain in log.state.live()} == {2}


def test_a_bought_record_and_the_old_one_lapse_together() -> None:
    log = honest_log()
    log.say("lender-2", "bought", Standing.CURED, subject="person of sold", retain_until="2026-03-01")
    log.wait(60 * DAY_MS)
    log.lapse("lender-2", "bought", LapseKind.ERASED)
    log.lapse("lender-1", "sold", LapseKind.ERASED)
    log.head()
    assert not log.complaints
    assert log.state.chains[RecordKey("lender-1", record_id("sold"))].erased


def test_a_record_is_restricted_once() -> None:
    log = honest_log()
    log.wait(21 * DAY_MS)
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    assert not log.complaints
    log.lapse("lender-2", "disputed", LapseKind.RESTRICTED)
    assert [error.reason for _, error in log.complaints if isinstance(error, RuleError)] == ["ANNOTATION_INVALID"]


def test_an_examination_and_a_replay_complain_of_the_same_leaves() -> None:
    log = honest_log()
    log.say("lender-1", "cured", Standing.OPEN)
    log.annotate("lender-3", "lender-1", "running", AnnotationFlag.RESTRICTED)
    log.head()
    checkpoint = checkpoint_of(log)
    findings = check_log(log.leaves, [LiveBinding(*item) for item in log.bindings()], checkpoint, log.inquiries)
    assert {finding.leaf_index for finding in findings.kept()} == {index for index, _ in log.complaints}
    assert set(findings.counts) == {FindingId.TRANSITION, FindingId.ANNOTATION}


def checkpoint_of(log: HandmadeLog) -> Checkpoint:
    return Checkpoint(log.origin, len(log.leaves), log.tree.root())
