"""Limits of a rulebook in words: the name of each, its unit, what it does, which values it takes, and the usual one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.acts import Rulebook
from client_sdk.desk.record_columns import FieldOfColumn
from client_sdk.desk.texts import N_
from client_sdk.rulebook_values import (
    NUMBER_WANTED,
    SMALLER_WANTED,
    TRUTH_WANTED,
    effect_of,
    range_of,
    typed_limits,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.desk.texts import Say
    from client_sdk.rulebook_values import LimitMistake

__all__ = ["LIMITS", "Limit", "limit_field", "limit_mistakes", "limit_name"]

_YEARS = N_("years")
_MONTHS = N_("months")
_DAYS = N_("days")
_HOURS = N_("hours")
_SECONDS = N_("seconds")
_NUMBER = N_("a number")
_A_DAY = N_("a number each day")
_A_YEAR = N_("a number each year")
_TRUTH = N_("yes or no")
_DAY_LIST = N_("days, with commas between them")
_WORD_LIST = N_("texts, with commas between them")
_TEXT = N_("text")


class Limit(NamedTuple):
    """One limit.

    Attributes:
        label: its name in words.
        unit: in which it is given.
        does: what it does.
    """

    label: str
    unit: str
    does: str


LIMITS: dict[str, Limit] = {
    "time_zone": Limit(N_("Legal time zone"), _TEXT, N_("Days begin and end by it.")),
    "retention_years": Limit(
        N_("Records are kept for"),
        _YEARS,
        N_("From the end of the conduct, or from its beginning where retention counts from the start."),
    ),
    "dispute_days": Limit(
        N_("Time to answer a dispute"), _DAYS, N_("Unanswered after that, a dispute restricts the record by itself.")
    ),
    "notice_hours": Limit(
        N_("Notice to the person before a report"),
        _HOURS,
        N_("The notice is at least so much older than the report; 0: it is older."),
    ),
    "max_live_records_per_subject": Limit(
        N_("Live records about one person"), _NUMBER, N_("That one lender may have at the same time.")
    ),
    "max_subjects_per_inquiry": Limit(N_("Persons in one inquiry"), _NUMBER, N_("More need a further inquiry.")),
    "daily_report_evaluations": Limit(
        N_("Identity numbers evaluated to report"), _A_DAY, N_("By one member at each key service, blinded.")
    ),
    "daily_inquire_evaluations": Limit(
        N_("Identity numbers evaluated to ask"), _A_DAY, N_("By one member at each key service, blinded.")
    ),
    "heartbeat_seconds": Limit(
        N_("Longest time between two HEADs"), _SECONDS, N_("After it a HEAD is written although nothing has happened.")
    ),
    "daily_statements": Limit(N_("Versions of records reported"), _A_DAY, N_("By one lender.")),
    "daily_inquired_subjects": Limit(N_("Persons asked about"), _A_DAY, N_("By one member.")),
    "holidays": Limit(
        N_("Holidays on weekdays"),
        _DAY_LIST,
        N_("A period that ends on one of them ends on the next working day instead."),
    ),
    "workdays": Limit(N_("Working days at weekends"), _DAY_LIST, N_("Saturdays and Sundays on which people work.")),
    "paid_judgment_months": Limit(
        N_("A judgment paid so soon is withdrawn"),
        _MONTHS,
        N_("From the judgment on; it is then not shown as satisfied. 0: never."),
    ),
    "correction_days": Limit(
        N_("Notices of corrections go back"),
        _DAYS,
        N_("A member that was shown a record so long before gets a notice of its correction."),
    ),
    "free_reports_a_year": Limit(
        N_("Free reports for a person"), _A_YEAR, N_("Reports about oneself within 12 months that cost nothing.")
    ),
    "request_days": Limit(
        N_("A person's signed request counts for"),
        _DAYS,
        N_("So long a representative may ask by it; 0: as long as the document itself says."),
    ),
    "overlays": Limit(N_("Overlays"), _TEXT, N_("Dated rules by which repaid defaults are hidden.")),
    "scopes": Limit(
        N_("What is shown for each purpose"),
        _WORD_LIST,
        N_(
            "PURPOSE:KIND+KIND, then :paid=DAYS after which what was repaid is not shown, :consent=DAYS for which a "
            "consent counts."
        ),
    ),
    "listing_years": Limit(N_("An entry of the courts' list lasts"), _YEARS, N_("0: no such entry may be reported.")),
    "relisting_months": Limit(
        N_("No new entry after a removal on request for"),
        _MONTHS,
        N_("In this time the same entry is not asked for again."),
    ),
    "jurisdiction": Limit(N_("Jurisdiction"), _TEXT, N_("Its law sets what no value may exceed.")),
    "retained_from_start": Limit(
        N_("Retention counts from the start"),
        _TRUTH,
        N_("From the judgment or the first missed payment, whatever is paid later."),
    ),
    "no_part_payments": Limit(
        N_("No part payments of judgments"), _TRUTH, N_("The amounts of an open judgment then never fall.")
    ),
    "no_fraud_cause": Limit(
        N_("Fraud is no cause of a default"), _TRUTH, N_("No default then names FRAUD as its cause.")
    ),
    "one_default_a_debt": Limit(
        N_("One default for a debt"), _TRUTH, N_("A debt then gets one default alone, also after that has ended.")
    ),
    "default_days": Limit(N_("Least days overdue of a default"), _DAYS, N_("When it is reported first; 0: any.")),
    "reciprocity_days": Limit(
        N_("What a lender has given counts for"), _DAYS, N_("So long a report of a kind opens the facts of others.")
    ),
    "reciprocity_grace_days": Limit(
        N_("Grace for a new lender"), _DAYS, N_("From its enrolment on, nothing is held back from it; 0: no grace.")
    ),
    "reciprocity_levels": Limit(
        N_("What must be given to be shown facts"),
        _WORD_LIST,
        N_("GIVEN:RECEIVED+RECEIVED. Of a kind that no level names, nothing is held back."),
    ),
    "stale_days": Limit(
        N_("A record is stale after"), _DAYS, N_("Without a further version of it, answers show it as stale.")
    ),
    "review_days": Limit(
        N_("The review of a lender counts for"),
        _DAYS,
        N_("Above 0 where real persons are in the registry, and then never 0 again."),
    ),
    "breach_hours": Limit(N_("Time to tell of a breach"), _HOURS, N_("Within it the act that tells of it is logged.")),
    "witness_quorum": Limit(N_("Witnesses"), _TEXT, N_("They cosign the log; lines of a C2SP tlog-policy.")),
    "replay_quorum": Limit(
        N_("Auditors that rebuild the log"),
        _TEXT,
        N_("They cosign what they have rebuilt; lines of a C2SP tlog-policy."),
    ),
}
# What is wanted of a value of each type.
_VALUES = {
    TRUTH_WANTED: N_("Choose yes or no."),
    NUMBER_WANTED: N_("Give a whole number from 0."),
    SMALLER_WANTED: N_("This number is too large for any limit."),
}


def limit_name(name: str, say: Say) -> str:
    """Return the name of a limit in words."""
    return say(LIMITS[name].label)


def limit_field(name: str, value: str, rulebook: Rulebook, say: Say) -> FieldOfColumn:
    """Return a limit as a field: with its unit, what it does, its range, the usual value, and whom a change concerns.

    Args:
        name: of the limit.
        value: as it is typed.
        rulebook: in force.
        say: says texts.
    """
    limit = LIMITS[name]
    label = say("{name} ({unit})", name=say(limit.label), unit=say(limit.unit))
    hint = " ".join(
        (
            say(limit.does),
            _range(name, rulebook, say),
            _usual(name, rulebook, say),
            say("A change concerns: {effect}.", effect=say(effect_of(name))),
            say("Its name for commands: {name}.", name=name),
        )
    )
    if isinstance(getattr(rulebook, name), bool):
        return FieldOfColumn(name, label, hint, "choice", value, (("false", say("no")), ("true", say("yes"))))
    return FieldOfColumn(name, label, hint, "text", value)


def limit_mistakes(mistakes: Iterable[LimitMistake], rulebook: Rulebook, say: Say) -> tuple[dict[str, str], list[str]]:
    """Return what is wrong with each limit, and what is wrong with none of them alone.

    Args:
        mistakes: all that is wrong.
        rulebook: in force.
        say: says texts.
    """
    at_fields: dict[str, str] = {}
    others: list[str] = []
    for item in mistakes:
        text = _words(item, rulebook, say)
        if item.name:
            at_fields.setdefault(item.name, text)
        else:
            others.append(text)
    return at_fields, others


def _words(item: LimitMistake, rulebook: Rulebook, say: Say) -> str:
    if item.want in _VALUES:
        return say(_VALUES[item.want])
    if item.name and item.rule == f"{item.name}.date":
        return say("Give days that exist, such as 2026-12-25, with commas between them.")
    if item.name and type(getattr(rulebook, item.name)) is int:
        return _range(item.name, rulebook, say)
    parts = [(say("Rule"), item.rule), (say("Found"), say.error(item.got)), (say("Wanted"), say.error(item.want))]
    return say.pairs((name, value) for name, value in parts if value)


def _range(name: str, rulebook: Rulebook, say: Say) -> str:
    """Return which numbers a limit takes, as a sentence; an empty text for one that is no number."""
    if type(getattr(rulebook, name)) is not int:
        return ""
    least, most = range_of(name, rulebook)
    if most is None:
        return say("A whole number from {least}.", least=least)
    largest = f"{most:,}"
    return say("A whole number from {least} to {most}.", least=least, most=largest)


def _usual(name: str, rulebook: Rulebook, say: Say) -> str:
    """Return with which value a registry of this jurisdiction begins."""
    value = typed_limits(Rulebook.shipped(rulebook.jurisdiction))[name]
    shown = {"true": say("yes"), "false": say("no"), "": say("none")}.get(value, value.replace(",", ", "))
    return say("A registry begins with: {value}.", value=shown)
