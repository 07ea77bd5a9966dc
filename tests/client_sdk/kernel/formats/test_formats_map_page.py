"""Pages of a map: one for each prefix, complete, and refused as soon as anything of them is otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.map_page import (
    MAX_PAGE_DEPTH,
    MAX_PAGE_ENTRIES,
    MapPage,
    page_depth,
    prefix_of,
    prove_page,
    verify_page,
)
from client_sdk.kernel.formats.prefix_tree import EMPTY, root_of
from tests.support.memory_map import MemoryMap
from tests.support.naive_parts import Wrong
from tests.support.naive_proofs import naive_map_page

Entries = list[tuple[bytes, bytes]]
# Keys that share many bits, so that places of all depths occur.
KEYS = st.builds(
    lambda first, rest: bytes((first & 0x13,)) + rest * 31, st.integers(0, 255), st.binary(min_size=1, max_size=1)
)
MAPS = st.dictionaries(KEYS, st.binary(min_size=32, max_size=32), max_size=40).map(lambda found: sorted(found.items()))


def entries_of(count: int) -> Entries:
    return sorted(
        (bytes((number % 128, number // 128)) + bytes(30), bytes((number % 256,)) * 32) for number in range(count)
    )


@given(MAPS, st.integers(1, 9), st.data())
def test_the_page_of_a_prefix_shows_all_entries_under_it(entries: Entries, depth: int, data: st.DataObject) -> None:
    prefix = data.draw(st.integers(0, (1 << depth) - 1))
    root = root_of(entries)
    page = prove_page(entries, prefix, depth)
    wanted = {key: value for key, value in entries if prefix_of(key, depth) == prefix}
    assert verify_page(root, prefix, depth, page) == wanted
    assert MemoryMap.of(entries).page(prefix, depth) == page
    assert naive_map_page(root, f"{prefix:0{depth}b}", (page.depth, page.entries, page.siblings)) == wanted


def accepted(root: bytes, prefix: int, depth: int, page: MapPage) -> bool:
    """Whether a page is accepted, by the kernel and by the second verifier alike."""
    try:
        verify_page(root, prefix, depth, page)
        ours = True
    except ProofError:
        ours = False
    try:
        naive_map_page(root, f"{prefix:0{depth}b}", (page.depth, page.entries, page.siblings))
        theirs = True
    except Wrong:
        theirs = False
    assert ours is theirs
    return ours


def test_every_change_of_a_page_is_refused() -> None:
    entries = entries_of(300)
    root, prefix, depth = root_of(entries), 2, 3
    page = prove_page(entries, prefix, depth)
    rows = [page.entries[at : at + 64] for at in range(0, len(page.entries), 64)]
    assert len(rows) > 3
    assert accepted(root, prefix, depth, page)
    others = prove_page(entries, 3, depth)
    lies = {
        "a row left out": replace(page, entries=page.entries[64:]),
        "the last row left out": replace(page, entries=page.entries[:-64]),
        "no row": replace(page, entries=b""),
        "a row of another page": replace(page, entries=b"".join(sorted([*rows, others.entries[:64]]))),
        "a row twice": replace(page, entries=rows[0] + page.entries),
        "rows in another order": replace(page, entries=b"".join(reversed(rows))),
        "another value": replace(page, entries=page.entries[:-1] + b"\xff"),
        "a byte less": replace(page, entries=page.entries[:-1]),
        "another page": others,
        "a lower depth": replace(page, depth=2, siblings=page.siblings[32:]),
        "a depth of none": replace(page, depth=0, siblings=b""),
        "a greater depth": replace(page, depth=4, siblings=bytes(32) + page.siblings),
        "a sibling less": replace(page, siblings=page.siblings[32:]),
        "a sibling more": replace(page, siblings=page.siblings + bytes(32)),
        "another sibling": replace(page, siblings=bytes(32) + page.siblings[32:]),
        "siblings in another order": replace(page, siblings=page.siblings[32:] + page.siblings[:32]),
        "the page of a smaller map": prove_page(entries[1:], prefix, depth),
    }
    assert [name for name, lie in lies.items() if accepted(root, prefix, depth, lie)] == []
    assert not accepted(root, 3, depth, page)
    assert not accepted(root_of(entries[:-1]), prefix, depth, page)


@pytest.mark.parametrize("count", [0, 1])
def test_a_map_of_one_entry_or_none_has_one_page_at_its_top(count: int) -> None:
    entries = entries_of(count)
    page = prove_page(entries, 0, 3)
    assert page.depth == 0
    root = root_of(entries)
    assert accepted(root, 0, 3, page)
    assert not accepted(root, 0, 3, replace(page, depth=1, siblings=EMPTY))


def test_a_page_of_too_many_entries_is_not_made_and_not_taken() -> None:
    entries = [(number.to_bytes(4) + bytes(28), bytes(32)) for number in range(MAX_PAGE_ENTRIES + 1)]
    with pytest.raises(FormatError, match=r"screening\.page-entries"):
        MemoryMap.of(entries).page(0, 1)
    with pytest.raises(ProofError, match=r"map-page\.entries"):
        verify_page(root_of(entries), 0, 1, prove_page(entries, 0, 1))
    # Deep enough, it is.
    assert len(MemoryMap.of(entries).page(0, 20).entries) == 4_096 * 64


@given(st.integers(0, 2**40))
def test_pages_hold_about_a_thousand_entries(entries: int) -> None:
    depth = page_depth(entries)
    assert 1 <= depth <= MAX_PAGE_DEPTH
    if depth < MAX_PAGE_DEPTH:
        assert entries / 2 ** (depth - 1) <= 1_024
    if depth > 1:
        assert entries / 2 ** (depth - 1) > 512 or depth == MAX_PAGE_DEPTH
