"""Content of a person's own report in one language, the same for the page and for the printed document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from client_sdk.forms import jurisdiction, offset_of
from client_sdk.models import AnnotationFlag, Kind
from client_sdk.subject_report.facts import FactSpeaker, visible
from client_sdk.subject_report.texts import TEXTS
from client_sdk.texts import Language

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from client_sdk.models import (
        AskedAbout,
        HistoryMonth,
        Identity,
        InstitutionName,
        ListedRecord,
        RecordEvent,
        SubjectRecord,
        SubjectReport,
    )

__all__ = ["Document", "Part", "Rows", "document_of"]

_SHOWN_FIRST, _SHOWN_LAST = 6, 4
# Marks that a code says the reason of.
_CODED = frozenset((AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED))


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: headings and rows of as many cells, and its own heading, which may be empty."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document.

    Attributes:
        title: heading.
        level: 2, or 3 for one record.
        badges: marks beside the heading.
        paragraphs: sentences.
        pairs: names and values.
        quote: the person's own words; empty for none.
        quote_title: heading of the quote.
        tables: any number.
        record: ``ListedRecord.ref`` of the record that it is of; empty for none.
    """

    title: str
    level: int = 2
    record: str = ""
    badges: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    quote: str = ""
    quote_title: str = ""
    tables: tuple[Rows, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report in one language."""

    language: Language
    title: str
    subtitle: str
    verdict: str
    listed: bool
    parts: tuple[Part, ...]
    page: str


def document_of(report: SubjectReport, language: Language, evidence: str) -> Document:
    """Return what a report says.

    Args:
        report: verified.
        language: of the document.
        evidence: name of the evidence file beside it.
    """
    return _Speaker(report, language).document(visible(evidence))


class _Speaker(FactSpeaker):
    """Says a report in one language."""

    def __init__(self, report: SubjectReport, language: Language) -> None:
        super().__init__(language, lambda moment: _time(moment, report.time_zone))
        self._report = report
        self._law = jurisdiction(report.jurisdiction).wording

    def document(self, evidence: str) -> Document:
        report, count = self._report, len(self._report.records)
        counted = self.text("record_one" if count == 1 else "record_many", count=count)
        verdict = self.text("listed", count=counted) if count else self.text("clear")
        hidden = sum(bool(item.hidden_under) for item in report.records)
        if hidden:
            verdict += self._gap + self.text("hidden_one" if hidden == 1 else "hidden_many", count=hidden)
        parts = [
            Part(self.text("summary"), pairs=tuple(self._summary())),
            *([Part(self.text("records"))] if count else []),
            *(self._record(place, item) for place, item in enumerate(report.records, start=1)),
            self._asked(),
            Part(self.text("rights"), paragraphs=(self._lawful("rights_text", free=report.free),)),
            Part(self.text("proof"), paragraphs=(self.text("proof_text", evidence=evidence),)),
        ]
        subtitle = self.text("subtitle", registry=visible(report.answer.registry))
        return Document(
            self.language,
            self.text("title"),
            subtitle,
            verdict,
            bool(count),
            tuple(parts),
            TEXTS["page"].of(self.language),
        )

    @property
    def _gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.language is Language.CHINESE else " "

    def _lawful(self, name: str, **values: object) -> str:
        """Return a sentence about the law of the rulebook's jurisdiction."""
        return self._law[name][self.language.value].format(**values)

    def _member(self, institution: str) -> str:
        member: InstitutionName | None = self._report.members.get(institution)
        return (
            institution
            if member is None
            else f"{visible(member.name)} ({institution}, {visible(member.licence_number)})"
        )

    # --- the parts ---------------------------------------------------------------------------------------------------

    def _summary(self) -> Iterator[tuple[str, str]]:
        report, answer = self._report, self._report.answer
        if answer.identity is not None:
            yield self.text("person"), self._number(answer.identity)
        yield self.text("made"), self.time(report.made_at)
        if answer.as_of is not None:
            yield self.text("as_of"), self.time(answer.as_of)
        yield self.text("office"), self._member(report.office)
        mandate = report.mandate
        yield self.text("mandate"), self.text("mandate_value", date=mandate.date, digest=mandate.digest.hex())
        yield self.text("inquiry"), answer.inquiry_id.hex()
        fee = "fee_due" if report.chargeable else "fee_free"
        yield self.text("fee"), self.text(fee, had=report.had, free=report.free)

    def _number(self, identity: Identity) -> str:
        number, hidden = identity.number, len(identity.number) - _SHOWN_FIRST - _SHOWN_LAST
        first = number[:_SHOWN_FIRST] if hidden > 0 else ""
        masked = f"{first}{'*' * (len(number) - len(first) - _SHOWN_LAST)}{number[-_SHOWN_LAST:]}"
        return self.text("number", type=self.term(identity.id_type), number=visible(masked))

    def _record(self, place: int, item: SubjectRecord) -> Part:
        record = item.record
        title = self.text("record_title", place=place, kind=self.term(record.kind), standing=self.term(record.standing))
        flags = sorted(record.flags - {AnnotationFlag.HIDDEN})
        marks = [self.text("hidden", overlay=visible(item.hidden_under))] if item.hidden_under else []
        marks += [self.term(flag) for flag in flags]
        marks += [self.text(mark) for mark in ("contested", "stale", "issuer_ended") if getattr(record, mark)]
        return Part(
            title,
            level=3,
            record=record.ref,
            badges=tuple(marks),
            paragraphs=tuple(self._remarks(item)),
            pairs=tuple(self._record_pairs(item)),
            quote=visible(record.subject_statement),
            quote_title=self.text("statement"),
            tables=(*([self._months(item)] if item.months else []), self._history(item)),
        )

    def _remarks(self, item: SubjectRecord) -> Iterator[str]:
        record = item.record
        if item.hidden_under:
            yield self.text("hidden_text", overlay=visible(item.hidden_under))
        if record.issuer_ended:
            yield self.text("ended_text")
        if record.unopened is not None:
            yield self.text("facts_closed", why=self.term(record.unopened))

    def _record_pairs(self, item: SubjectRecord) -> Iterator[tuple[str, str]]:
        record, report = item.record, self._report
        yield self.text("reported_by"), self._member(record.issuer)
        if record.signer != record.issuer:
            yield self.text("signed_by"), self._member(record.signer)
        if record.facts is not None:
            yield from self.facts(record.facts)
        if record.transferee:
            yield self.text("sold_to"), self._member(record.transferee)
        yield self.text("record_number"), record.ref
        first = next(event for event in item.history if event.version is not None)
        yield self.text("first_logged"), self.time(first.logged_at)
        yield self.text("logged"), self.time(record.logged_at)
        yield self.text("kept"), self._kept(record)
        if item.disputed_by:
            by = self._member(item.disputed_by)
            stands = self.text("dispute_stands", by=by)
            due = self.text("dispute_due", by=by, date=item.due_on)
            yield self.text("dispute"), stands if item.due_on is None else due
        if record.statement_unopened is not None:
            why = self.term(record.statement_unopened)
            yield self.text("statement"), self.text("statement_closed", why=why)
        member, office = self._member(record.signer), self._member(report.office)
        yield (
            self.text("write_to"),
            self._lawful("write_to_value", member=member, office=office, days=report.dispute_days),
        )

    def _kept(self, record: ListedRecord) -> str:
        if record.kind is Kind.LISTING and record.retain_until:
            return self.text("kept_listing", date=record.retain_until)
        name = "kept_until" if record.retain_until else "kept_open"
        return self._lawful(name, date=record.retain_until, years=self._report.retention_years)

    def _history(self, item: SubjectRecord) -> Rows:
        head = tuple(self.text(f"history_{name}") for name in ("when", "who", "what"))
        rows, marks = [], frozenset[AnnotationFlag]()
        for event in item.history:
            by = self._member(event.by) if event.by else self.text("history_clock")
            rows.append((self.time(event.logged_at), by, self._event(event, marks)))
            marks = marks if event.flags is None else event.flags
        return Rows(head, tuple(rows), self.text("history"))

    def _months(self, item: SubjectRecord) -> Rows:
        """Return the monthly history; months of which the same is known stand in one row."""
        rows = []
        for (standing, known), group in groupby(item.months, lambda month: (month.standing, self._known(month))):
            months = [month.month for month in group]
            span = months[0] if len(months) == 1 else self.text("months_span", first=months[0], last=months[-1])
            rows.append((span, "–" if standing is None else self.term(standing), known))
        head = tuple(self.text(f"months_{name}") for name in ("when", "standing", "known"))
        return Rows(head, tuple(rows), self.text("months"))

    def _known(self, month: HistoryMonth) -> str:
        if month.days_past_due is not None:
            name = "months_follow" if month.follows else "months_days"
            return self.text(name, days=month.days_past_due, date=month.as_of, code=month.code)
        if month.version is not None:
            return self.text("months_version", version=month.version)
        return self.text("months_nothing")

    def _event(self, event: RecordEvent, before: frozenset[AnnotationFlag]) -> str:
        """Return what an event did; of a remark also which marks of those before are gone."""
        if event.standing is not None:
            said = self.text("history_version", version=event.version, standing=self.term(event.standing))
            return said + (self.text("history_until", date=event.retain_until) if event.retain_until else "")
        now = event.flags or frozenset[AnnotationFlag]()
        marks = [self.term(flag) for flag in sorted(now)]
        marks += [self.text("history_gone", what=self.term(flag)) for flag in sorted(before - now)]
        if event.outcome is not None:
            marks.insert(0, self.term(event.outcome))
        # A remark keeps the code of the dispute or restriction before it: a statement of the person has none.
        is_coded = event.code and (event.outcome is not None or not _CODED.isdisjoint(now))
        code = self.text("history_code", code=visible(event.code)) if is_coded else ""
        return (self.text("between").join(marks) or self.text("history_nothing")) + code

    def _asked(self) -> Part:
        head = tuple(self.text(f"asked_{name}") for name in ("when", "who", "why", "where"))
        rows = tuple(map(self._inquiry, self._report.asked))
        told = (self.text("asked_intro"), self.text("asked_screened"))
        return Part(self.text("asked"), paragraphs=told, tables=(Rows(head, rows),))

    def _inquiry(self, one: AskedAbout) -> tuple[str, ...]:
        # People count from 1, and read a 0 as none.
        place = self.text("asked_waiting") if one.index is None else str(one.index + 1)
        why = self.term(one.purpose)
        if one.alerts_until is not None:
            why += self.text("asked_alerts", date=one.alerts_until)
        return self.time(one.received_at), self._member(one.asker), why, place


def _time(moment: datetime, zone: str) -> str:
    offset = offset_of(moment, zone)
    hours = offset // timedelta(hours=1)
    return f"{moment + offset:%Y-%m-%d %H:%M:%S} UTC{f'+{hours}' if hours else ''}"
