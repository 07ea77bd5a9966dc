"""Values of the SDK as JSON for programs and as text for people."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from rich.text import Text

from client_sdk.cli.ui.output import pairs, table
from client_sdk.clock import clock_ms
from client_sdk.forms import MINOR_UNITS, moment_text
from client_sdk.models import Amounts, Arrangement, Consent, ContactCount, Debt, NoticeEvidence
from client_sdk.models.answer import Answer, Verdict
from client_sdk.models.assessment import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from rich.console import RenderableType

    from client_sdk.cli.ui.output import Json
    from client_sdk.models import Facts, HistoryMonth
    from client_sdk.models.assessment import Assessment
    from client_sdk.models.listed import ListedRecord
    from client_sdk.models.receipt import InquiryReceipt, Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.replayed import Replayed
    from client_sdk.models.witnessed import Witnessed

__all__ = [
    "WHY_RESTRICTED",
    "answer_lines",
    "assessment_lines",
    "money",
    "month_table",
    "rebuilt_words",
    "receipt_content",
    "record_rows",
    "replayed_line",
    "witnessed_line",
]

# The bytes of a receipt: what a file holds, and no line of a terminal.
_PROOF = frozenset(("payload", "signature", "leaf", "path", "head", "head_path", "checkpoint"))

# What a list says below a record that is RESTRICTED.
WHY_RESTRICTED = "A restricted record is not counted; an answer of its issuer lifts the restriction: `dispute answer`."

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


def answer_lines(answer: Answer, *, history: bool = False, namer: str = "rulebook") -> Iterator[RenderableType]:
    """Yield the text of an answer: verdict, as of when, and each record.

    Args:
        answer: verified.
        history: whether the months of each record are wanted too.
        namer: what names the auditors by whose replay the answer was judged.
    """
    word = Text(answer.verdict.value, style=_STYLES[answer.verdict])
    yield Text.assemble(word, f"  {_MEANINGS[answer.verdict]}")
    if answer.failure is not None:
        message = f": {answer.failure.message}" if answer.failure.message else ""
        yield f"  {answer.failure.part}: {answer.failure.rule}{message}"
    if answer.as_of is None:
        return
    yield f"  as of {moment_text(answer.as_of)}, registry {answer.registry}, log of {answer.size} leaves"
    if answer.witnessed is not None:
        yield f"  {witnessed_line(answer.witnessed, answer.size, answer.as_of)}"
    if answer.replayed is not None:
        yield replayed_line(answer.replayed, answer.size, namer, clear=answer.verdict is Verdict.CLEAR)
    for record in answer.records:
        yield ""
        yield f"  {record.kind.name} {record.standing.name}, reported by {record.issuer}, version {record.version}"
        yield pairs((f"    {name}", value) for name, value in _record_rows(record))
        if history:
            yield month_table(record.months, "    ")


def replayed_line(replayed: Replayed, size: int, namer: str = "rulebook", *, clear: bool = True) -> RenderableType:
    """Return in words how far auditors had rebuilt the log of an answer; a CLEAR that they do not cover stands out.

    Args:
        replayed: of the answer.
        size: leaves of its log.
        namer: what names the auditors by whose replay it was judged.
        clear: whether it says of anybody that nothing is listed.
    """
    when = f"no auditor that the {namer} names has"
    if replayed.at is not None:
        when = f"auditors have rebuilt the first {replayed.size} of {size} leaves, begun at {moment_text(replayed.at)}"
    if not replayed.late:
        return f"  replayed: {when}"
    lately = f"{when}{', which is too long before this answer' if replayed.at else ' rebuilt this log lately'}"
    if not clear:
        return f"  not replayed: {lately}"
    word = Text("NOT REPLAYED", style="bold yellow")
    return Text.assemble("  ", word, f": {lately}: that no record was left out is the registry's word")


def rebuilt_words(replayed: Replayed, size: int) -> str:
    """Return in words how far, and since when, auditors have rebuilt a log of so many leaves."""
    if replayed.at is None:
        return "too few have rebuilt this log: each CLEAR is NOT REPLAYED"
    late = ": too long ago, each CLEAR is NOT REPLAYED" if replayed.late else ""
    return f"the first {replayed.size} of {size} leaves rebuilt, begun at {moment_text(replayed.at)}{late}"


def witnessed_line(witnessed: Witnessed, size: int, at: datetime, then: str = "this answer") -> str:
    """Return in words how far, and how long before a time, witnesses had cosigned a log of so many leaves."""
    if witnessed.at is None:
        return "NOT WITNESSED: no quorum of witnesses has cosigned this log, as far as the registry shows"
    of = f"all {size}" if witnessed.whole else f"the first {witnessed.size} of {size}"
    seconds = int((at - witnessed.at).total_seconds())
    age = f", {seconds} s before {then}" if seconds > 0 else ""
    # Of a file, whose reader may live long after it: online such a time counts for nothing.
    ahead = ", which is later than this machine's clock" if witnessed.at.timestamp() * 1_000 > clock_ms() else ""
    return f"witnessed: {of} leaves, cosigned by a quorum at {moment_text(witnessed.at)}{age}{ahead}"


def month_table(months: Iterable[HistoryMonth], indent: str = "  ") -> Text:
    """Return the monthly history of a record as lines of text."""
    return table(
        (f"{indent}month", "standing", "version", "days past due", "on", "code", ""),
        (
            (
                f"{indent}{month.month}",
                "not known" if month.standing is None else month.standing.name,
                month.version or "",
                "not reported" if month.days_past_due is None else month.days_past_due,
                month.as_of or "",
                month.code,
                "follows from a later version" if month.follows else "",
            )
            for month in months
        ),
    )


def _record_rows(record: ListedRecord) -> Iterator[tuple[str, str]]:
    yield "record", record.ref
    yield "logged", f"{moment_text(record.logged_at)} at leaf {record.index}"
    if record.signer != record.issuer:
        yield "signed by", f"{record.signer}, its successor"
    if record.retain_until:
        yield "kept until", record.retain_until.isoformat()
    if record.issuer_ended:
        yield "ended", f"{record.issuer} is gone, and an act has ended its records"
    if record.transferee:
        yield "sold to", record.transferee
    if record.flags:
        yield (
            "remarked",
            ", ".join(sorted(flag.name for flag in record.flags)) + (f" ({record.remark})" if record.remark else ""),
        )
    if record.contested:
        yield "contested", "signed by a key in doubt"
    if record.stale:
        yield "stale", f"{record.issuer} has not touched it for longer than the rulebook's stale_days"
    if record.statement_unopened is not None:
        yield "the person says", f"(not shown: {record.statement_unopened.name})"
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
        case ContactCount():
            return f"{value.count} by {value.channel.name}"
        case Arrangement():
            terms = f"{value.paid} of {value.instalments} instalments ({value.period.name}) paid"
            return f"{value.outcome.name}, {terms}, agreed on {value.agreed_on.isoformat()}"
        case tuple():
            return ", ".join(_fact_text(item) for item in value)
        case _:
            return str(value)


def assessment_lines(assessment: Assessment) -> Iterator[RenderableType]:
    """Yield the text of an assessment: outcome, reasons, totals."""
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
    if assessment.digest:
        yield f"  digest: {assessment.digest.hex()}"


def record_rows(record: RecordView) -> tuple[object, ...]:
    """Return one line of a list of own records."""
    return (
        record.uuid,
        record.kind.name,
        record.version,
        record.standing.name + (f" ({record.reason})" if record.reason else ""),
        record.state.value + "".join(f" ({word})" for word in _doubts(record)) + (", hidden" if record.hidden else ""),
        moment_text(record.logged_at),
        record.retain_until or "",
    )


def _doubts(record: RecordView) -> list[str]:
    return [word for word, holds in (("stale", record.stale), ("contested", record.contested)) if holds]


def receipt_content(receipt: Receipt | InquiryReceipt) -> dict[str, Json]:
    """Return what a verb tells of a receipt: all but the bytes of its proof."""
    return {name: value for name, value in receipt.to_dict().items() if name not in _PROOF}
