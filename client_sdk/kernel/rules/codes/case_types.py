"""Types of cases (类型代字) in Chinese case numbers and what they may stand for: 法〔2015〕137号, 法〔2018〕335号.

Data, not a closed list of the courts': a type that is missing here is added by one line.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["CASE_TYPES", "LEGACY_TYPES", "CaseUse"]


class CaseUse(Enum):
    """Use of a case type in a record."""

    JUDGMENT = "judgment"
    ENFORCEMENT = "enforcement"
    # It decides no debt and enforces none: jurisdiction, review of a petition, preservation, mediation before the suit,
    # an objection to an enforcement and what supervises one.
    NEITHER = "neither"


_CIVIL = "民初 民终 民再 民撤 民特 民督 民催 民算 民破 知民初 知民终"
# Restitution to the victims of a fraud (退赔) is ordered by the judgment on the crime.
_CRIMINAL = "刑初 刑终 刑再"
_BANKRUPTCY = "破"
_ENFORCEMENT = "执 执恢"
_NEITHER = "民申 民监 民辖 民辖终 民保 破申 执异 执复 执保 执监 执协 诉前调 民诉前调"

# Further types that courts used until 2015, in the form of those years only.
LEGACY_TYPES = frozenset(("商初", "商终", "经初", "经终"))

CASE_TYPES: dict[str, CaseUse] = {
    code: use
    for codes, use in (
        (_CIVIL, CaseUse.JUDGMENT),
        (_CRIMINAL, CaseUse.JUDGMENT),
        (_BANKRUPTCY, CaseUse.JUDGMENT),
        (_ENFORCEMENT, CaseUse.ENFORCEMENT),
        (_NEITHER, CaseUse.NEITHER),
    )
    for code in codes.split()
}
