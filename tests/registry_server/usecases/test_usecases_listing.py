"""What is listed page by page while the log goes on: whole, each once, and complete for one HEAD."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete

from client_sdk.kernel.formats.words import InstitutionStatus, Standing
from client_sdk.kernel.ledger.examination import Examination, LiveBinding, verify_signatures
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.errors import InconsistentError
from registry_server.storage import schema
from registry_server.usecases.records import Records
from registry_server.usecases.transparency import Transparency
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Table

    from registry_server.sequencing.ledger import Ledger
    from registry_server.usecases.records import OwnRecord

LOANS = tuple(f"loan {number}" for number in range(6))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as ledger:
        accept(ledger, *(world.report("lender-1", loan) for loan in LOANS), *(world.report("lender-1", "last"),))
        accept(ledger, world.report("lender-2", "of another"))
        yield ledger


def change(ledger: Ledger, world: World) -> None:
    """Withdraw one, end one, erase one, report one anew."""
    accept(ledger, world.report("lender-1", "loan 0", Standing.WITHDRAWN))
    accept(ledger, world.report("lender-1", "loan 3", Standing.WITHDRAWN), world.report("lender-1", "new"))
    accept(ledger, world.report("lender-1", "loan 4", Standing.CURED))
    world.erase(ledger, world.key("lender-1", "loan 5"))


@pytest.mark.parametrize("named", [False, True])
def test_own_records_that_change_between_pages_come_once_and_as_they_are(
    ledger: Ledger, world: World, *, named: bool
) -> None:
    loans = (*LOANS, "last")
    ids = [world.key("lender-1", loan).record_id for loan in reversed((*loans, "new"))] if named else []
    pages = Records(ledger, page=2).list_own("lender-1", "", ids)
    first = next(pages)
    change(ledger, world)
    listed: Sequence[OwnRecord] = [*first, *chain.from_iterable(pages)]
    assert [own.record.chain.key for own in listed] == [world.key("lender-1", loan) for loan in loans]
    live = [own.sealed is not None for own in listed]
    # The first page was read before; what was deleted since is in no later one.
    assert live == [True, True, True, False, True, False, True]
    assert listed[4].record.chain.standing is Standing.CURED
    assert [own.record.chain.live for own in listed] == live


def test_a_page_that_is_full_and_the_last_ends_the_listing(ledger: Ledger) -> None:
    assert [len(page) for page in Records(ledger, page=7).list_own("lender-1", "", [])] == [7]
    assert [len(page) for page in Records(ledger, page=8).list_own("lender-1", "", [])] == [7]
    assert [*Records(ledger).list_own("lender-3", "", [])] == []


def test_who_lists_for_an_issuer_is_held_to_it_on_every_page(ledger: Ledger, world: World) -> None:
    pages = Records(ledger, page=2).list_own("lender-2", "lender-1", [])
    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        next(pages)
    world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-2")
    assert sum(map(len, Records(ledger, page=2).list_own("lender-2", "lender-1", []))) == 7


def test_the_buyer_reads_a_sold_record_until_its_own_continues_it(ledger: Ledger, world: World) -> None:
    accept(ledger, world.report("lender-1", "sold", person="debtor", contract="LN1"))
    accept(ledger, world.report("lender-1", "kept"))
    sold, kept = world.key("lender-1", "sold"), world.key("lender-1", "kept")
    ids = [sold.record_id, kept.record_id]

    def read(peer: str) -> list[bytes]:
        pages = Records(ledger, page=1).list_own(peer, "lender-1", ids)
        return [found.record.chain.key.record_id for page in pages for found in page]

    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        read("lender-2")
    accept(ledger, world.report("lender-1", "sold", Standing.TRANSFERRED, transferee="lender-2"))
    assert read("lender-2") == [sold.record_id]
    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        read("lender-3")
    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        list(Records(ledger).list_own("lender-2", "lender-1", []))
    accept(ledger, world.report("lender-2", "bought", person="debtor", contract="LN1", continues=sold))
    with pytest.raises(RuleError, match="NOT_THE_SUCCESSOR"):
        read("lender-2")


def test_live_bindings_are_complete_for_the_head_that_the_last_page_names(ledger: Ledger, world: World) -> None:
    pages = Transparency(ledger, page_bindings=2).live_bindings()
    first = next(pages)
    with ledger.view() as view:
        assert (first.begun_at, first.size) == (view.size, 0)
    change(ledger, world)
    rest = [*pages]
    assert [page.begun_at for page in rest] == [0] * len(rest)
    assert [page.size for page in rest[:-1]] == [0] * (len(rest) - 1)
    bindings = [binding for page in (first, *rest) for binding in page.bindings]
    with ledger.view() as view:
        assert rest[-1].size == view.size
        live = view.live_bindings()
        leaves = [stored.leaf for stored in view.leaves(0, view.size)]
    assert bindings == sorted(bindings)
    assert set(live) < set(bindings)
    # An audit of that size finds nothing wrong; without knowing when the reading began it would.
    assert audited(leaves, bindings, first.begun_at) == []
    assert audited(leaves, bindings, None) != []
    # What is left out is missed all the same.
    assert audited(leaves, bindings[:-1], first.begun_at) != []


def test_bindings_that_fill_the_last_page_are_followed_by_an_empty_one(ledger: Ledger) -> None:
    pages = [*Transparency(ledger, page_bindings=4).live_bindings()]
    with ledger.view() as view:
        assert [(len(page.bindings), page.begun_at, page.size) for page in pages] == [
            (4, view.size, 0),
            (4, 0, 0),
            (0, 0, view.size),
        ]


def test_a_database_that_lacks_a_leaf_ends_the_list_of_them(ledger: Ledger) -> None:
    with ledger.view() as view:
        size = view.size
    missing = size - 2
    delete_row(ledger, schema.leaves, schema.leaves.c.leaf_index == missing)
    transparency = Transparency(ledger)
    pages = transparency.leaves(0, size)
    assert len(next(pages).leaves) == missing
    with pytest.raises(InconsistentError, match=f"none at {missing}"):
        next(pages)
    assert [page.start for page in transparency.leaves(missing + 1, size)] == [missing + 1]


def test_inquiries_that_the_database_lacks_end_the_list_of_them(ledger: Ledger, world: World) -> None:
    ledger.record_inquiries([world.inquiry("lender-2", name) for name in ("one", "two", "three")]).result()
    accept(ledger, world.report("lender-1", "a leaf after them"))
    transparency = Transparency(ledger)
    assert [len(page.inquiries) for page in transparency.inquiries(0, 3)] == [3]
    delete_row(ledger, schema.inquiries, schema.inquiries.c.position == 2)
    assert [len(page.inquiries) for page in transparency.inquiries(0, 3)] == [2]
    assert [*transparency.inquiries(2, 3)] == []


def delete_row(ledger: Ledger, table: Table, where: ColumnElement[bool]) -> None:
    with ledger.database.append() as work:
        assert work.connection.execute(delete(table).where(where)).rowcount == 1
        work.commit()


def audited(leaves: Sequence[bytes], bindings: Sequence[tuple[int, bytes, bytes]], begun_at: int | None) -> list[str]:
    findings = Findings()
    examination = Examination(findings, bindings_from=begun_at)
    for finding in verify_signatures(examination.feed(leaves)):
        findings.add(finding)
    examination.check_map([LiveBinding(*binding) for binding in bindings])
    return [finding.id.value for finding in findings.kept()]
