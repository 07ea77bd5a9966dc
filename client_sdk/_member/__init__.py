"""Flows behind the methods of ``Client`` and ``AsyncClient``: asking, reports, disputes, acts, certificates."""

from client_sdk._member.administering import Administering
from client_sdk._member.certifying import Certifying
from client_sdk._member.disputing import Disputing
from client_sdk._member.reporting import Reporting
from client_sdk._member.subject_access import SubjectAccessing

__all__ = ["Member"]


class Member(SubjectAccessing, Reporting, Disputing, Administering, Certifying):
    """Everything that a member does; see ``Client`` for what each method does and raises."""
