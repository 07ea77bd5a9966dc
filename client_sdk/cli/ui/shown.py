"""Values of the SDK as JSON for programs and as text for people."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from rich.text import Text

from client_sdk.cli.ui.output import counted, pairs, table
from client_sdk.clock import clock_ms
from client_sdk.forms import MINOR_UNITS, moment_text
from client_sdk.models import Amounts, Arrangement, Consent, ContactCount, Debt, NoticeEvidence
from client_sdk.models.answer import Answer, Verdict
from client_sdk.models.assessment import Outcome
from client_sdk.subject_report.terms import FACTS
from client_sdk.texts import N_, Language, say, spoken_language

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
WHY_RESTRICTED = N_(
    "A restricted record is not counted; an answer of its issuer lifts the restriction: `dispute answer`."
)

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
    Verdict.LISTED: N_("there is at least one live record"),
    Verdict.CLEAR: N_("proved: no live record under this identity number (it says nothing of other numbers)"),
    Verdict.UNVERIFIABLE: N_("nothing is proved; never read this as CLEAR"),
}


def money(amount: int, currency: str) -> str:
    """Return minor units as people write them."""
    places = MINOR_UNITS.get(currency)
    if places is None:
        return say("{amount} minor units of {currency}", amount=amount, currency=currency)
    whole, part = divmod(amount, 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "") + f" {currency}"


def answer_lines(answer: Answer, *, history: bool = False, namer: str = N_("rulebook")) -> Iterator[RenderableType]:
    """Yield the text of an answer: verdict, as of when, and each record.

    Args:
        answer: verified.
        history: whether the months of each record are wanted too.
        namer: what names the auditors by whose replay the answer was judged.
    """
    word = Text(answer.verdict.value, style=_STYLES[answer.verdict])
    yield Text.assemble(word, f"  {say(_MEANINGS[answer.verdict])}")
    if answer.failure is not None:
        message = f": {answer.failure.message}" if answer.failure.message else ""
        yield f"  {answer.failure.part}: {answer.failure.rule}{message}"
    if answer.as_of is None:
        return
    yield say(
        "  as of {as_of}, registry {registry}, log of {size} leaves",
        as_of=moment_text(answer.as_of),
        registry=answer.registry,
        size=answer.size,
    )
    if answer.witnessed is not None:
        yield f"  {witnessed_line(answer.witnessed, answer.size, answer.as_of)}"
    if answer.replayed is not None:
        yield replayed_line(answer.replayed, answer.size, namer, clear=answer.verdict is Verdict.CLEAR)
    for record in answer.records:
        yield ""
        yield say(
            "  {kind} {standing}, reported by {issuer}, version {version}",
            kind=record.kind.name,
            standing=record.standing.name,
            issuer=record.issuer,
            version=record.version,
        )
        yield pairs((f"    {name}", value) for name, value in _record_rows(record))
        if history:
            yield month_table(record.months, "    ")


def replayed_line(replayed: Replayed, size: int, namer: str = N_("rulebook"), *, clear: bool = True) -> RenderableType:
    """Return in words how far auditors had rebuilt the log of an answer; a CLEAR that they do not cover stands out.

    Args:
        replayed: of the answer.
        size: leaves of its log.
        namer: what names the auditors by whose replay it was judged.
        clear: whether it says of anybody that nothing is listed.
    """
    when = (
        say("no auditor that the {namer} names has", namer=say(namer))
        if replayed.named
        else say("the {namer} names no auditor that rebuilds this log", namer=say(namer))
    )
    if replayed.at is not None:
        when = say(
            "auditors have rebuilt the first {size} of {size_2} leaves, begun at {at}",
            size=replayed.size,
            size_2=size,
            at=moment_text(replayed.at),
        )
    if not replayed.late:
        return say("  replayed: {when}", when=when)
    if replayed.named:
        when += say(", which is too long before this answer") if replayed.at else say(" rebuilt this log lately")
    if not clear:
        return say("  not replayed: {lately}", lately=when)
    word = Text(say("NOT REPLAYED"), style="bold yellow")
    return Text.assemble("  ", word, say(": {lately}: that no record was left out is the registry's word", lately=when))


def rebuilt_words(replayed: Replayed, size: int) -> str:
    """Return in words how far, and since when, auditors have rebuilt a log of so many leaves."""
    if not replayed.named:
        return say("none is named that rebuilds this log: each CLEAR is NOT REPLAYED")
    if replayed.at is None:
        return say("too few have rebuilt this log: each CLEAR is NOT REPLAYED")
    late = say(": too long ago, each CLEAR is NOT REPLAYED") if replayed.late else ""
    return say(
        "the first {size} of {size_2} leaves rebuilt, begun at {at}{late}",
        size=replayed.size,
        size_2=size,
        at=moment_text(replayed.at),
        late=late,
    )


def witnessed_line(witnessed: Witnessed, size: int, at: datetime, then: str = N_("this answer")) -> str:
    """Return in words how far, and how long before a time, witnesses had cosigned a log of so many leaves."""
    if witnessed.at is None:
        return say("NOT WITNESSED: no quorum of witnesses has cosigned this log, as far as the registry shows")
    of = (
        say("all {size}", size=size)
        if witnessed.whole
        else say("the first {size} of {size_2}", size=witnessed.size, size_2=size)
    )
    seconds = int((at - witnessed.at).total_seconds())
    age = say(", {seconds} s before {then}", seconds=seconds, then=say(then)) if seconds > 0 else ""
    # Of a file, whose reader may live long after it: online such a time counts for nothing.
    ahead = say(", which is later than this machine's clock") if witnessed.at.timestamp() * 1_000 > clock_ms() else ""
    return say(
        "witnessed: {of} leaves, cosigned by a quorum at {at}{age}{ahead}",
        of=of,
        at=moment_text(witnessed.at),
        age=age,
        ahead=ahead,
    )


def month_table(months: Iterable[HistoryMonth], indent: str = "  ") -> Text:
    """Return the monthly history of a record as lines of text."""
    return table(
        (f"{indent}month", "standing", "version", "days past due", "on", "code", ""),
        (
            (
                f"{indent}{month.month}",
                say("not known") if month.standing is None else month.standing.name,
                month.version or "",
                say("not reported") if month.days_past_due is None else month.days_past_due,
                month.as_of or "",
                month.code,
                say("follows from a later version") if month.follows else "",
            )
            for month in months
        ),
    )


def _record_rows(record: ListedRecord) -> Iterator[tuple[str, str]]:
    yield "record", record.ref
    yield "logged", say("{logged_at} at leaf {index}", logged_at=moment_text(record.logged_at), index=record.index)
    if record.signer != record.issuer:
        yield "signed by", say("{signer}, its successor", signer=record.signer)
    if record.retain_until:
        yield "kept until", record.retain_until.isoformat()
    if record.issuer_ended:
        yield "ended", say("{issuer} is gone, and an act has ended its records", issuer=record.issuer)
    if record.transferee:
        yield "sold to", record.transferee
    if record.flags:
        yield (
            "remarked",
            ", ".join(sorted(flag.name for flag in record.flags)) + (f" ({record.remark})" if record.remark else ""),
        )
    if record.contested:
        yield "contested", say("signed by a key in doubt")
    if record.stale:
        yield (
            "stale",
            say("{issuer} has not touched it for longer than the rulebook's stale_days", issuer=record.issuer),
        )
    if record.statement_unopened is not None:
        yield (
            "the person says",
            say("(not shown: {statement_unopened})", statement_unopened=record.statement_unopened.name),
        )
    if record.subject_statement:
        yield "the person says", record.subject_statement
    if record.unopened is not None:
        yield "facts", say("not shown: {unopened}", unopened=record.unopened.value)
    elif record.facts is not None:
        yield from _fact_rows(record.facts)


def _fact_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    language = spoken_language()
    for field in fields(facts):
        value = getattr(facts, field.name)
        if value not in (None, "", (), False):
            # English names a fact as options and columns do; Chinese as the desk and a person's own report.
            plain = field.name.replace("_", " ")
            name = plain if language is Language.ENGLISH else FACTS[field.name].of(language)
            yield name, _fact_text(value)


def _fact_text(value: object) -> str:
    match value:
        case Amounts():
            estimated = say(" (estimated)") if value.estimated else ""
            return money(value.total, value.currency) + estimated
        case Debt():
            return say(
                "contract {contract} of creditor {original_creditor}",
                contract=value.contract,
                original_creditor=value.original_creditor,
            )
        case NoticeEvidence():
            return say("{channel} sent {sent_at}", channel=value.channel.name, sent_at=moment_text(value.sent_at))
        case Consent():
            return say("{form} on {date}", form=value.form.name, date=value.date.isoformat())
        case ContactCount():
            return say("{count} by {channel}", count=value.count, channel=value.channel.name)
        case Arrangement():
            terms = say(
                "{paid} of {instalments} instalments ({period}) paid",
                paid=value.paid,
                instalments=value.instalments,
                period=value.period.name,
            )
            return say(
                "{outcome}, {terms}, agreed on {agreed_on}",
                outcome=value.outcome.name,
                terms=terms,
                agreed_on=value.agreed_on.isoformat(),
            )
        case tuple():
            return ", ".join(_fact_text(item) for item in value)
        case _:
            return str(value)


def assessment_lines(assessment: Assessment) -> Iterator[RenderableType]:
    """Yield the text of an assessment: outcome, reasons, totals."""
    yield Text.assemble(say("Assessment: "), Text(assessment.outcome.value, style=_STYLES[assessment.outcome]))
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
        estimated = say(", partly estimated") if total.estimated else ""
        count = counted(total.records, "record")
        yield say(
            "  {kind}: {amount} owed in {count}{estimated}",
            kind=total.kind.name,
            amount=money(total.amount, total.currency),
            count=count,
            estimated=estimated,
        )
    if assessment.digest:
        yield say("  digest: {digest}", digest=assessment.digest.hex())


def record_rows(record: RecordView) -> tuple[object, ...]:
    """Return one line of a list of own records."""
    return (
        record.uuid,
        record.kind.name,
        record.version,
        record.standing.name + (f" ({record.reason})" if record.reason else ""),
        record.state.value
        + "".join(f" ({word})" for word in _doubts(record))
        + (say(", hidden") if record.hidden else ""),
        moment_text(record.logged_at),
        record.retain_until or "",
    )


def _doubts(record: RecordView) -> list[str]:
    return [word for word, holds in (("stale", record.stale), ("contested", record.contested)) if holds]


def receipt_content(receipt: Receipt | InquiryReceipt) -> dict[str, Json]:
    """Return what a verb tells of a receipt: all but the bytes of its proof."""
    return {name: value for name, value in receipt.to_dict().items() if name not in _PROOF}
