"""Values of the SDK as JSON for programs and as text for people."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from enum import Enum, IntEnum
from typing import TYPE_CHECKING
from uuid import UUID

from rich.text import Text

from client_sdk.cli.ui.options import moment_text
from client_sdk.cli.ui.output import pairs, table
from client_sdk.kernel.rules.codes.currencies import MINOR_UNITS
from client_sdk.kernel.rules.facts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.models.answer import Answer, Verdict
from client_sdk.models.assessment import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from client_sdk.cli.ui.output import Json
    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.models.assessment import Assessment
    from client_sdk.models.listed import ListedRecord
    from client_sdk.models.receipt import Receipt
    from client_sdk.models.record import RecordView

__all__ = [
    "answer_content",
    "answer_lines",
    "assessment_content",
    "assessment_lines",
    "facts_content",
    "money",
    "receipt_content",
    "record_content",
    "record_rows",
]

_STYLES = {
    Verdict.LISTED: "bold yellow",
    Verdict.CLEAR: "bold green",
    Verdict.UNVERIFIABLE: "bold red",
    Outcome.NOT_ADVERSE: "bold green",
    Outcome.WATCH: "bold yellow",
    Outcome.BLACKLISTED: "bold red",
    Outcome.REFER: "bold magenta",
}
_MEANINGS = {
    Verdict.LISTED: "there is at least one live record",
    Verdict.CLEAR: "proved: no live record under this identity number (it says nothing of other numbers)",
    Verdict.UNVERIFIABLE: "nothing is proved; never read this as CLEAR",
}


def money(amount: int, currency: str) -> str:
    """Return minor units as people write them."""
    places = MINOR_UNITS.get(currency)
    if places is None:
        return f"{amount} minor units of {currency}"
    whole, part = divmod(amount, 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "") + f" {currency}"


def facts_content(facts: Facts | None) -> Json:
    """Return facts with the names of their fields; money in minor units, without the debt's reference."""
    return None if facts is None else _content(facts)


def _content(value: object) -> Json:
    match value:
        case Debt():
            return {"original_creditor": value.original_creditor, "contract": value.contract}
        case Enum() if isinstance(value, IntEnum):
            return value.name
        case None | bool() | int() | str():
            return value
        case bytes():
            return value.hex()
        case date():
            return value.isoformat()
        case tuple():
            return [_content(item) for item in value]
        case _:
            names = [field.name for field in fields(value)]  # type: ignore[arg-type]  # facts are dataclasses
            return {name: _content(getattr(value, name)) for name in names}


def answer_content(answer: Answer) -> dict[str, Json]:
    """Return an answer as JSON; it never holds the identity number."""
    failure = answer.failure
    return {
        "verdict": answer.verdict.value,
        "registry": answer.registry,
        "inquiry_id": answer.inquiry_id.hex(),
        "position": answer.position,
        "as_of": answer.as_of_ms,
        "size": answer.size,
        "records": [_listed_content(record) for record in answer.records],
        "failure": None
        if failure is None
        else {"part": failure.part, "rule": failure.rule, "message": failure.message},
    }


def _listed_content(record: ListedRecord) -> Json:
    return {
        "issuer": record.issuer,
        "signer": record.signer,
        "record": str(UUID(bytes=record.record_id)),
        "version": record.version,
        "kind": record.kind.name,
        "standing": record.standing.name,
        "index": record.index,
        "issued_at": record.issued_at_ms,
        "logged_at": record.logged_at_ms,
        "retain_until": record.retain_until,
        "transferee": record.transferee,
        "contested": record.contested,
        "flags": sorted(flag.name for flag in record.flags),
        "remark": record.remark,
        "subject_statement": record.subject_statement,
        "facts": facts_content(record.facts),
        "unopened": None if record.unopened is None else record.unopened.value,
    }


def assessment_content(assessment: Assessment) -> dict[str, Json]:
    """Return an assessment as JSON."""
    return {
        "outcome": assessment.outcome.value,
        "reasons": [
            {
                "id": reason.id.value,
                "outcome": None if reason.outcome is None else reason.outcome.value,
                "record": reason.record,
                "detail": reason.detail,
            }
            for reason in assessment.reasons
        ],
        "totals": [
            {
                "kind": total.kind.name,
                "currency": total.currency,
                "records": total.records,
                "amount": total.amount,
                "estimated": total.estimated,
            }
            for total in assessment.totals
        ],
        "as_of": assessment.as_of_ms,
    }


def answer_lines(answer: Answer) -> Iterator[RenderableType]:
    """Yield what people read of an answer: verdict, as of when, and each record."""
    word = Text(answer.verdict.value, style=_STYLES[answer.verdict])
    yield Text.assemble(word, f"  {_MEANINGS[answer.verdict]}")
    if answer.failure is not None:
        message = f": {answer.failure.message}" if answer.failure.message else ""
        yield f"  {answer.failure.part}: {answer.failure.rule}{message}"
        return
    yield f"  as of {moment_text(answer.as_of_ms)}, registry {answer.registry}, log of {answer.size} leaves"
    for record in answer.records:
        yield ""
        yield f"  {record.kind.name} {record.standing.name}, reported by {record.issuer}, version {record.version}"
        yield pairs((f"    {name}", value) for name, value in _record_rows(record))


def _record_rows(record: ListedRecord) -> Iterator[tuple[str, str]]:
    yield "record", record.ref
    yield "logged", f"{moment_text(record.logged_at_ms)} at leaf {record.index}"
    if record.signer != record.issuer:
        yield "signed by", f"{record.signer}, its successor"
    if record.retain_until:
        yield "kept until", record.retain_until
    if record.transferee:
        yield "sold to", record.transferee
    if record.flags:
        yield (
            "remarked",
            ", ".join(sorted(flag.name for flag in record.flags)) + (f" ({record.remark})" if record.remark else ""),
        )
    if record.contested:
        yield "contested", "signed by a key in doubt"
    if record.subject_statement:
        yield "the person says", record.subject_statement
    if record.unopened is not None:
        yield "facts", f"not shown: {record.unopened.value}"
    elif record.facts is not None:
        yield from _fact_rows(record.facts)


def _fact_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    for field in fields(facts):
        value = getattr(facts, field.name)
        if value not in (None, "", (), False):
            yield field.name.replace("_", " "), _fact_text(value)


def _fact_text(value: object) -> str:
    match value:
        case Amounts():
            estimated = " (estimated)" if value.estimated else ""
            return money(value.total, value.currency) + estimated
        case Debt():
            return f"contract {value.contract} of creditor {value.original_creditor}"
        case NoticeEvidence():
            return f"{value.channel.name} sent {moment_text(value.sent_at)}"
        case Consent():
            return f"{value.form.name} on {value.date.isoformat()}"
        case IntEnum():
            return value.name
        case tuple():
            return ", ".join(_fact_text(item) for item in value)
        case _:
            return str(value)


def assessment_lines(assessment: Assessment) -> Iterator[RenderableType]:
    """Yield what people read of an assessment: outcome, reasons, totals."""
    yield Text.assemble("Assessment: ", Text(assessment.outcome.value, style=_STYLES[assessment.outcome]))
    yield table(
        ("  reason", "speaks for", "record", ""),
        (
            (
                f"  {reason.id.value}",
                "" if reason.outcome is None else reason.outcome.value,
                reason.record,
                reason.detail,
            )
            for reason in assessment.reasons
        ),
    )
    for total in assessment.totals:
        estimated = ", partly estimated" if total.estimated else ""
        count = f"{total.records} {'record' if total.records == 1 else 'records'}"
        yield f"  {total.kind.name}: {money(total.amount, total.currency)} owed in {count}{estimated}"


def record_content(record: RecordView) -> dict[str, Json]:
    """Return an own record as JSON."""
    return {
        "issuer": record.issuer,
        "record": str(record.uuid),
        "kind": record.kind.name,
        "version": record.version,
        "standing": record.standing.name,
        "state": record.state.value,
        "subject_key_version": record.subject_key_version,
        "issued_at": record.issued_at_ms,
        "logged_at": record.logged_at_ms,
        "index": record.index,
        "retain_until": record.retain_until,
        "transferee": record.transferee,
        "facts": facts_content(record.facts),
    }


def record_rows(record: RecordView) -> tuple[object, ...]:
    """Return one line of a list of own records."""
    return (
        record.uuid,
        record.kind.name,
        record.version,
        record.standing.name,
        record.state.value,
        moment_text(record.logged_at_ms),
        record.retain_until,
    )


def receipt_content(receipt: Receipt) -> dict[str, Json]:
    """Return a receipt as JSON."""
    return {
        "issuer": receipt.issuer,
        "record": str(receipt.uuid),
        "version": receipt.version,
        "index": receipt.index,
        "logged_at": receipt.logged_at_ms,
        "size": receipt.size,
        "repeated": receipt.repeated,
    }
