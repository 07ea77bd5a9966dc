"""P4, Erasable: after an erasure nothing that is left tells whoever has the number and all keys whom it was about."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from client_sdk import Verdict
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import ErasureBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord, subject_key
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.seal import open_facts
from client_sdk.kernel.formats.statement import RecordKey, Statement, payload_hash
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.subjects.oprf import EvaluationKey
from client_sdk.models import Purpose, written_consent
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_facts, default_report, history, person, suit
from tests.support.attacker import Attacker, OldMap
from tests.support.command import Command
from tests.support.held import KEY_SERVICES, columns_of, log_of
from tests.support.live_map import Bound, map_entries
from tests.support.needles import Needles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk import Answer
    from client_sdk.kernel.formats.errors import FormatError
    from client_sdk.kernel.rules.errors import RuleError
    from tests.support.held import Site

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
# Whoever is forgotten; somebody with another record that stays; and others.
FORGOTTEN, LISTED, OTHERS = 7_001, 7_002, range(7_003, 7_009)
# Tables of the log itself, whose every byte stays.
LOG_TABLES = ("leaves.", "tiles.", "head.", "records.", "versions.", "acts.", "alembic_version.")

# Its write-ahead log, which is a backup like any other (35 days at most), and dead rows of the planner's samples.
_PAST_OF_POSTGRESQL = re.compile(r"/data/(pg_wal/|base/\d+/2840)")


class Stored(NamedTuple):
    """A live record as the registry keeps it."""

    leaf_index: int
    leaf_hash: bytes
    subject: bytes
    opening: bytes
    debt_ref: bytes
    disclosure: bytes


def stored(site: Site) -> dict[RecordKey, Stored]:
    """All live records."""
    columns = "issuer, record_id, leaf_index, leaf_hash, subject, opening, debt_ref, disclosure"
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM live_records"))  # noqa: S608 - names of our own schema
        found = {RecordKey(row[0], bytes(row[1])): Stored(row[2], *map(bytes, row[3:])) for row in rows}
    engine.dispose()
    return found


def statements_of(site: Site, key: RecordKey) -> list[Statement]:
    """All versions of a record, as the log holds them."""
    parsed = [parse_leaf(leaf) for leaf in log_of(site.database_url)]
    statements = [
        Statement.parse(leaf.payload)
        for leaf in parsed
        if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.STATEMENT
    ]
    return [statement for statement in statements if statement.key == key]


def _complain(_: int, error: FormatError | RuleError) -> None:
    raise error


def map_of(site: Site, key: RecordKey) -> OldMap:
    """The map of the newest HEAD, without the person whose record it is."""
    replay = Replay(_complain)
    for leaf in log_of(site.database_url):
        replay.feed(leaf)
    live = stored(site)
    bound = [
        Bound(row.subject, MappedRecord(row.leaf_index, row.leaf_hash, NO_ANNOTATION, row.opening))
        for row in live.values()
    ]
    entries = dict(map_entries(replay.directory, bound))
    assert replay.head is not None
    assert root_of(sorted(entries.items())) == replay.head.map_root
    own = live[key]
    del entries[subject_key(own.subject)]
    return OldMap(replay.head.map_root, entries, (own.leaf_index, own.leaf_hash))


class Planted(NamedTuple):
    """A record before it is erased: each of its versions as stored, and the map of each HEAD that knew it."""

    key: RecordKey
    versions: list[Stored]
    maps: list[OldMap]


def plant(site: Site, number: int) -> Planted:
    """Report a default of three versions, one commit each."""
    client, rows = site.registry.client("lender-1"), history(number)
    name = rows[0].name
    assert name is not None
    key = RecordKey("lender-1", client.record_id(name))
    versions: list[Stored] = []
    maps: list[OldMap] = []
    for row in rows:
        assert client.report_many([row]).accepted == 1
        versions.append(stored(site)[key])
        maps.append(map_of(site, key))
    return Planted(key, versions, maps)


def ask(site: Site, number: int) -> Answer:
    client = site.registry.client("lender-2")
    return client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")


def erase(site: Site, key: RecordKey) -> None:
    first, second = site.registry.client("admin-1"), site.registry.client("admin-2")
    proposed = first.propose(ErasureBody((key,), "court order"))
    assert second.approve(proposed.proposal).logged


def key_service_keys(site: Site) -> list[EvaluationKey]:
    return [
        EvaluationKey.from_seed((site.registry.folder / name / "keys" / "1.key").read_bytes()) for name in KEY_SERVICES
    ]


def attacker_of(site: Site, number: int) -> Attacker:
    urls = (site.database_url, *site.key_service_urls)
    left = [piece.data for url in urls for piece in columns_of(url)]
    return Attacker(person(number), key_service_keys(site), left)


def left_openings(site: Site) -> list[bytes]:
    """Every run of 32 bytes in what is kept beside the log."""
    kept = [piece.data for piece in columns_of(site.database_url) if not piece.where.startswith(LOG_TABLES)]
    attacker = Attacker(person(FORGOTTEN), key_service_keys(site), kept)
    return list(attacker.openings())


def known_facts(attacker: Attacker, number: int) -> list[bytes]:
    """The canonical facts of every version, as whoever has been told of them and has the seal key writes them."""
    told = [report.facts for report in history(number) if report.facts is not None]
    return [
        replace(
            facts,
            debt=replace(
                facts.debt,
                debt_ref=attacker.pseudonym.debt_ref(facts.debt.original_creditor, facts.debt.contract),
            ),
        ).encode()
        for facts in told
    ]


def assert_attacks_work(attacker: Attacker, planted: Planted, statements: Sequence[Statement], number: int) -> None:
    """While the record is live, every way leads to the person: what fails later fails for want of what was deleted."""
    newest, facts = planted.versions[-1], known_facts(attacker, number)
    opened = open_facts(attacker.pseudonym.seal_key, statements[-1].facts_commitment, newest.disclosure)
    assert newest.subject == attacker.pseudonym.subject
    assert attacker.opens_subject(statements)
    assert attacker.finds_disclosure(statements, [], [])
    assert opened.content == facts[-1]
    for old, version in zip(planted.maps, planted.versions, strict=True):
        assert attacker.rebuilds(old, [version.opening])


def deleted(attacker: Attacker, planted: Planted) -> Needles:
    """What names the person, and what was kept of any version of the record."""
    needles = attacker.names()
    for place, version in enumerate(planted.versions, start=1):
        needles.add(f"opening {place}", version.opening)
        needles.add(f"debt_ref {place}", version.debt_ref)
        needles.add_slices(f"disclosure {place}", version.disclosure, stride=16)
    return needles


def leads_to(statements: Sequence[Statement], planted: Planted) -> Needles:
    """What stays in the log of the record; nothing kept elsewhere may point to it."""
    needles = Needles()
    for statement in statements:
        for commitment in (statement.subject_commitment, statement.facts_commitment, statement.disclosure_digest):
            needles.add("commitment", commitment)
        needles.add("payload", payload_hash(statement.encode()))
    for version in planted.versions:
        needles.add("leaf hash", version.leaf_hash)
    needles.add("record id", planted.key.record_id)
    return needles


def blinded_elements(url: str) -> list[bytes]:
    """Everything that a key service has been asked, as its log keeps it."""
    logged = [piece.data for piece in columns_of(url) if piece.where == "key_requests.blinded"]
    return [row[start : start + 32] for row in logged for start in range(0, len(row), 32)]


def assert_no_way_leads(site: Site, number: int, planted: Planted) -> None:
    """Try each way from the number and the keys to the record."""
    attacker, statements = attacker_of(site, number), statements_of(site, planted.key)
    openings, facts = left_openings(site), known_facts(attacker, number)
    assert len(statements) == len(planted.versions)
    assert not attacker.opens_subject(statements)
    assert not attacker.opens_facts(statements, facts)
    assert not attacker.finds_disclosure(statements, facts, openings[:: len(openings) // 500 or 1])
    for old in planted.maps:
        assert root_of(sorted(old.others.items())) != old.root
        assert not attacker.rebuilds(old, openings)
    for url in site.key_service_urls:
        elements = blinded_elements(url)
        assert len(set(elements)) == len(elements) > 0
        assert not attacker.recognises(elements)
    pointing = leads_to(statements, planted)
    for url in (site.database_url, *site.key_service_urls):
        for piece in columns_of(url):
            if not piece.where.startswith((*LOG_TABLES, "proposals.")):
                assert pointing.found(piece.data) == set(), piece.where


def test_p4_nothing_that_is_left_leads_to_a_person(site: Site) -> None:
    """Erasable. What the law says to forget is forgotten: nothing left in the log leads to a person, under any key that
    the registry or a key service holds, and everything else still verifies; the log holds hiding commitments, and what
    opens them is kept apart and deleted.
    """
    registry = site.registry
    registry.client("lender-1").report_many([row for number in OTHERS for row in history(number)])
    forgotten, one_of_two = plant(site, FORGOTTEN), plant(site, LISTED)
    registry.client("lender-2").report(
        default_report(LISTED, reference="another loan", facts=default_facts(contract="ANOTHER-LOAN"))
    )
    assert ask(site, LISTED).verdict is Verdict.LISTED
    for number, planted in ((FORGOTTEN, forgotten), (LISTED, one_of_two)):
        site.sample()
        assert_attacks_work(attacker_of(site, number), planted, statements_of(site, planted.key), number)
        erase(site, planted.key)
    assert_clean(site)
    for number, planted in ((FORGOTTEN, forgotten), (LISTED, one_of_two)):
        assert_no_way_leads(site, number, planted)
    assert_gone_from_everywhere(site, forgotten)
    assert_other_record_tells_nothing(site, one_of_two)
    # What is erased is neither shown nor taken again.
    assert ask(site, FORGOTTEN).verdict is Verdict.CLEAR
    assert registry.client("lender-1").report_many(history(FORGOTTEN)).accepted == 0
    assert forgotten.key not in stored(site)
    assert_clean(site)


def assert_gone_from_everywhere(site: Site, planted: Planted) -> None:
    """Nobody has asked about this person: neither name nor anything that was kept is in a column or a file."""
    needles = deleted(attacker_of(site, FORGOTTEN), planted)
    assert_held_nowhere(site, needles)
    with site.at_rest():
        assert_held_nowhere(site, needles)


def assert_held_nowhere(site: Site, needles: Needles) -> None:
    """Search all columns and files but those in which PostgreSQL itself keeps the past until it needs the room."""
    for piece in site.pieces():
        if not _PAST_OF_POSTGRESQL.search(piece.where):
            assert needles.found(piece.data) == set(), piece.where


def assert_other_record_tells_nothing(site: Site, planted: Planted) -> None:
    """The person is still listed: the record that stays, its facts and the inquiry point to nothing that was erased."""
    attacker, pointing = attacker_of(site, LISTED), leads_to(statements_of(site, planted.key), planted)
    live = {key: row for key, row in stored(site).items() if row.subject == attacker.pseudonym.subject}
    assert [key.issuer for key in live] == ["lender-2"]
    for key, row in live.items():
        (statement,) = statements_of(site, key)
        opened = open_facts(attacker.pseudonym.seal_key, statement.facts_commitment, row.disclosure)
        assert pointing.found(opened.content) == set()
        assert row.debt_ref not in {version.debt_ref for version in planted.versions}
    names = {
        name for name in deleted(attacker, planted).names if name.startswith(("opening", "disclosure", "debt_ref"))
    }
    kept = deleted(attacker, planted)
    for piece in site.pieces():
        if not _PAST_OF_POSTGRESQL.search(piece.where):
            assert not kept.found(piece.data) & names, piece.where
    assert [record.issuer for record in ask(site, LISTED).records] == ["lender-2"]


def assert_clean(site: Site) -> None:
    """Audit and fsck find nothing."""
    told = Command(site.registry.home("auditor"))("audit", "--jobs", "1")
    assert told.content["findings"] == []
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []


def test_p4_the_order_of_leaves_joins_no_records(site: Site) -> None:
    """Records of one person that are reported together are mixed with those of others, each in its own order."""
    people = range(7_100, 7_112)
    rows = [row for number in people for row in suit(number)]
    before = len(log_of(site.database_url))
    assert site.registry.client("lender-1").report_many(rows).accepted == len(rows)
    subjects = {row.leaf_index: row.subject for row in stored(site).values()}
    by_record = {row.leaf_hash: row.subject for row in stored(site).values()}
    logged = log_of(site.database_url)[before:]
    owners = [by_record[digest] for digest in map(leaf_hash, logged) if digest in by_record]
    assert len(owners) == 3 * len(people) <= len(subjects)
    beside = sum(first == second for first, second in itertools.pairwise(owners))
    # By chance two of 35; each person's three records beside each other would be 24.
    assert beside < 12
    issued = {statement_at(leaf) for leaf in logged} - {0}
    assert len(issued) == 1


def statement_at(leaf: bytes) -> int:
    """When a statement was issued; 0 for any other leaf."""
    parsed = parse_leaf(leaf)
    return Statement.parse(parsed.payload).issued_at if isinstance(parsed, StatementLeaf) else 0


@pytest.mark.parametrize("asked", [7_200, 7_201])
def test_p4_an_inquiry_does_not_keep_its_answer(site: Site, asked: int) -> None:
    """What is stored of a question has the same form whether the person was listed or not."""
    if asked % 2:
        site.registry.client("lender-1").report(default_report(asked))
    verdict = ask(site, asked).verdict
    assert verdict is (Verdict.LISTED if asked % 2 else Verdict.CLEAR)
    engine = create_engine(site.database_url, poolclass=NullPool)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT outcome, payload, opening, leaf, subject_count FROM inquiries"))
        forms = {(row[0], len(row[1]), len(row[2]), len(row[3]), row[4]) for row in rows}
    engine.dispose()
    assert {form[0] for form in forms} == {"ANSWERED"}
    assert len(forms) == 1
