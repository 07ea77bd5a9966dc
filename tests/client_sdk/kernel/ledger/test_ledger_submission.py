"""A submission is the same before and after its message, whatever it has and whatever it lacks."""

from __future__ import annotations

from creditregistry.v1 import submission_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.submission import Alias, Binding, OpenedBasis, OpenedFacts, Submission

octets = st.binary(max_size=8)
opened = st.builds(OpenedFacts, octets, octets)
submissions = st.builds(
    Submission,
    octets,
    octets,
    octets,
    st.none() | st.builds(Binding, octets, octets, octets),
    st.none() | opened,
    octets,
    st.none() | opened,
    st.none() | st.builds(OpenedBasis, st.builds(RecordKey, st.text(max_size=4), octets), st.none() | opened),
    st.lists(st.builds(Alias, st.integers(0, 2**32 - 1), octets, octets), max_size=3).map(tuple),
)


@given(submissions)
def test_what_is_sent_is_what_is_read(sent: Submission) -> None:
    data = sent.message().SerializeToString()
    assert Submission.of(pb.Submission.FromString(data)) == sent


def test_every_field_of_the_message_is_read() -> None:
    facts, record = OpenedFacts(b"o", b"f"), RecordKey("lender-1", b"r")
    aliases = (Alias(2, b"s", b"d"),)
    sent = Submission(
        b"p", b"k", b"s", Binding(b"s", b"o", b"d"), facts, b"d", facts, OpenedBasis(record, facts), aliases
    )
    message = sent.message()
    assert {field.name for field, _ in message.ListFields()} == {field.name for field in message.DESCRIPTOR.fields}


def test_nothing_of_a_submission_is_shown_by_its_text() -> None:
    facts = OpenedFacts(b"opening", b"facts")
    parts = (Binding(b"subject", b"opening", b"debt"), facts, OpenedBasis(RecordKey("lender-1", b"record"), facts))
    for value in (*parts, Alias(1, b"subject", b"debt"), Submission(b"payload", facts=facts)):
        assert not any(word in repr(value) for word in ("opening", "facts'", "subject", "payload", "debt", "record"))
