"""Evidence that is rightly signed and proved by all who collude, and in which one rule is broken.

| part | lies |
|---|---|
| day of retention: CURED and LISTING without one | 2 |
| standing of its kind: two of DEFAULT, three of JUDGMENT, two of ENFORCEMENT, SATISFIED of LISTING | 8 |
| standing of version 1: CURED, TRANSFERRED, SATISFIED, STAYED | 4 |
| batch signature: its size, place, path, bytes, and what it is over | 14 |
| inquiry: purpose REPORTING | 1 |
| scope: a kind and an age beyond the purpose, and less than its scope | 3 |
| log keys: a second one, before and after the one that signs | 2 |
| state of a member: roles, keys that did not sign, succession by genesis | 6 |
| HEAD: newest act, HEAD before, inquiries | 5 |
| administrators: who they are, their keys and their enrolments | 11 |
| further key that signed: possession and endorsement | 6 |
| form: trial of one, licence number, ground of a lapse, key services | 5 |
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.support.attacks import check, listed_log, refused
from tests.support.batch_signer import BatchSigner
from tests.support.evidence_lies import LIES, EvidenceLie
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import record_id

ROW = re.compile(r"^\| ([^:|]+): .* \| (\d+) \|$", re.MULTILINE)


def name_of(lie: EvidenceLie) -> str:
    return f"{lie.part}: {lie.says}"


def test_the_same_log_without_a_lie_verifies() -> None:
    log = listed_log()
    check(log, AnsweringRegistry(log).answer("lender-2", "listed", "victim"))


@pytest.mark.parametrize(("size", "place"), [(2, 0), (2, 1), (3, 2), (5, 2), (10_000, 9_999)])
def test_a_record_that_is_signed_in_a_batch_verifies(size: int, place: int) -> None:
    log = listed_log()
    log.say("lender-1", "judged", subject="victim", by=BatchSigner("lender-1 REPORT", size=size, place=place))
    assert not log.complaints
    (person,) = check(log, AnsweringRegistry(log).answer("lender-2", "victim")).persons
    assert [record.statement.key.record_id for record in person.records] == [record_id("judged")]


@pytest.mark.parametrize("lie", LIES, ids=name_of)
def test_what_breaks_one_rule_is_refused_by_that_rule(lie: EvidenceLie) -> None:
    log = listed_log()
    assert refused(log, lie.make(log, AnsweringRegistry(log))).rule == lie.rule


def test_the_table_above_tells_every_lie() -> None:
    told = {part: int(count) for part, count in ROW.findall(__doc__ or "")}
    assert told == Counter(lie.part for lie in LIES)
    assert len({name_of(lie) for lie in LIES}) == len(LIES)
