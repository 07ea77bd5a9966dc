"""Disputes that may not be: each is refused by name, changes nothing, and leaves a log that verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Annotation
from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.view import View
from registry_server.usecases.disputes import Disputes
from tests.support.disputes import CONFIRMED, RECEIPT
from tests.support.registry_world import PERSONS_REQUEST, World, accept
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.formats.statement import RecordKey
    from registry_server.sequencing.items import AnnotationItem
    from registry_server.sequencing.ledger import Ledger
    from registry_server.usecases.disputes import ListedDispute

DISPUTED = AnnotationFlag.DISPUTED


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        accept(opened, world.report("lender-1", "loan"), world.report("lender-1", "mistake"))
        accept(opened, world.report("lender-1", "mistake", Standing.WITHDRAWN))
        yield opened
        # Whatever was refused, the log verifies.
        reverify(database_url)


def logged(ledger: Ledger, item: AnnotationItem) -> AnnotationItem:
    (result,) = ledger.append([item]).result().results
    assert result.complaint is None, result.complaint
    return item


def refused(ledger: Ledger, item: AnnotationItem) -> Complaint:
    """Why an annotation is refused; nothing is logged of it."""
    size = ledger.size
    (result,) = ledger.append([item]).result().results
    assert result.complaint is not None
    assert result.complaint.want
    assert ledger.size == size
    return result.complaint


def opened(ledger: Ledger, world: World, key: RecordKey) -> AnnotationItem:
    return logged(ledger, world.annotate("lender-2", key, DISPUTED))


def test_nobody_disputes_by_nobodys_request(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    error = refused(ledger, world.annotate("lender-2", key, DISPUTED, evidence=()))
    assert (error.reason, error.field, error.rule) == ("ANNOTATION_INVALID", "evidence", "annotation.requested")
    assert (error.got, error.want) == ("none", "the SHA-256 of the person's request, and of what else shows it")
    opened(ledger, world, key)


def test_a_record_that_is_gone_is_not_disputed(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    assert (
        refused(ledger, world.annotate("lender-2", world.key("lender-1", "never"), DISPUTED)).reason == "RECORD_UNKNOWN"
    )
    ended = refused(ledger, world.annotate("lender-2", world.key("lender-1", "mistake"), DISPUTED))
    assert (ended.reason, ended.rule, ended.got) == ("RECORD_ENDED", "record.live", "WITHDRAWN")
    world.erase(ledger, key)
    assert refused(ledger, world.annotate("lender-2", key, DISPUTED)).reason == "RECORD_ERASED"


def test_a_dispute_is_opened_once(ledger: Ledger, world: World) -> None:
    item = opened(ledger, world, world.key("lender-1", "loan"))
    (again,) = ledger.append([item]).result().results
    assert again.outcome is ItemOutcome.REPEATED
    # Another member that has not seen it, and its author by other bytes.
    for author in ("lender-3", "lender-2"):
        error = refused(ledger, world.annotate(author, world.key("lender-1", "loan"), DISPUTED, evidence=RECEIPT))
        assert (error.reason, error.field, error.got, error.want) == ("ANNOTATION_ORDER", "number", "1", "2")


def test_a_listed_dispute_names_its_documents_before_and_after_its_answer(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    first = opened(ledger, world, key)
    both = tuple(sorted((PERSONS_REQUEST, *RECEIPT)))
    further = logged(ledger, world.annotate("lender-2", key, DISPUTED, before=first, evidence=both))
    # One that says nothing of documents hides those that were named.
    silent = logged(ledger, world.annotate("lender-2", key, DISPUTED, before=further, evidence=()))
    disputes = Disputes(ledger)
    (listed,) = disputes.opened("lender-2", 0, ended=False).disputes
    assert documents(listed) == both
    logged(ledger, world.annotate("lender-1", key, before=silent, **CONFIRMED))
    (listed,) = disputes.about("lender-1", "", 0, ended=True).disputes
    assert documents(listed) == both
    assert listed.begun.index < named_index(listed)


def test_a_long_chain_behind_the_documents_of_a_dispute_is_read_in_few_parts(
    ledger: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.key("lender-1", "loan")
    newest = opened(ledger, world, key)
    for _ in range(18):
        newest = logged(ledger, world.annotate("lender-2", key, DISPUTED, before=newest, evidence=()))
    reads = 0
    places = View.annotation_places

    def counted(view: View, links: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        nonlocal reads
        reads += 1
        return places(view, links)

    monkeypatch.setattr(View, "annotation_places", counted)
    (listed,) = Disputes(ledger).opened("lender-2", 0, ended=False).disputes
    assert documents(listed) == (PERSONS_REQUEST,)
    assert named_index(listed) == listed.begun.index
    assert reads == 3, "1, 4 and 16 of them"


def named_index(listed: ListedDispute) -> int:
    assert listed.named is not None
    return listed.named.index


def documents(listed: ListedDispute) -> tuple[bytes, ...]:
    assert listed.named is not None
    leaf = parse_leaf(listed.named.leaf)
    assert isinstance(leaf, StatementLeaf)
    return Annotation.parse(leaf.payload).evidence


def test_the_furnisher_alone_answers_and_only_while_the_dispute_stands(ledger: Ledger, world: World) -> None:
    key = world.key("lender-1", "loan")
    before = opened(ledger, world, key)
    for author in ("lender-2", "lender-3"):
        error = refused(ledger, world.annotate(author, key, before=before, **CONFIRMED))
        assert (error.reason, error.field, error.rule) == ("ANNOTATION_INVALID", "author", "annotation.answer")
        assert (error.got, error.want) == (author, "an answer by the issuer or its successor")
    answer = logged(ledger, world.annotate("lender-1", key, before=before, **CONFIRMED))
    late = refused(ledger, world.annotate("lender-1", key, before=answer, **CONFIRMED))
    assert (late.field, late.rule, late.want) == ("outcome", "annotation.outcome", "a dispute that stands")
    # What was answered is disputed again with something new, not with the same request.
    same = refused(ledger, world.annotate("lender-2", key, DISPUTED, before=answer, evidence=(PERSONS_REQUEST,)))
    assert (same.rule, same.got) == ("annotation.reopened", "documents that were named before")
    logged(ledger, world.annotate("lender-2", key, DISPUTED, before=answer, evidence=RECEIPT))
