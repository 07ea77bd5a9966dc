"""Evidence as the registry writes it: what verifies, and what is stored so that nothing would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats.state import InstitutionState
from client_sdk.kernel.ledger.inquiry import PersonOpening
from client_sdk.kernel.ledger.proving import entries_under
from client_sdk.kernel.ledger.shown import shown_entries
from registry_server.sequencing.errors import InconsistentError
from registry_server.usecases.evidence import EvidenceWriter
from registry_server.usecases.failures import complaint_of
from tests.support.evidence_maker import inquiry_of
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.registry_world import World, accept, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.ledger import Ledger

KEY_ID = signer("lender-2 INQUIRE").public_key.key_id
PAGE_BYTES = 1_000_000
INQUIRY = inquiry_of(HandmadeLog(), "lender-2", [])


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    world = World()
    with world.ledger(database_url) as opened:
        accept(opened, world.report("lender-1", "loan", person="listed"), world.report("lender-1", "other"))
        yield opened


def person(name: str) -> PersonOpening:
    return PersonOpening(bytes(32), ((1, subject_of(name)),))


def test_pages_hold_each_person_once_and_their_own_states_alone(ledger: Ledger) -> None:
    writer, asked = EvidenceWriter(), [person("listed"), person("clear")]
    with ledger.view() as view:
        live = view.live_records([subject_of("listed"), subject_of("clear")])
        (whole,) = writer.pages(view, INQUIRY, KEY_ID, asked, live, PAGE_BYTES)
        pages = writer.pages(view, INQUIRY, KEY_ID, asked, live, 1)
        head = view.head
    assert [page.first_position for page in pages] == [0, 1]
    assert [page.next_position for page in pages] == [1, 0]
    assert whole.next_position == 0
    together = pb.Evidence()
    together.CopyFrom(pages[0].evidence)
    together.persons.extend(pages[1].evidence.persons)
    # Each has the proof of just what it shows.
    for page in (whole, *pages):
        institutions = [InstitutionState.parse(state).id for state in page.evidence.institutions]
        entries_under(head, shown_entries(page.evidence, institutions), page.evidence.map_proof)
    together.map_proof.CopyFrom(whole.evidence.map_proof)
    # The first page shows all that the second refers to, and the second the asker alone.
    assert together == whole.evidence
    assert [len(page.evidence.institutions) for page in pages] == [2, 1]


def test_a_stored_leaf_without_form_is_the_registrys_fault_and_not_the_askers(ledger: Ledger) -> None:
    with ledger.view() as view:
        live = view.live_records([subject_of("listed")])
        broken = {subject: [row._replace(leaf=b"\0")] for subject, (row,) in live.items()}
        with pytest.raises(InconsistentError) as caught:
            EvidenceWriter().pages(view, INQUIRY, KEY_ID, [person("listed")], broken, PAGE_BYTES)
    assert complaint_of(caught.value).reason == "INTERNAL"
