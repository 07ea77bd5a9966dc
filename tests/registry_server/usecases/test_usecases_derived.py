"""Derived rows are put right from the log alone, and nothing that does not follow from it is made up."""

from __future__ import annotations

import pytest

from registry_server.sequencing.errors import InconsistentError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import Repaired, repair_derived
from registry_server.usecases.fsck.report import RowKind
from tests.registry_server.usecases.test_usecases_fsck import FIRST_LIVE, LIES, ZEROS, change, check, fill

DERIVED = (
    *("head size", "head frontier", "head map root", "tile", "tile gone", "record standing", "record erased"),
    *("version gone", "annotation gone", "act number", "live standing", "hidden", "live annotation"),
)
COUNTS = (
    "UPDATE statement_counts SET statements = statements + 1",
    "DELETE FROM quality_counts",
    "UPDATE map_blocks SET block = {zeros}",
    "UPDATE contributions SET given_on = '2001-01-01'",
    "DELETE FROM records WHERE leaf_index = {first}",
    "UPDATE live_records SET record_id = {zeros}, record = 1",
)
# A binding of the record that was erased, as an older copy has it.
CAME_BACK = (
    "INSERT INTO live_records SELECT (SELECT leaf_index FROM records WHERE erased), 1, 'lender-3', "
    "(SELECT record_id FROM records WHERE erased), "
    "subject, subject_key_version, opening, debt_ref, kind, standing, leaf_hash, facts_commitment, "
    "annotation_index, annotation_hash, hidden, disclosure, text_disclosure "
    "FROM live_records WHERE leaf_index = {first}"
)


def repaired(url: str, *, write: bool) -> Repaired:
    with Database(url) as database, database.append() as work:
        done = repair_derived(work, write=write)
        work.commit()
    return done


@pytest.fixture
def spoiled(database_url: str, database_kind: str) -> str:
    """A database in which every kind of derived row is wrong."""
    fill(database_url)
    statements = [CAME_BACK, *(statement for lie in DERIVED for statement in LIES[lie][0]), *COUNTS]
    change(database_url, *(text.format(zeros=ZEROS[database_kind], first=FIRST_LIVE) for text in statements))
    return database_url


def test_every_derived_row_is_put_right_and_a_look_changes_nothing(spoiled: str) -> None:
    found = check(spoiled).counts
    looked = repaired(spoiled, write=False)
    assert check(spoiled).counts == found
    assert looked == repaired(spoiled, write=True)
    assert {"acts", "head", "live_records", "records", "tiles", "versions"} <= looked.rows.keys()
    assert (looked.lost, looked.lost_texts) == ({}, ())
    assert check(spoiled).findings == []
    assert repaired(spoiled, write=True).rows == {}


def test_what_follows_from_nothing_is_named_and_left_as_it_is(database_url: str, database_kind: str) -> None:
    fill(database_url)
    spoil = ("UPDATE live_records SET disclosure = {zeros} WHERE leaf_index > {first}", LIES["binding gone"][0][0])
    change(database_url, *(text.format(zeros=ZEROS[database_kind], first=FIRST_LIVE) for text in spoil))
    found = check(database_url)
    done = repaired(database_url, write=True)
    assert sum(map(len, done.lost.values())) == 2
    # The map is made of the rows that are left.
    assert found.counts.pop(RowKind.MAP_BLOCK_ROW)
    assert check(database_url).counts == found.counts
    change(database_url, "DELETE FROM leaves WHERE leaf_index = 7")
    with pytest.raises(InconsistentError, match="leaf 8"):
        repaired(database_url, write=True)
    change(database_url, "DELETE FROM inquiries")
    with pytest.raises(InconsistentError, match="leaf 8"):
        repaired(database_url, write=True)
