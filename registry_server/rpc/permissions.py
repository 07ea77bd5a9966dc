"""Permissions: which method is for which role. What is not in the table is denied."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.words import Role

__all__ = ["LIST_LEAVES", "PERMISSIONS", "UNVOUCHED", "Caller"]


class Caller(StrEnum):
    """Kind of caller: an institution with a role, or a key service, which is not an institution."""

    LENDER = "LENDER"
    AUDITOR = "AUDITOR"
    ADMINISTRATOR = "ADMINISTRATOR"
    REPRESENTATIVE = "REPRESENTATIVE"
    KEY_SERVICE = "KEY_SERVICE"

    @classmethod
    def of(cls, role: Role) -> Caller:
        """Return the caller that a role makes."""
        return cls(role.name)


_PACKAGE = "creditregistry.v1"
_HEALTH = "grpc.health.v1"
_REFLECTION = "grpc.reflection.v1alpha"
_LENDER = frozenset((Caller.LENDER,))
_AUDITOR = frozenset((Caller.AUDITOR,))
_ADMINISTRATOR = frozenset((Caller.ADMINISTRATOR,))
_REPRESENTATIVE = frozenset((Caller.REPRESENTATIVE,))
_ASKER = _LENDER | _REPRESENTATIVE
_MEMBER = frozenset(Caller) - {Caller.KEY_SERVICE}
_ANY = frozenset(Caller)


def _service(
    name: str, methods: Mapping[str, frozenset[Caller]], package: str = _PACKAGE
) -> dict[str, frozenset[Caller]]:
    return {f"/{package}.{name}/{method}": callers for method, callers in methods.items()}


PERMISSIONS: Mapping[str, frozenset[Caller]] = MappingProxyType(
    _service(
        "RecordService",
        {
            "Submit": _LENDER,
            "SubmitBatch": _LENDER,
            "ListRecords": _LENDER,
            "GetReceipt": _LENDER,
            # The use case decides: a lender about records that it reads, a representative about anybody's.
            "GetErasure": _ASKER,
        },
    )
    | _service("DisputeService", {"Annotate": _ASKER, "GetAnnotation": _ASKER, "ListDisputes": _ASKER})
    | _service("InboxService", {"ListNotices": _ASKER, "FollowNotices": _ASKER, "Acknowledge": _ASKER})
    | _service(
        "InquiryService",
        {"Check": _ASKER, "Screen": _LENDER, "ListInquiries": _ASKER, "GetInquiryReceipt": _ASKER},
    )
    | _service(
        "SubjectAccessService",
        {
            "ListAskers": _REPRESENTATIVE,
            "ListRecordLeaves": _REPRESENTATIVE,
            "TakeAlerts": _REPRESENTATIVE,
            "EndAlerts": _REPRESENTATIVE,
        },
    )
    | _service(
        "TransparencyService",
        {
            "GetCheckpoint": _ANY,
            "GetTile": _ANY,
            "GetDirectoryProof": _ANY,
            "GetStatistics": _MEMBER,
            "ListLeaves": _AUDITOR,
            "ListLiveBindings": _AUDITOR,
            "ListInquiryLeaves": _AUDITOR,
            "PublishReplay": _AUDITOR,
        },
    )
    | _service(
        "DirectoryService",
        {
            "ListActs": _ANY,
            "ProposeAct": _ADMINISTRATOR,
            "ListProposals": _ADMINISTRATOR,
            "ApproveAct": _ADMINISTRATOR,
            # The use case decides about the institution: members ask for themselves, administrators also for others.
            "IssueCertificate": _MEMBER,
            "ListCertificates": _MEMBER,
            "RevokeTlsKey": _MEMBER,
        },
    )
    # Whether the registry serves at all.
    | _service("Health", {"Check": _ANY}, _HEALTH)
    # The contract, which is public; served where the setting `reflection` says so.
    | _service("ServerReflection", {"ServerReflectionInfo": _MEMBER}, _REFLECTION)
)

# Leaves are read as files by those who may read them by this method.
LIST_LEAVES = f"/{_PACKAGE}.TransparencyService/ListLeaves"

# Methods that a member may call over a TLS key without a valid vouch; a revoked key may call none.
UNVOUCHED: frozenset[str] = frozenset((f"/{_PACKAGE}.DirectoryService/IssueCertificate",))
