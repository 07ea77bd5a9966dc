"""Chinese court case numbers (案号), strictly: 法〔2015〕137号, amended by 法〔2018〕335号.

    （year）court [suffix of the court] type sequence 号 [之一 ...]

Until 2015 each court had characters of its own: （2014）朝民初字第9000006号. Such numbers stay in use, for an unpaid
judgment never expires, and they are read as they are.

The canonical form has full-width brackets and ASCII digits; ASCII, square and tortoise-shell brackets are read too.
Digits of other widths, white space and unknown court or type codes are refused and never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from client_sdk.kernel.rules.codes.case_types import CASE_TYPES, LEGACY_TYPES, CaseUse
from client_sdk.kernel.rules.codes.courts import CORPS, MILITARY, PROVINCES, SUPREME, county_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = ["CaseNumber", "check_enforcement_number", "check_judgment_number", "parse_case_number"]

# Courts number their cases in this way since 2016; numbers before 1990 name no case that is still enforced.
_FIRST_YEAR = 1990
# The same ten characters that the numbering rule uses for further decisions under one number.
_ORDINAL = "一二三四五六七八九十"
_TYPES = "|".join(sorted(CASE_TYPES, key=len, reverse=True))
_LEGACY_TYPES = "|".join(sorted((*CASE_TYPES, *LEGACY_TYPES), key=len, reverse=True))
_YEAR = r"[（(〔\[](?P<year>[0-9]{4})[）)〕\]]"
_SUFFIX = rf"(?P<suffix>(?:之[{_ORDINAL}]+)?)"
_COURT = rf"{SUPREME}知?|[{''.join(PROVINCES)}{CORPS}{MILITARY}](?:[0-9]{{2}}|[0-9]{{4}})?"
_PATTERN = re.compile(
    rf"{_YEAR}(?P<court>{_COURT})"
    rf"(?P<type>{_TYPES})(?P<seq>[1-9][0-9]{{0,6}})号{_SUFFIX}"
)
# Up to 2015: （2015）海民初字第1234号; the court is named by characters of its own.
_LEGACY = re.compile(
    rf"{_YEAR}(?P<court>[\u4e00-\u9fff]{{1,8}}?)(?P<type>{_LEGACY_TYPES})字第(?P<seq>[1-9][0-9]{{0,6}})号{_SUFFIX}"
)
_LEGACY_LAST_YEAR = 2015


@dataclass(frozen=True, slots=True)
class CaseNumber:
    """A case number in its parts.

    Attributes:
        year: in which the court took the case.
        court: code of the court, e.g. "京0115".
        type_code: kind of case, e.g. "民初".
        seq: running number, from 1.
        suffix: "之一" and so on; mostly empty.
        legacy: whether it has the form used up to 2015.
    """

    year: int
    court: str
    type_code: str
    seq: int
    suffix: str
    legacy: bool = False

    @property
    def text(self) -> str:
        """The canonical form."""
        joint = "字第" if self.legacy else ""
        return f"（{self.year}）{self.court}{self.type_code}{joint}{self.seq}号{self.suffix}"

    @property
    def use(self) -> CaseUse:
        """Whether it names a judgment, an enforcement, or neither."""
        return CASE_TYPES.get(self.type_code, CaseUse.JUDGMENT)

    @property
    def county(self) -> str | None:
        """GB/T 2260 code of the county of a basic court; a hint, None where the code tells none."""
        return None if self.legacy else county_of(self.court)


def parse_case_number(text: str, field: str = "facts.case_number") -> CaseNumber:
    """Return the parts of a case number.

    Args:
        text: as written; nothing is stripped or folded but the kind of the brackets.
        field: for the error.

    Raises:
        RuleError: CASE_NUMBER_INVALID.
    """
    match = _PATTERN.fullmatch(text)
    is_legacy = match is None
    match = match or _LEGACY.fullmatch(text)
    if match is None:
        want = "（year）court type sequence 号, or until 2015 （year）court type 字第 sequence 号"
        raise _refused(field, "case-number.form", want, got=_unlike(text))
    year = int(match["year"])
    if year < _FIRST_YEAR or (is_legacy and year > _LEGACY_LAST_YEAR):
        last = f" to {_LEGACY_LAST_YEAR} in this form" if is_legacy else ""
        raise _refused(field, "case-number.year", f"a year from {_FIRST_YEAR}{last}")
    return CaseNumber(year, match["court"], match["type"], int(match["seq"]), match["suffix"], is_legacy)


def check_judgment_number(number: CaseNumber, decided_in: int, field: str = "facts.case_number") -> None:
    """Check that a number can name a judgment decided in that year.

    Args:
        number: the case number.
        decided_in: year of the decision, or of what is known so far.
        field: for the error.

    Raises:
        RuleError: CASE_NUMBER_INVALID; a case that decides no debt, or a year after the decision.
    """
    if number.use is not CaseUse.JUDGMENT:
        want = "the number of a case that decides the debt"
        raise _refused(field, "case-number.judgment", want, got=f"a case of the type {number.type_code}")
    _check_year(number, decided_in, field)


def check_enforcement_number(number: CaseNumber, known_in: int, field: str = "facts.case_number") -> None:
    """Check that a number can name an enforcement known in that year.

    Raises:
        RuleError: CASE_NUMBER_INVALID; a case that enforces no debt, such as an objection, or a year after the facts.
    """
    if number.use is not CaseUse.ENFORCEMENT:
        want = "the number of an enforcement, 执 or 执恢"
        raise _refused(field, "case-number.enforcement", want, got=f"a case of the type {number.type_code}")
    _check_year(number, known_in, field)


def _check_year(number: CaseNumber, known_in: int, field: str) -> None:
    if number.year > known_in:
        raise _refused(field, "case-number.year-order", "a year not after the decision or the facts")


def _unlike(text: str) -> str:
    """Return the first part of a number that is not as it should be, in words."""
    year = re.match(_YEAR, text)
    if year is None:
        return "no year of four digits in brackets at the beginning"
    rest = text[year.end() :]
    if "号" not in rest:
        return "no 号 at the end"
    if not re.match(_COURT, rest):
        return "a court that is not known"
    if not re.match(rf"(?:{_COURT})(?:{_TYPES})", rest):
        return "a court or a type of case that is not known"
    return "no running number of 1 to 7 digits between type and 号"


def _refused(field: str, rule: str, want: str, *, got: str = "") -> RuleError:
    return RuleError(RuleReason.CASE_NUMBER_INVALID, field, rule, got=got, want=want)
