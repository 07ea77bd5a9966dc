"""The map in parts: together they are the map, however many there are, and a part tells what does not open."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.commitment import commit_subject
from client_sdk.kernel.formats.map_entry import institution_key, record_part, subject_key, value_of_parts
from client_sdk.kernel.formats.prefix_tree import EMPTY, root_of
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, Standing
from client_sdk.kernel.ledger.annotating import AnnotationHead
from client_sdk.kernel.ledger.chain import Chain
from client_sdk.kernel.ledger.map_parts import (
    MapSubtree,
    bound_leaf,
    map_parts,
    map_subtree,
    place_of_bound,
    whole_of,
)

# Subjects of which some have several records.
SUBJECTS = st.lists(st.integers(0, 60), max_size=60)
INSTITUTIONS = st.sets(st.integers(0, 20), max_size=20)


def hash_of(text: str) -> bytes:
    return sha256(text.encode()).digest()


def chain_of(index: int, commitment: bytes, *, shown: bool) -> Chain:
    key = RecordKey("lender-1", hash_of(f"record {index}")[:16])
    hiding = None if shown else AnnotationHead(1, bytes(32), index, bytes(32), (AnnotationFlag.HIDDEN,), index, 1)
    return Chain(
        key,
        Kind.DEFAULT,
        Standing.OPEN,
        1,
        bytes(32),
        index,
        hash_of(f"leaf {index}"),
        1,
        annotation=hiding,
        subject_commitment=commitment,
    )


def leaf_of(index: int, subject: int, *, shown: bool = True, opens: bool = True) -> bytes:
    pseudonym, opening = hash_of(f"subject {subject}"), hash_of(f"opening {index}")
    commitment = commit_subject(opening, pseudonym) if opens else hash_of("another")
    return bound_leaf(chain_of(index, commitment, shown=shown), pseudonym, opening)


@given(SUBJECTS, INSTITUTIONS, st.integers(1, 8), st.data())
def test_the_parts_are_the_map(subjects: list[int], institutions: set[int], mean: int, data: st.DataObject) -> None:
    hidden, wrong = (data.draw(st.sets(st.integers(0, 59))) for _ in range(2))
    leaves = [
        leaf_of(index, subject, shown=index not in hidden, opens=index not in wrong)
        for index, subject in enumerate(subjects)
    ]
    records: defaultdict[int, list[bytes]] = defaultdict(list)
    for index, subject in enumerate(subjects):
        if index not in hidden:
            part = record_part(index, hash_of(f"leaf {index}"), bytes(32), hash_of(f"opening {index}"))
            records[subject].append(part)
    directory = {institution_key(f"member-{number}"): hash_of(f"state {number}") for number in institutions}
    entries = {subject_key(hash_of(f"subject {subject}")): value_of_parts(found) for subject, found in records.items()}
    entries |= directory
    parts = [*map_parts(sorted(leaves, key=place_of_bound), len(leaves), directory, mean)]
    assert sum(part.records for part in parts) == len(leaves)
    whole = whole_of([map_subtree(part) for part in parts])
    assert (whole.size, whole.root) == (len(entries), root_of(sorted(entries.items())))
    assert sorted(whole.wrong) == sorted(wrong & set(range(len(subjects))))


def test_an_empty_map_has_two_parts_with_nothing_in_them() -> None:
    parts = [*map_parts([], 0, {})]
    assert [map_subtree(part) for part in parts] == [MapSubtree(0, EMPTY, [])] * 2
    assert whole_of([map_subtree(part) for part in parts]) == MapSubtree(0, EMPTY, [])


def test_a_part_shows_nothing_of_its_subjects() -> None:
    (part, _) = map_parts([leaf_of(1, 7)], 1, {})
    assert repr(part) == str(part) == "MapPart(1 records)"
