"""Flows that ask about persons."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2

from client_sdk._answer_page import Page
from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.inquiry import unproved
from client_sdk._protocol.inquiry_receipt import read_inquiry_receipt
from client_sdk._protocol.own_inquiry import read_own_inquiries
from client_sdk._steps import ask, beside
from client_sdk.errors import RollbackError, VerificationError
from client_sdk.kernel.formats.moment import milliseconds
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.kernel.ledger.inquiry import MAX_PERSONS
from client_sdk.kernel.rules.dates import day_of
from client_sdk.verification import verify_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from client_sdk._protocol.inquiry import Question
    from client_sdk._steps import Flow
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.answer import Answer
    from client_sdk.models.own_inquiry import OwnInquiry
    from client_sdk.models.receipt import InquiryReceipt

__all__ = ["Asking"]

# Own inquiries that are held in memory at most, some 500 bytes each.
_MOST_INQUIRIES = 1_000_000


class Asking(Core):
    """What a lender asks."""

    def check(self, identity: Identity, purpose: Purpose | str, consent: Consent, officer: str) -> Flow[Answer]:
        """Ask whether a person has live records."""
        answers = yield from self.check_many([identity], purpose, consent, officer)
        return answers[0]

    def check_many(
        self, identities: Sequence[Identity], purpose: Purpose | str, consent: Consent, officer: str
    ) -> Flow[list[Answer]]:
        """Ask about many persons under one consent, 100 an inquiry."""
        asked_about = yield from beside(partial(arguments.persons_of, identities, "inquiry.persons"))
        why = arguments.purpose_of(purpose)
        arguments.consent_of(consent)
        arguments.officer_of(officer)
        answers: list[Answer] = []
        persons = list(dict.fromkeys(asked_about))
        for start in range(0, len(persons), MAX_PERSONS):
            asked = persons[start : start + MAX_PERSONS]
            try:
                answers += yield from self.fresh(partial(self._ask, asked, why, consent, officer))
            except RollbackError:
                raise
            except VerificationError as error:
                answers += unproved(self.session.config.name, asked, error)
        found = dict(zip(persons, answers, strict=True))
        return [found[identity] for identity in asked_about]

    def _ask(
        self, identities: Sequence[Identity], purpose: Purpose, consent: Consent, officer: str
    ) -> Flow[list[Answer]]:
        _, answers = yield from self._put(identities, purpose, consent, officer)
        return answers

    def _put(
        self,
        identities: Sequence[Identity],
        purpose: Purpose,
        consent: Consent,
        officer: str,
        alerts_until: str = "",
    ) -> Flow[tuple[Question, list[Answer]]]:
        """Put one inquiry; return it with its answers."""
        question = yield from self.question(identities, purpose, consent, officer, alerts_until)
        return question, (yield from self.answers_to(question))

    def question(
        self,
        identities: Sequence[Identity],
        purpose: Purpose,
        consent: Consent,
        officer: str,
        alerts_until: str = "",
    ) -> Flow[Question]:
        """Return a signed inquiry, which nobody has seen yet."""
        directory = yield from self.directory()
        self.session.check_asking(directory, identities, purpose, consent, alerts_until)
        names = yield from self.names(identities, KeyUse.INQUIRE, purpose)
        people = list(zip(identities, names, strict=True))
        return (yield from beside(partial(self.session.ask, people, purpose, consent, officer, alerts_until)))

    def answers_to(self, question: Question) -> Flow[list[Answer]]:
        """Send an inquiry, a new one or one that was answered before; return its answers of now."""
        page = yield from beside(partial(Page, self.session, question))
        while (request := page.request()) is not None:
            response = yield from ask(self.services.inquiries.Check, request)
            yield from beside(partial(page.read, response))
        yield from self.following.settle(page)
        return page.answers

    def inquiries(self, since: date | None, limit: int) -> Flow[tuple[OwnInquiry, ...]]:
        """Return own inquiries, the newest first."""
        arguments.number_of(limit, "limit", 1, _MOST_INQUIRIES)
        if since is not None:
            arguments.date_of(since, "since")
        directory = yield from self.directory()
        asker, zone = directory.institution(self.session.config.institution), directory.rulebook.time_zone
        registry = self.session.config.name
        found: list[OwnInquiry] = []
        request = check_pb2.ListInquiriesRequest()
        while True:
            page = yield from ask(self.services.inquiries.ListInquiries, request)
            found += yield from beside(partial(read_own_inquiries, page, asker, registry, found[-1] if found else None))
            older = since is not None and found and day_of(milliseconds(found[-1].received_at), zone) < since
            if not page.more or older or len(found) >= limit:
                break
            last = found[-1]
            request = check_pb2.ListInquiriesRequest(before=milliseconds(last.received_at), before_id=last.inquiry_id)
        kept = (one for one in found if since is None or day_of(milliseconds(one.received_at), zone) >= since)
        return tuple(islice(kept, limit))

    def inquiry_receipt(self, inquiry_id: bytes) -> Flow[InquiryReceipt]:
        """Return the place of an own inquiry in the inquiry tree."""
        directory = yield from self.directory()
        request = check_pb2.GetInquiryReceiptRequest(inquiry_id=arguments.sixteen_bytes(inquiry_id, "inquiry_id"))
        response = yield from ask(self.services.inquiries.GetInquiryReceipt, request)
        session = self.session
        asker = directory.institution(session.config.institution)
        receipt = read_inquiry_receipt(response.inquiry, inquiry_id, asker, session.config.name, session.log_key)
        yield from self.prove(self.session.proving(receipt.checkpoint))
        return receipt

    def verify(self, path: str | Path | bytes, identity: Identity | None) -> Flow[tuple[Answer, ...]]:
        """Verify an evidence file against the trust root."""
        names: Mapping[int, Pseudonym] | None = None
        if identity is not None:
            directory = yield from self.directory()
            purpose = self.session.review_purpose(directory)
            person = arguments.person_of(identity, "identity")
            (names,) = yield from self.names([person], KeyUse.INQUIRE, purpose)
        verifier, demands = self.session.verifier, self.session.demands_at
        return (yield from beside(partial(verify_with, verifier, path, identity, names, demands)))
