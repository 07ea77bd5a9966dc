"""Chunks: within the limits of the contract, in order, and what belongs together stays together where it fits."""

from __future__ import annotations

from creditregistry.v1 import submission_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.limits import CHUNK_BYTES, CHUNK_SUBMISSIONS
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.lending.sending import pack
from client_sdk.lending.signing_room import Prepared

Sizes = list[list[int]]


def units(sizes: Sizes) -> list[list[Prepared]]:
    """Units whose submissions have disclosures of these sizes; each is told by its unit and its place in it."""
    return [
        [
            Prepared(None, RecordKey(f"unit-{number}", bytes(16)), place, pb.Submission(disclosure=bytes(size)))
            for place, size in enumerate(unit)
        ]
        for number, unit in enumerate(sizes)
    ]


def message(chunk: list[Prepared]) -> pb.SubmitBatchRequest:
    return pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=[item.submission for item in chunk]))


@given(st.lists(st.lists(st.integers(0, CHUNK_BYTES // 3), min_size=1, max_size=6), max_size=8))
def test_no_chunk_is_longer_than_a_message_and_nothing_is_lost(sizes: Sizes) -> None:
    made = units(sizes)
    chunks = pack(made)
    assert all(message(chunk).ByteSize() <= CHUNK_BYTES for chunk in chunks)
    for number, unit in enumerate(made):
        mine = [item for chunk in chunks for item in chunk if item.key.issuer == f"unit-{number}"]
        assert [item.version for item in mine] == [item.version for item in unit]


@given(st.lists(st.integers(1, 2 * CHUNK_SUBMISSIONS + 1), max_size=5))
def test_no_chunk_holds_more_than_256(counts: list[int]) -> None:
    chunks = pack(units([[1] * count for count in counts]))
    assert all(0 < len(chunk) <= CHUNK_SUBMISSIONS for chunk in chunks)
    assert sum(map(len, chunks)) == sum(counts)


def test_a_unit_that_fits_into_a_chunk_is_in_one() -> None:
    third = CHUNK_BYTES // 3
    chunks = pack(units([[third], [third // 2, third // 2, third // 2, third]]))
    assert sorted(len(chunk) for chunk in chunks) == [1, 4]


def test_a_submission_that_fits_into_no_chunk_goes_alone() -> None:
    chunks = pack(units([[10, CHUNK_BYTES, 10]]))
    assert [[item.version for item in chunk] for chunk in chunks] == [[0], [1], [2]]
