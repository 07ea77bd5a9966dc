"""Types of cases (类型代字) in Chinese case numbers and what they may stand for: 法〔2015〕137号, 法〔2018〕335号.

Data, not a closed list of the courts': a type that is missing here is added by one line.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["CASE_TYPES", "CaseUse"]


class CaseUse(Enum):
    """What a case of a type may stand for in a record."""

    JUDGMENT = "judgment"
    ENFORCEMENT = "enforcement"
    # Mediation before the suit: neither.
    NEITHER = "neither"


_CIVIL = "民初 民终 民再 民申 民监 民辖 民辖终 民撤 民特 民督 民催 民保 民算 民破 知民初 知民终"
_ENFORCEMENT = "执 执异 执复 执恢 执保 执监 执协"
_MEDIATION = "诉前调 民诉前调"

CASE_TYPES: dict[str, CaseUse] = {
    code: use
    for codes, use in (
        (_CIVIL, CaseUse.JUDGMENT),
        (_ENFORCEMENT, CaseUse.ENFORCEMENT),
        (_MEDIATION, CaseUse.NEITHER),
    )
    for code in codes.split()
}
