"""The SDK for lenders, auditors, administrators and representatives; every answer is verified before it is returned.

    from client_sdk import Client, Identity, IdType, Purpose, written_consent

    with Client.from_home("lender-1") as client:
        answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        assessment = answer.assess()

``client_sdk.models`` holds what goes in and what comes out, ``client_sdk.errors`` what is raised,
``client_sdk.lending`` portfolios in files, ``client_sdk.auditing`` the audit, ``client_sdk.acts`` what administrators
decide, ``client_sdk.home`` and ``client_sdk.signing`` homes and keys, ``client_sdk.checkpoints`` signed checkpoints,
``client_sdk.testing`` a whole registry on this machine for an integrator's tests. Modules with an underscore and
``client_sdk.kernel`` are not for use by others.

Names are loaded when they are first used: a program that needs the kernel alone, such as the server, loads no client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from client_sdk._version import __version__

if TYPE_CHECKING:
    from client_sdk.aio import AsyncClient
    from client_sdk.auditing.auditor import Auditor
    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.report import AuditReport
    from client_sdk.auditing.tally import ActRow, InstitutionRow
    from client_sdk.client import Client
    from client_sdk.config import ClientConfig
    from client_sdk.errors import (
        ConfigError,
        ConflictError,
        CreditRegistryError,
        DeadlineExceededError,
        FormatError,
        IdentityError,
        InvalidError,
        KeyServiceError,
        NotPermittedError,
        OutboxError,
        PreflightError,
        QuotaError,
        RefusedError,
        RollbackError,
        RuleError,
        TransportError,
        UnavailableError,
        VerificationError,
    )
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.kernel.ledger.findings import Finding, FindingId
    from client_sdk.kernel.ledger.trust_root import TrustRoot
    from client_sdk.lending.files import Encoding, Portfolio, read_portfolio
    from client_sdk.models import (
        Amounts,
        AnnotationFlag,
        AnnotationReceipt,
        Answer,
        Approved,
        AskedAbout,
        Assessment,
        Basis,
        BatchReport,
        CertificateView,
        CollectionStage,
        Consent,
        ConsentForm,
        Criteria,
        Debt,
        DefaultFacts,
        DefaultReport,
        DisputeOutcome,
        DisputeView,
        EnforcementFacts,
        EnforcementReport,
        Facts,
        Failure,
        Identity,
        IdType,
        InquiryReceipt,
        InstitutionName,
        InstitutionStatus,
        JudgmentFacts,
        JudgmentReport,
        JudgmentResult,
        JudgmentStage,
        KeyServiceStatus,
        KeyUsage,
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
        RecordEvent,
        RecordKey,
        RecordName,
        RecordState,
        RecordView,
        RejectedRow,
        Report,
        Role,
        RowWarning,
        Standing,
        Status,
        SubjectRecord,
        SubjectReport,
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
    from client_sdk.trust import fetch_trust_root
    from client_sdk.verification import read_trust_root, verify

__all__ = [
    "ActRow",
    "Amounts",
    "AnnotationFlag",
    "AnnotationReceipt",
    "Answer",
    "Approved",
    "AskedAbout",
    "Assessment",
    "AsyncClient",
    "AuditFinding",
    "AuditReport",
    "Auditor",
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
    "DisputeOutcome",
    "DisputeView",
    "Encoding",
    "EnforcementFacts",
    "EnforcementReport",
    "Facts",
    "Failure",
    "Finding",
    "FindingId",
    "FormatError",
    "IdType",
    "Identity",
    "IdentityError",
    "InquiryReceipt",
    "InstitutionName",
    "InstitutionRow",
    "InstitutionStatus",
    "InvalidError",
    "JudgmentFacts",
    "JudgmentReport",
    "JudgmentResult",
    "JudgmentStage",
    "KeyServiceError",
    "KeyServiceStatus",
    "KeyUsage",
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
    "Portfolio",
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
    "RecordEvent",
    "RecordKey",
    "RecordName",
    "RecordState",
    "RecordView",
    "RefusedError",
    "RejectedRow",
    "Report",
    "Role",
    "RollbackError",
    "RowWarning",
    "RuleError",
    "Standing",
    "Status",
    "SubjectRecord",
    "SubjectReport",
    "SubjectRole",
    "TlsKeyStanding",
    "Total",
    "TransportError",
    "TrustRoot",
    "UnavailableError",
    "Unopened",
    "Verdict",
    "VerificationError",
    "Violation",
    "__version__",
    "debt",
    "fetch_trust_root",
    "notice_sent",
    "read_portfolio",
    "read_trust_root",
    "verify",
    "written_consent",
]

# Where a name lives; those of ``client_sdk.errors`` end in Error, all others are of ``client_sdk.models``.
_HOMES = {
    "ActRow": "client_sdk.auditing.tally",
    "AsyncClient": "client_sdk.aio",
    "AuditFinding": "client_sdk.auditing.home",
    "AuditReport": "client_sdk.auditing.report",
    "Auditor": "client_sdk.auditing.auditor",
    "CertificateRequest": "client_sdk.kernel.ledger.certificate_request_file",
    "Client": "client_sdk.client",
    "ClientConfig": "client_sdk.config",
    "Encoding": "client_sdk.lending.files",
    "Finding": "client_sdk.kernel.ledger.findings",
    "FindingId": "client_sdk.kernel.ledger.findings",
    "InstitutionRow": "client_sdk.auditing.tally",
    "Portfolio": "client_sdk.lending.files",
    "TrustRoot": "client_sdk.kernel.ledger.trust_root",
    "fetch_trust_root": "client_sdk.trust",
    "read_portfolio": "client_sdk.lending.files",
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
