"""Sentences and headings of a person's own report, to be said in Chinese or in English."""

from __future__ import annotations

from client_sdk.subject_report.terms import Term

__all__ = ["TEXTS"]

TEXTS: dict[str, Term] = {
    "title": Term("Report about yourself"),
    "subtitle": Term("Credit registry {registry}"),
    "made": Term("Made on"),
    "as_of": Term("Registry data as of"),
    "person": Term("About"),
    "office": Term("Asked for by"),
    "mandate": Term("Your signed request"),
    "mandate_value": Term("signed on {date}, SHA-256 of the document {digest}"),
    "inquiry": Term("Number of this inquiry"),
    "fee": Term("Fee"),
    "fee_free": Term(
        "Free of charge. Reports on {had} earlier days of the last 12 months; those of {free} days a year are free, "
        "and all of one day count as one."
    ),
    "fee_due": Term(
        "A fee may be charged. Reports on {had} earlier days of the last 12 months; those of {free} days a year are "
        "free, and all of one day count as one."
    ),
    "listed": Term("The registry holds {count} about you."),
    "clear": Term("The registry holds no record under this identity number. This is proved."),
    "summary": Term("At a glance"),
    "records": Term("Records about you"),
    "record_title": Term("{place}. {kind}, {standing}"),
    "reported_by": Term("Reported by"),
    "signed_by": Term("Signed by its successor"),
    "sold_to": Term("Debt sold to"),
    "record_number": Term("Number of the record"),
    "first_logged": Term("First registered"),
    "logged": Term("Last changed"),
    "kept": Term("Kept until"),
    "kept_listing": Term(
        "{date}. The entry in the court's list ends on that day at the latest, and this copy with it; where the court "
        "removes the entry earlier, the copy is withdrawn within three working days."
    ),
    "hidden": Term("hidden: {overlay}"),
    "hidden_text": Term(
        "Under the overlay {overlay} of the registry's rules no answer to anybody shows this record; only you see it. "
        "What was reported is unchanged."
    ),
    "stale": Term("not updated by the lender for long"),
    "issuer_ended": Term("the lender is no more"),
    "ended_text": Term("The lender is no more, and nobody answers for this record."),
    "contested": Term("signed by a key that is in doubt"),
    "dispute": Term("Dispute"),
    "dispute_due": Term("Opened by {by}. The lender must answer by {date}; silence restricts the record by itself."),
    "dispute_stands": Term("Opened by {by}. It stands and waits for no answer."),
    "statement": Term("Your own statement"),
    "statement_closed": Term("There is one that cannot be shown: {why}."),
    "facts_closed": Term("The facts cannot be shown: {why}."),
    "write_to": Term("If it is wrong, write to"),
    "history": Term("History"),
    "history_when": Term("When"),
    "history_who": Term("By"),
    "history_what": Term("What"),
    "history_version": Term("Version {version}: {standing}"),
    "history_until": Term(", kept until {date}"),
    "history_clock": Term("the registry (a period ended)"),
    "history_code": Term(", code {code}"),
    "history_gone": Term("no longer: {what}"),
    "history_nothing": Term("no marks"),
    "between": Term("; "),
    "months": Term("Month by month (at most 60 months)"),
    "months_when": Term("Month"),
    "months_standing": Term("Standing"),
    "months_known": Term("What was reported"),
    "months_span": Term("{first} to {last}"),
    "months_days": Term("{days} days past due on {date} (month code {code})"),
    "months_follow": Term(
        "{days} days past due on {date} (month code {code}), as follows from what was reported later"
    ),
    "months_version": Term("version {version}, of which no content is kept"),
    "months_nothing": Term("not reported"),
    "asked": Term("Who asked about you"),
    "asked_intro": Term(
        "Every answered inquiry about you that the registry keeps, the newest first. Each carries the signature of who "
        "asked. That none is left out is the registry's word."
    ),
    "asked_screened": Term(
        "Not listed are looks by which a lender compares a whole list of customers with the registry (screenings): "
        "they name nobody, so that the registry itself cannot say whether you were on the list. Ask the lender."
    ),
    "asked_when": Term("When"),
    "asked_who": Term("Who"),
    "asked_why": Term("Purpose"),
    "asked_where": Term("Number among all inquiries"),
    "asked_alerts": Term(", with alerts until {date}"),
    "asked_waiting": Term("being logged"),
    "estimated": Term(" (estimated)"),
    "split": Term(": principal {principal}, interest {interest}, penalty interest {penalty}, fees {fees}"),
    "contract": Term("{contract}; code of the first lender: {creditor}"),
    "notice": Term("{channel}, {at}"),
    "contact": Term("{count} by {channel}"),
    "arrangement": Term("{outcome}: {paid} of {instalments} instalments ({period}) paid, agreed on {agreed}"),
    "consent": Term("{form}, {date}"),
    "yes": Term("yes"),
    "number": Term("{type}, {number}"),
    "proof": Term("How this report is proved"),
    "proof_text": Term(
        "The file {evidence} beside this report is the evidence. Anybody verifies it offline: credit-registry verify "
        "--trust-root trust-root.bin {evidence}. It proves that at the time above answers about this person showed the "
        "records that are not hidden, and no others. That no further one is hidden is the registry's word. The "
        "information is for reference; the registry scores nobody."
    ),
    "rights": Term("Your rights"),
    "hidden_one": Term("One of them is hidden: no answer shows it."),
    "hidden_many": Term("{count} of them are hidden: no answer shows them."),
    "record_one": Term("1 record"),
    "record_many": Term("{count} records"),
    "page": Term("Page {page}"),
}
