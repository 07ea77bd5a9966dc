"""Flows behind the methods of ``Client`` and ``AsyncClient``, by what they are about."""

from client_sdk._member.administering import Administering
from client_sdk._member.alerting import Alerting
from client_sdk._member.certifying import Certifying
from client_sdk._member.disputing import Disputing
from client_sdk._member.erasing import Erasing
from client_sdk._member.inbox import Notified
from client_sdk._member.reporting import Reporting
from client_sdk._member.screening import Screener
from client_sdk._member.statistics import CountedMonths
from client_sdk._member.subject_access import SubjectAccessing

__all__ = ["Member"]


class Member(
    SubjectAccessing,
    Alerting,
    Screener,
    Reporting,
    Disputing,
    Notified,
    Erasing,
    CountedMonths,
    Administering,
    Certifying,
):
    """Everything that a member does; see ``Client`` for what each method does and raises."""
