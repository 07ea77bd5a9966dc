"""Warnings about rows that are allowed and probably a mistake; they never keep a row back (F15).

Each finding has a reason to be right: counties are renamed, courts get new codes, debts are paid down to a hundredth.
So none of it is a rule, and the registry never learns of it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.case_number import parse_case_number
from client_sdk.kernel.rules.codes.courts import PROVINCE_NAMES, PROVINCES, SUPREME
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts
from client_sdk.lending.column_forms import MONEY
from client_sdk.lending.rows import facts_cells
from client_sdk.models.row_warning import RowWarning
from client_sdk.regions import region_is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from client_sdk.kernel.rules.case_number import CaseNumber
    from client_sdk.kernel.rules.facts import Amounts, Facts
    from client_sdk.models.report import Report

__all__ = ["basis_warnings", "repeated_row", "report_warnings", "rests_on_broken", "step_warnings"]

# A spreadsheet keeps this many digits of a number and writes 0 for the others.
_KEPT_DIGITS = 15
# Fewer zeros than these end a number often enough by chance.
_LEAST_ZEROS = 3
_PARTS = ("principal", "interest", "penalty", "fees")
_MINOR_UNITS = 100
_FAR_ABOVE = 10
# The first day and the last may both be counted, or neither.
_DAYS_APART = 1
# How far the year of a case number may be from the year of the filing.
_YEARS_APART = 1
# Types of cases that begin with the filing: an appeal or a resumed enforcement comes later.
_FIRST_INSTANCE = "初"
_FIRST_ENFORCEMENT = "执"
# Within so many months after a judgment is effective its enforcement is applied for (民事诉讼法 Art. 250).
_APPLICATION_MONTHS = 24
# For each day of delay 1.75 of 10,000 are added to what is unpaid (民事诉讼法 Art. 264, 法释〔2014〕8号).
_DELAY_PER_MILLION = 175
_MILLION = 1_000_000
# Interest and penalty of a year, of 100 of principal (法发〔2017〕22号).
_MOST_PER_CENT = 24
_DAYS_A_YEAR = 365

_Warn = tuple[str, str, str]


def report_warnings(report: Report, row: int) -> list[RowWarning]:
    """Return what looks wrong in one report by itself.

    Args:
        report: whose types are in order.
        row: for the warnings.
    """
    checks: tuple[Callable[[Report], Iterator[_Warn]], ...] = (_zeroed, _numbered, _region, _case, _executed, _days)
    return _warnings(row, (found for check in checks for found in check(report)), report.facts)


def step_warnings(before: Facts, after: Facts, row: int) -> list[RowWarning]:
    """Return what looks wrong in a version against the one before.

    Args:
        before: facts of that version.
        after: facts of the new one.
        row: of the new one.
    """
    return _warnings(row, chain(_steps(before, after), _cost(before, after)), after, before)


def basis_warnings(basis: Facts, facts: Facts, row: int) -> list[RowWarning]:
    """Return what looks wrong in an enforcement against the judgment that it rests on; nothing for other kinds.

    Args:
        basis: newest facts of what it rests on.
        facts: of the version.
        row: of the version.
    """
    if not isinstance(basis, JudgmentFacts) or not isinstance(facts, EnforcementFacts) or basis.effective_on is None:
        return []
    return _warnings(row, _enforced(basis, facts, basis.effective_on), facts)


def repeated_row(row: int, first: int) -> RowWarning:
    """Return that a row says the same as an earlier one."""
    text = f"the same as row {first}; it is sent once and counted as repeated"
    return RowWarning(row=row, column="row", rule="row.repeated", text=text)


def rests_on_broken(row: int, broken: int) -> RowWarning:
    """Return that the record that a row rests on has a row that is not sent."""
    text = f"rests on the record of row {broken}, which is not sent; refused too, unless the registry has that"
    return RowWarning(row=row, column="basis_reference", rule="basis.rejected", text=text)


def _warnings(row: int, found: Iterator[_Warn], facts: Facts | None, before: Facts | None = None) -> list[RowWarning]:
    return [
        RowWarning(row=row, column=column, rule=rule, text=text, cells=_at(column, facts), held=_at(column, before))
        for column, rule, text in found
    ]


def _at(column: str, facts: Facts | None) -> dict[str, str]:
    """Return the cell of a column, and with an amount its currency; nothing that is no fact, such as a number."""
    cells = {} if facts is None else facts_cells(facts)
    wanted = (column, "currency") if column in MONEY else (column,)
    return {name: cells[name] for name in wanted if column in cells}


def _zeroed(report: Report) -> Iterator[_Warn]:
    texts = {"id_number": report.identity.number, "reference": report.reference}
    if report.facts is not None:
        texts["contract"] = report.facts.debt.contract
    for column, text in texts.items():
        zeros = len(text) - _KEPT_DIGITS
        if zeros >= _LEAST_ZEROS and text.isascii() and text.isdigit() and not text[_KEPT_DIGITS:].strip("0"):
            warning = (
                f"all digits after the {_KEPT_DIGITS}th are 0, as a spreadsheet leaves a long number; compare it with "
                "the contract, and format the column as text"
            )
            yield column, "number.zeroed", warning


def _numbered(report: Report) -> Iterator[_Warn]:
    """Look for a person's number in the names of a debt, which lists and files show; contracts have 18 digits too."""
    names = {"reference": report.reference}
    if report.facts is not None:
        names["contract"] = report.facts.debt.contract
    for column, text in names.items():
        if holds_resident_number(text):
            warning = (
                "it holds what is an identity number by date and check digit, and lists and files show it; "
                "right only where the contract itself has this number"
            )
            yield column, "number.identity", warning


def _region(report: Report) -> Iterator[_Warn]:
    if not region_is_known(report.identity):
        yield "id_number", "identity.region", "the region in the number is unknown for its year of birth; compare it"


def _days(report: Report) -> Iterator[_Warn]:
    """Compare the days past due with the dates, which count them from the first day of the episode."""
    facts = report.facts
    if not isinstance(facts, DefaultFacts) or facts.days_estimated or not facts.days_past_due:
        return
    days = (facts.as_of - facts.first_delinquency_on).days
    if abs(facts.days_past_due - days) > _DAYS_APART:
        text = f"not the {days} days from first_delinquency_on to as_of; right only where a part was paid meanwhile"
        yield "days_past_due", "days.dates", text


def _case(report: Report) -> Iterator[_Warn]:
    facts = report.facts
    if facts is None or isinstance(facts, DefaultFacts):
        return
    try:
        number = parse_case_number(facts.case_number)
    except RuleError:
        # Refused as such.
        return
    filed = facts.filed_on.year
    begins = (
        number.type_code.endswith(_FIRST_INSTANCE)
        if report.kind is Kind.JUDGMENT
        else number.type_code == _FIRST_ENFORCEMENT
    )
    if filed - number.year > _YEARS_APART or (begins and number.year - filed > _YEARS_APART):
        text = f"a case of {number.year} that was filed in {filed}: one of the two is probably wrong"
        yield "case_number", "case-number.filing", text
    yield from _court(number, facts.court)


def _court(number: CaseNumber, court: str) -> Iterator[_Warn]:
    """Compare a court's name with its code, as far as both name a province."""
    if number.legacy:
        return
    named = next((code for name, code in PROVINCE_NAMES.items() if court.startswith(name)), "")
    code = SUPREME if number.court.startswith(SUPREME) else number.court[:1]
    if named and code in (*PROVINCES, SUPREME) and named != code:
        text = f"the case number is one of a court under {code}, and the court's name is one of {named}"
        yield "court", "court.code", text


def _executed(report: Report) -> Iterator[_Warn]:
    facts = report.facts
    if isinstance(facts, EnforcementFacts) and 0 < facts.applied.total * _FAR_ABOVE <= facts.executed.total:
        text = f"at least {_FAR_ABOVE} times what was applied for; are both in minor units?"
        yield "executed_principal", "money.executed", text


def _steps(before: Facts, after: Facts) -> Iterator[_Warn]:
    old, new = _money(before), _money(after)
    if old.currency != new.currency:
        yield "currency", "money.currency-changed", f"{new.currency}, and {old.currency} in the version before"
        return
    for part in _PARTS:
        less, more = sorted((getattr(old, part), getattr(new, part)))
        if less and more == less * _MINOR_UNITS:
            text = f"exactly {_MINOR_UNITS} times as much as, or as little as a hundredth of, the version before"
            yield part, "money.hundredfold", text


def _enforced(judged: JudgmentFacts, facts: EnforcementFacts, effective_on: date) -> Iterator[_Warn]:
    """Compare an enforcement with a judgment in force since ``effective_on``."""
    last = months_later(effective_on, _APPLICATION_MONTHS)
    if facts.filed_on > last:
        text = f"enforcement is applied for until {last.isoformat()} (民事诉讼法 Art. 250), unless that was interrupted"
        yield "filed_on", "N02", text
    awarded, applied = judged.amounts, facts.applied
    if awarded.currency != applied.currency:
        return
    added = applied.penalty - awarded.penalty
    days = (facts.as_of - effective_on).days
    if added * _MILLION > awarded.total * _DELAY_PER_MILLION * days:
        text = (
            f"more was added to what was awarded than the doubled interest of {days} days of delay, 0.0175 % a day "
            "(民事诉讼法 Art. 264)"
        )
        yield "penalty", "N03", text


def _cost(before: Facts, after: Facts) -> Iterator[_Warn]:
    """Compare what a default grew by with the highest cost that courts grant."""
    if not isinstance(before, DefaultFacts) or not isinstance(after, DefaultFacts):
        return
    old, new = before.amounts, after.amounts
    days = (after.as_of - before.as_of).days
    same = (old.currency, old.principal) == (new.currency, new.principal)
    if days <= 0 or not same or old.estimated or new.estimated:
        return
    added = new.interest + new.penalty - old.interest - old.penalty
    if added * 100 * _DAYS_A_YEAR > new.principal * _MOST_PER_CENT * days:
        text = (
            f"interest and penalty grew by more than {_MOST_PER_CENT} % a year of the principal in {days} days; "
            "a court may reduce them (法发〔2017〕22号)"
        )
        yield "interest", "N04", text


def _money(facts: Facts) -> Amounts:
    return facts.applied if isinstance(facts, EnforcementFacts) else facts.amounts
