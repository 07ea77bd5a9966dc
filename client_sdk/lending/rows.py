"""Conversion of a report to the portfolio row that reads as the same report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts
from client_sdk.models.report import RecordName

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.facts import Amounts, Arrangement, Facts
    from client_sdk.models.report import Report

__all__ = ["facts_cells", "row_of"]


def row_of(report: Report) -> dict[str, str]:
    """Return the cells of a report by column; empty ones are left out.

    A basis that is another institution's record has no columns: it is left out too.
    """
    row = {
        "kind": report.kind.name,
        "standing": report.standing.name,
        "id_type": report.identity.id_type.value,
        "id_number": report.identity.number,
        "issuing_state": report.identity.issuing_state,
        "reference": report.reference,
        "first_day": _day(report.first_day),
        "attempt": "" if report.attempt is None else str(report.attempt),
        "retain_until": _day(report.retain_until),
        "transferee": report.transferee,
    }
    if report.continues is not None:
        row["continues_issuer"] = report.continues.issuer
        row["continues_record_id"] = report.continues.record_id.hex()
    if report.basis is not None and isinstance(report.basis.record, RecordName):
        row["basis_reference"] = report.basis.record.reference
        row["basis_first_day"] = report.basis.record.first_day.isoformat()
    if report.facts is not None:
        row |= facts_cells(report.facts)
    return {column: text for column, text in row.items() if text}


def facts_cells(facts: Facts) -> dict[str, str]:
    """Return the cells of facts by column; some may be empty."""
    return _common(facts) | _particular(facts)


def _common(facts: Facts) -> dict[str, str]:
    row = {
        "subject_role": facts.subject_role.name,
        "legal_basis": facts.legal_basis.name,
        "approver": facts.approver,
        "original_creditor": facts.debt.original_creditor,
        "contract": facts.debt.contract,
        "as_of": facts.as_of.isoformat(),
        "ended_on": _day(facts.ended_on),
    }
    if facts.notice is not None:
        row["notice_channel"] = facts.notice.channel.name
        row["notice_sent_at"] = facts.notice.sent_at.isoformat()
        row["notice_digest"] = facts.notice.digest.hex()
    if facts.consent is not None:
        row["consent_form"] = facts.consent.form.name
        row["consent_date"] = facts.consent.date.isoformat()
        row["consent_digest"] = facts.consent.digest.hex()
    return row


def _particular(facts: Facts) -> dict[str, str]:
    match facts:
        case DefaultFacts():
            return {
                **_money(facts.amounts),
                "product": facts.product.name,
                "first_delinquency_on": facts.first_delinquency_on.isoformat(),
                "days_past_due": str(facts.days_past_due),
                "days_estimated": _flag(facts.days_estimated),
                "collection_stage": facts.collection_stage.name,
                "called_on": _day(facts.called_on),
                "default_cause": "" if facts.default_cause is None else facts.default_cause.name,
                "contacts": " ".join(f"{contact.channel.name}:{contact.count}" for contact in facts.contacts),
                **_arrangement(facts.arrangement),
            }
        case JudgmentFacts():
            return {
                **_money(facts.amounts),
                "case_number": facts.case_number,
                "court": facts.court,
                "filed_on": facts.filed_on.isoformat(),
                "stage": facts.stage.name,
                "cause": facts.cause,
                "judged_on": _day(facts.judged_on),
                "effective_on": _day(facts.effective_on),
                "result": "" if facts.result is None else facts.result.name,
                "batch_reference": facts.batch_reference,
            }
        case EnforcementFacts():
            executed = facts.executed
            return {
                **_money(facts.applied),
                "case_number": facts.case_number,
                "court": facts.court,
                "filed_on": facts.filed_on.isoformat(),
                "judgment_case_number": facts.judgment_case_number,
                "measures": " ".join(measure.name for measure in facts.measures),
                "stayed_on": _day(facts.stayed_on),
                "executed_principal": str(executed.principal),
                "executed_interest": str(executed.interest),
                "executed_penalty": str(executed.penalty),
                "executed_fees": str(executed.fees),
            }
        case ListingFacts():
            return {
                **_money(facts.amounts),
                "case_number": facts.case_number,
                "court": facts.court,
                "filed_on": facts.filed_on.isoformat(),
                "judgment_case_number": facts.judgment_case_number,
                "listed_on": facts.listed_on.isoformat(),
                "listed_until": _day(facts.listed_until),
                "earliest_removal_on": _day(facts.earliest_removal_on),
                "grounds": " ".join(ground.name for ground in facts.grounds),
                "origin": facts.origin.name,
                "performance": facts.performance.name,
                "issued_by": facts.issued_by,
            }


def _arrangement(arrangement: Arrangement | None) -> dict[str, str]:
    if arrangement is None:
        return {}
    return {
        "arrangement_agreed_on": arrangement.agreed_on.isoformat(),
        "arrangement_instalments": str(arrangement.instalments),
        "arrangement_period": arrangement.period.name,
        "arrangement_paid": str(arrangement.paid),
        "arrangement_outcome": arrangement.outcome.name,
    }


def _money(amounts: Amounts) -> dict[str, str]:
    return {
        "currency": amounts.currency,
        "principal": str(amounts.principal),
        "interest": str(amounts.interest),
        "penalty": str(amounts.penalty),
        "fees": str(amounts.fees),
        "estimated": _flag(amounts.estimated),
    }


def _flag(value: bool) -> str:  # noqa: FBT001 - a cell that is true or false
    return "true" if value else ""


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
