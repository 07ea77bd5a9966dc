"""Small counts are withheld so that nobody can recompute them, even by the rule itself."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.rules.suppression import THRESHOLD, withhold

COUNTS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 500)), min_size=1, max_size=8)


@given(COUNTS)
def test_no_small_count_and_no_small_sum_of_counts_is_published(counts: list[int]) -> None:
    row = withhold(counts)
    if row is None:
        return
    total = sum(counts)
    hidden = total - sum(count for count in row if count is not None)
    assert total == 0 or total >= THRESHOLD
    assert all(count is None or count == 0 or count >= THRESHOLD for count in row)
    assert hidden >= THRESHOLD or None not in row
    assert [shown for shown in row if shown is not None] == [
        count for count, shown in zip(counts, row, strict=True) if shown is not None
    ]


@given(COUNTS, st.data())
def test_exchanging_two_withheld_counts_publishes_the_same_row(counts: list[int], data: st.DataObject) -> None:
    row = withhold(counts) or ()
    places = [place for place, shown in enumerate(row) if shown is None]
    if not places:
        return
    assert len({counts[place] for place in places}) > 1
    order = data.draw(st.permutations(places))
    other = list(counts)
    for place, source in zip(places, order, strict=True):
        other[place] = counts[source]
    assert withhold(other) == row


def test_no_withheld_count_follows_from_total_and_rule_in_any_small_row() -> None:
    # Every row of three and of four columns with small numbers, by all that is published of it.
    for columns, most in ((2, 9), (3, 8), (4, 5)):
        worlds: dict[tuple[tuple[int | None, ...], int], list[tuple[int, ...]]] = defaultdict(list)
        for counts in product(range(most + 1), repeat=columns):
            row = withhold(counts, threshold=3)
            if row is not None:
                worlds[row, sum(counts)].append(counts)
        for (row, _), rows in worlds.items():
            for place, shown in enumerate(row):
                if shown is None:
                    assert len({counts[place] for counts in rows}) > 1, (row, rows)


def test_what_is_large_enough_is_published_whole() -> None:
    assert withhold([10, 0, 250]) == (10, 0, 250)
    assert withhold([0, 0]) == (0, 0)


def test_a_row_whose_total_is_small_or_tells_each_count_is_withheld() -> None:
    assert withhold([3, 0, 4]) is None
    assert withhold([6, 6, 6]) is None
    # Beside a column without any it can be hidden: nobody knows which one that is.
    assert withhold([6, 6, 0]) == (None, None, None)
