"""Content of a person's own report in one language, the same for the page and for the printed document."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from client_sdk.forms import MINOR_UNITS, Word, jurisdiction, offset_of
from client_sdk.models import Amounts, AnnotationFlag, Arrangement, Consent, ContactCount, Debt, Kind, NoticeEvidence
from client_sdk.subject_report.terms import FACTS, Language, term_of
from client_sdk.subject_report.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from enum import Enum

    from client_sdk.models import (
        AskedAbout,
        Facts,
        HistoryMonth,
        Identity,
        InstitutionName,
        ListedRecord,
        RecordEvent,
        SubjectRecord,
        SubjectReport,
    )

__all__ = ["END_ISOLATE", "ISOLATE", "Document", "Part", "Rows", "document_of", "visible"]

_SHOWN_FIRST, _SHOWN_LAST = 6, 4
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_TURNED = frozenset(("R", "AL", "AN"))


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
    """

    title: str
    level: int = 2
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


def visible(text: str) -> str:
    """Return a text in which nothing is hidden, and that turns nothing around it.

    Controls and format characters become their code points. What is written from right to left stands between the
    characters U+2068 and U+2069, which keep it apart from its neighbours.
    """
    shown = "".join(
        f"[U+{ord(character):04X}]" if unicodedata.category(character) in _HIDDEN else character for character in text
    )
    turned = any(unicodedata.bidirectional(character) in _TURNED for character in shown)
    return f"{ISOLATE}{shown}{END_ISOLATE}" if turned else shown


def document_of(report: SubjectReport, language: Language, evidence: str) -> Document:
    """Return what a report says.

    Args:
        report: verified.
        language: of the document.
        evidence: name of the evidence file beside it.
    """
    return _Speaker(report, language).document(visible(evidence))


class _Speaker:
    """Says a report in one language."""

    def __init__(self, report: SubjectReport, language: Language) -> None:
        self._report = report
        self._language = language
        self._zone = report.time_zone
        self._law = jurisdiction(report.jurisdiction).wording

    def document(self, evidence: str) -> Document:
        report, count = self._report, len(self._report.records)
        counted = self._text("record_one" if count == 1 else "record_many", count=count)
        verdict = self._text("listed", count=counted) if count else self._text("clear")
        hidden = sum(bool(item.hidden_under) for item in report.records)
        if hidden:
            verdict += self._gap + self._text("hidden_one" if hidden == 1 else "hidden_many", count=hidden)
        parts = [
            Part(self._text("summary"), pairs=tuple(self._summary())),
            *([Part(self._text("records"))] if count else []),
            *(self._record(place, item) for place, item in enumerate(report.records, start=1)),
            self._asked(),
            Part(self._text("rights"), paragraphs=(self._lawful("rights_text", free=report.free),)),
            Part(self._text("proof"), paragraphs=(self._text("proof_text", evidence=evidence),)),
        ]
        subtitle = self._text("subtitle", registry=visible(report.answer.registry))
        return Document(
            self._language,
            self._text("title"),
            subtitle,
            verdict,
            bool(count),
            tuple(parts),
            TEXTS["page"].of(self._language),
        )

    @property
    def _gap(self) -> str:
        """What stands between two sentences."""
        return "" if self._language is Language.CHINESE else " "

    def _lawful(self, name: str, **values: object) -> str:
        """Return a sentence about the law of the rulebook's jurisdiction."""
        return self._law[name][self._language.value].format(**values)

    def _text(self, name: str, **values: object) -> str:
        return TEXTS[name].of(self._language).format(**values)

    def _term(self, word: Enum) -> str:
        return term_of(word).of(self._language)

    def _time(self, moment: datetime) -> str:
        offset = offset_of(moment, self._zone)
        hours = offset // timedelta(hours=1)
        return f"{moment + offset:%Y-%m-%d %H:%M:%S} UTC{f'+{hours}' if hours else ''}"

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
            yield self._text("person"), self._number(answer.identity)
        yield self._text("made"), self._time(report.made_at)
        if answer.as_of is not None:
            yield self._text("as_of"), self._time(answer.as_of)
        yield self._text("office"), self._member(report.office)
        mandate = report.mandate
        yield self._text("mandate"), self._text("mandate_value", date=mandate.date, digest=mandate.digest.hex())
        yield self._text("inquiry"), answer.inquiry_id.hex()
        fee = "fee_due" if report.chargeable else "fee_free"
        yield self._text("fee"), self._text(fee, had=report.had, free=report.free)

    def _number(self, identity: Identity) -> str:
        number, hidden = identity.number, len(identity.number) - _SHOWN_FIRST - _SHOWN_LAST
        first = number[:_SHOWN_FIRST] if hidden > 0 else ""
        masked = f"{first}{'*' * (len(number) - len(first) - _SHOWN_LAST)}{number[-_SHOWN_LAST:]}"
        return self._text("number", type=self._term(identity.id_type), number=visible(masked))

    def _record(self, place: int, item: SubjectRecord) -> Part:
        record = item.record
        title = self._text(
            "record_title", place=place, kind=self._term(record.kind), standing=self._term(record.standing)
        )
        flags = sorted(record.flags - {AnnotationFlag.HIDDEN})
        marks = [self._text("hidden", overlay=visible(item.hidden_under))] if item.hidden_under else []
        marks += [self._term(flag) for flag in flags]
        marks += [self._text(mark) for mark in ("contested", "stale", "issuer_ended") if getattr(record, mark)]
        return Part(
            title,
            level=3,
            badges=tuple(marks),
            paragraphs=tuple(self._remarks(item)),
            pairs=tuple(self._record_pairs(item)),
            quote=visible(record.subject_statement),
            quote_title=self._text("statement"),
            tables=(*([self._months(item)] if item.months else []), self._history(item)),
        )

    def _remarks(self, item: SubjectRecord) -> Iterator[str]:
        record = item.record
        if item.hidden_under:
            yield self._text("hidden_text", overlay=visible(item.hidden_under))
        if record.issuer_ended:
            yield self._text("ended_text")
        if record.unopened is not None:
            yield self._text("facts_closed", why=self._term(record.unopened))

    def _record_pairs(self, item: SubjectRecord) -> Iterator[tuple[str, str]]:
        record, report = item.record, self._report
        yield self._text("reported_by"), self._member(record.issuer)
        if record.signer != record.issuer:
            yield self._text("signed_by"), self._member(record.signer)
        if record.facts is not None:
            yield from self._facts(record.facts)
        if record.transferee:
            yield self._text("sold_to"), self._member(record.transferee)
        yield self._text("record_number"), record.ref
        first = next(event for event in item.history if event.version is not None)
        yield self._text("first_logged"), self._time(first.logged_at)
        yield self._text("logged"), self._time(record.logged_at)
        yield self._text("kept"), self._kept(record)
        if item.disputed_by:
            by = self._member(item.disputed_by)
            stands = self._text("dispute_stands", by=by)
            due = self._text("dispute_due", by=by, date=item.due_on)
            yield self._text("dispute"), stands if item.due_on is None else due
        if record.statement_unopened is not None:
            why = self._term(record.statement_unopened)
            yield self._text("statement"), self._text("statement_closed", why=why)
        member, office = self._member(record.signer), self._member(report.office)
        yield (
            self._text("write_to"),
            self._lawful("write_to_value", member=member, office=office, days=report.dispute_days),
        )

    def _kept(self, record: ListedRecord) -> str:
        if record.kind is Kind.LISTING and record.retain_until:
            return self._text("kept_listing", date=record.retain_until)
        name = "kept_until" if record.retain_until else "kept_open"
        return self._lawful(name, date=record.retain_until, years=self._report.retention_years)

    def _facts(self, facts: Facts) -> Iterator[tuple[str, str]]:
        for field in fields(facts):
            value = getattr(facts, field.name)
            if value not in (None, "", (), False):
                yield FACTS[field.name].of(self._language), self._fact(value)

    def _fact(self, value: object) -> str:
        match value:
            case Amounts():
                return self._amounts(value)
            case Debt():
                creditor = visible(value.original_creditor)
                return self._text("contract", contract=visible(value.contract), creditor=creditor)
            case NoticeEvidence():
                return self._text("notice", channel=self._term(value.channel), at=self._time(value.sent_at))
            case Consent():
                return self._text("consent", form=self._term(value.form), date=value.date)
            case ContactCount():
                return self._text("contact", channel=self._term(value.channel), count=value.count)
            case Arrangement():
                return self._text(
                    "arrangement",
                    outcome=self._term(value.outcome),
                    period=self._term(value.period),
                    agreed=value.agreed_on,
                    instalments=value.instalments,
                    paid=value.paid,
                )
            case Word():
                return self._term(value)
            case tuple():
                return ("、" if self._language is Language.CHINESE else ", ").join(map(self._fact, value))
            case bool():
                return self._text("yes")
            case _:
                return visible(str(value))

    def _amounts(self, value: Amounts) -> str:
        parts = {
            name: _money(getattr(value, name), value.currency) for name in ("principal", "interest", "penalty", "fees")
        }
        split = self._text("split", **parts) if value.total else ""
        estimated = self._text("estimated") if value.estimated else ""
        return f"{_money(value.total, value.currency)} {value.currency}{estimated}{split}"

    def _history(self, item: SubjectRecord) -> Rows:
        head = tuple(self._text(f"history_{name}") for name in ("when", "who", "what"))
        return Rows(
            head,
            tuple(
                (
                    self._time(event.logged_at),
                    self._member(event.by) if event.by else self._text("history_clock"),
                    self._event(event),
                )
                for event in item.history
            ),
            self._text("history"),
        )

    def _months(self, item: SubjectRecord) -> Rows:
        """Return the monthly history; months of which the same is known stand in one row."""
        rows = []
        for (standing, known), group in groupby(item.months, lambda month: (month.standing, self._known(month))):
            months = [month.month for month in group]
            span = months[0] if len(months) == 1 else self._text("months_span", first=months[0], last=months[-1])
            rows.append((span, "–" if standing is None else self._term(standing), known))
        head = tuple(self._text(f"months_{name}") for name in ("when", "standing", "known"))
        return Rows(head, tuple(rows), self._text("months"))

    def _known(self, month: HistoryMonth) -> str:
        if month.days_past_due is not None:
            name = "months_follow" if month.follows else "months_days"
            return self._text(name, days=month.days_past_due, date=month.as_of, code=month.code)
        if month.version is not None:
            return self._text("months_version", version=month.version)
        return self._text("months_nothing")

    def _event(self, event: RecordEvent) -> str:
        if event.standing is not None:
            said = self._text("history_version", version=event.version, standing=self._term(event.standing))
            return said + (self._text("history_until", date=event.retain_until) if event.retain_until else "")
        marks = [self._term(flag) for flag in sorted(event.flags or frozenset[AnnotationFlag]())]
        if event.outcome is not None:
            marks.insert(0, self._term(event.outcome))
        code = self._text("history_code", code=visible(event.code)) if event.code else ""
        return ("; ".join(marks) or self._text("history_nothing")) + code

    def _asked(self) -> Part:
        head = tuple(self._text(f"asked_{name}") for name in ("when", "who", "why", "where"))
        rows = tuple(map(self._inquiry, self._report.asked))
        return Part(self._text("asked"), paragraphs=(self._text("asked_intro"),), tables=(Rows(head, rows),))

    def _inquiry(self, one: AskedAbout) -> tuple[str, ...]:
        place = self._text("asked_waiting") if one.index is None else str(one.index)
        why = self._term(one.purpose)
        if one.alerts_until is not None:
            why += self._text("asked_alerts", date=one.alerts_until)
        return self._time(one.received_at), self._member(one.asker), why, place


def _money(amount: int, currency: str) -> str:
    """Return minor units as people write them."""
    places = MINOR_UNITS.get(currency, 0)
    whole, part = divmod(amount, 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")
