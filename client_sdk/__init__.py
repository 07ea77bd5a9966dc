"""The SDK for lenders, auditors and administrators; every answer is verified before it is returned.

    from client_sdk import Client, Identity, IdType, Purpose, written_consent

    with Client.from_home("lender-1") as client:
        answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        assessment = answer.assess()

``client_sdk.models`` holds what goes in and what comes out, ``client_sdk.errors`` what is raised,
``client_sdk.lending`` portfolios in files, ``client_sdk.auditing`` the audit, ``client_sdk.testing`` a whole registry
on this machine for an integrator's tests.

Names are loaded when they are first used: whoever needs the kernel alone, such as the server, loads no client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from client_sdk._version import __version__

if TYPE_CHECKING:
    from client_sdk.aio import AsyncClient
    from client_sdk.assessment import Criteria, assess
    from client_sdk.client import Client
    from client_sdk.config import ClientConfig
    from client_sdk.errors import (
        ConfigError,
        ConflictError,
        CreditRegistryError,
        DeadlineExceededError,
        InvalidError,
        KeyServiceError,
        NotPermittedError,
        OutboxError,
        PreflightError,
        QuotaError,
        RefusedError,
        RollbackError,
        TransportError,
        UnavailableError,
        VerificationError,
    )
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.models import (
        Amounts,
        AnnotationFlag,
        Answer,
        Approved,
        Assessment,
        Basis,
        BatchReport,
        CertificateView,
        CollectionStage,
        Consent,
        ConsentForm,
        Debt,
        DefaultFacts,
        DefaultReport,
        EnforcementFacts,
        EnforcementReport,
        Facts,
        Failure,
        Identity,
        IdType,
        InquiryReceipt,
        JudgmentFacts,
        JudgmentReport,
        JudgmentResult,
        JudgmentStage,
        KeyServiceStatus,
        Kind,
        LegalBasis,
        ListedRecord,
        LoggedAct,
        Measure,
        NoticeChannel,
        NoticeEvidence,
        Outcome,
        Phase,
        PreflightReport,
        Product,
        Progress,
        ProgressCallback,
        ProposalView,
        Purpose,
        Reason,
        ReasonId,
        Receipt,
        RecordKey,
        RecordName,
        RecordState,
        RecordView,
        RejectedRow,
        Report,
        RowWarning,
        Standing,
        Status,
        SubjectRole,
        TlsKeyStanding,
        Total,
        Unopened,
        Verdict,
        Violation,
        debt,
        notice_sent,
        written_consent,
    )
    from client_sdk.verification import read_trust_root, verify

__all__ = [
    "Amounts",
    "AnnotationFlag",
    "Answer",
    "Approved",
    "Assessment",
    "AsyncClient",
    "Basis",
    "BatchReport",
    "CertificateRequest",
    "CertificateView",
    "Client",
    "ClientConfig",
    "CollectionStage",
    "ConfigError",
    "ConflictError",
    "Consent",
    "ConsentForm",
    "CreditRegistryError",
    "Criteria",
    "DeadlineExceededError",
    "Debt",
    "DefaultFacts",
    "DefaultReport",
    "EnforcementFacts",
    "EnforcementReport",
    "Facts",
    "Failure",
    "IdType",
    "Identity",
    "InquiryReceipt",
    "InvalidError",
    "JudgmentFacts",
    "JudgmentReport",
    "JudgmentResult",
    "JudgmentStage",
    "KeyServiceError",
    "KeyServiceStatus",
    "Kind",
    "LegalBasis",
    "ListedRecord",
    "LoggedAct",
    "Measure",
    "NotPermittedError",
    "NoticeChannel",
    "NoticeEvidence",
    "OutboxError",
    "Outcome",
    "Phase",
    "PreflightError",
    "PreflightReport",
    "Product",
    "Progress",
    "ProgressCallback",
    "ProposalView",
    "Purpose",
    "QuotaError",
    "Reason",
    "ReasonId",
    "Receipt",
    "RecordKey",
    "RecordName",
    "RecordState",
    "RecordView",
    "RefusedError",
    "RejectedRow",
    "Report",
    "RollbackError",
    "RowWarning",
    "Standing",
    "Status",
    "SubjectRole",
    "TlsKeyStanding",
    "Total",
    "TransportError",
    "UnavailableError",
    "Unopened",
    "Verdict",
    "VerificationError",
    "Violation",
    "__version__",
    "assess",
    "debt",
    "notice_sent",
    "read_trust_root",
    "verify",
    "written_consent",
]

# Where a name lives; those of ``client_sdk.errors`` end in Error, all others are of ``client_sdk.models``.
_HOMES = {
    "AsyncClient": "client_sdk.aio",
    "CertificateRequest": "client_sdk.kernel.ledger.certificate_request_file",
    "Client": "client_sdk.client",
    "ClientConfig": "client_sdk.config",
    "Criteria": "client_sdk.assessment",
    "assess": "client_sdk.assessment",
    "read_trust_root": "client_sdk.verification",
    "verify": "client_sdk.verification",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    usual = "client_sdk.errors" if name.endswith("Error") else "client_sdk.models"
    value: object = getattr(import_module(_HOMES.get(name, usual)), name)
    # Found without this function from now on.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
