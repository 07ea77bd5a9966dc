"""Forms of a member's licence number, by jurisdiction (征信业管理条例 Art. 7).

Numbers are held against the forms where real persons are in the registry. Every organisation of mainland China has a
unified social credit code: where each member has one, or the code of a Chinese financial licence, no answer leaves the
country.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.check_digits import lei_fits, uscc_fits
from client_sdk.kernel.formats.jurisdiction import jurisdiction
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LICENCE_FORMS", "check_licence", "licence_fits"]


class LicenceForm(NamedTuple):
    """A form of licence numbers: its description for people, and whether a number has it."""

    title: str
    fits: Callable[[str], bool]


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda number: compiled.fullmatch(number) is not None


LICENCE_FORMS: Mapping[str, LicenceForm] = {
    "USCC": LicenceForm("a unified social credit code (GB 32100)", lambda number: bool(uscc_fits(number))),
    # 金融许可证机构编码: class and number of the institution, level and number of the place.
    "CN_FINANCIAL": LicenceForm("the code of a financial licence", _matching("[A-Z][0-9]{4}[A-Z][0-9]{9}")),
    "LEI": LicenceForm("a legal entity identifier (ISO 17442)", lambda number: bool(lei_fits(number))),
    "UK_FIRM": LicenceForm("a firm reference number (6 or 7 digits)", _matching("[0-9]{6,7}")),
    "UK_COMPANY": LicenceForm("a company number (8 characters)", _matching("(?:[0-9]{2}|[A-Z]{2})[0-9]{6}")),
}


def licence_fits(number: str, of: str) -> bool:
    """Whether a licence number has one of the forms of a jurisdiction.

    Args:
        number: as it was enrolled.
        of: name of the jurisdiction.
    """
    return any(LICENCE_FORMS[name].fits(number) for name in jurisdiction(of).licence_forms)


def check_licence(number: str, of: str) -> None:
    """Check the form of a licence number; arguments as for ``licence_fits``.

    Raises:
        RuleError: ENROLMENT_INVALID.
    """
    if not licence_fits(number, of):
        want = " or ".join(LICENCE_FORMS[name].title for name in jurisdiction(of).licence_forms)
        raise RuleError("ENROLMENT_INVALID", "licence_number", "licence.form", got=number[:32], want=want)
