"""Values of the public API: frozen dataclasses, never protobuf messages."""

from client_sdk.kernel.formats.assessment import AssessmentInputs
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import (
    AlertReason,
    AnnotationFlag,
    DisputeOutcome,
    InstitutionStatus,
    KeyUsage,
    Kind,
    NoticeReason,
    Purpose,
    Role,
    Standing,
    WithdrawalReason,
)
from client_sdk.kernel.ledger.quality import QualityEvent
from client_sdk.kernel.rules.facts import (
    Amounts,
    Arrangement,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    Consent,
    ConsentForm,
    ContactCount,
    Debt,
    DefaultCause,
    DefaultFacts,
    EnforcementFacts,
    Facts,
    JudgmentFacts,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    NoticeEvidence,
    Product,
    SubjectRole,
)
from client_sdk.kernel.rules.monthly import HistoryMonth
from client_sdk.kernel.rules.reciprocity import LevelStanding
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.models.act import LoggedAct
from client_sdk.models.alert import Alert, AlertPage, AlertsAsked
from client_sdk.models.answer import Answer, Failure, Verdict
from client_sdk.models.assessment import Assessment, Outcome, Reason, ReasonId, Total
from client_sdk.models.batch import (
    BatchReport,
    ChangedColumn,
    FollowedVersion,
    GivenBack,
    Phase,
    PreflightReport,
    Progress,
    ProgressCallback,
    RejectedRow,
)
from client_sdk.models.certificate import CertificateView, TlsKeyStanding
from client_sdk.models.destruction import DestructionCertificate
from client_sdk.models.dispute import AnnotationReceipt, DisputeView
from client_sdk.models.erasure import ErasureProof
from client_sdk.models.features import Feature, Features
from client_sdk.models.listed import ListedRecord, Unopened
from client_sdk.models.member_quality import MemberQuality, QualityMonth
from client_sdk.models.notice import AcknowledgementReceipt, Notice
from client_sdk.models.own_inquiry import OwnInquiry
from client_sdk.models.papers import notice_sent, written_consent
from client_sdk.models.proposal import Approved, ProposalView
from client_sdk.models.quality import QualityReport, QualityRule, RuleTier
from client_sdk.models.receipt import InquiryReceipt, Receipt
from client_sdk.models.reciprocity import Reciprocity
from client_sdk.models.record import RecordState, RecordView
from client_sdk.models.removal import ListingRemoval
from client_sdk.models.replayed import Replayed
from client_sdk.models.report import (
    Basis,
    DefaultReport,
    EnforcementReport,
    JudgmentReport,
    ListingReport,
    RecordName,
    Report,
    debt,
)
from client_sdk.models.row_warning import RowWarning
from client_sdk.models.screening import (
    Customer,
    ScreenChange,
    ScreenChangeKind,
    ScreenFinding,
    ScreenPhase,
    ScreenProgress,
    ScreenProgressCallback,
    ScreenReport,
    WatchReport,
)
from client_sdk.models.statistics import Breakdown, Statistics, StatisticsRow
from client_sdk.models.status import KeyServiceStatus, Status
from client_sdk.models.subject_report import AskedAbout, InstitutionName, RecordEvent, SubjectRecord, SubjectReport
from client_sdk.models.violation import Violation
from client_sdk.models.weighing import Criteria
from client_sdk.models.witnessed import WitnessDemand, Witnessed

__all__ = [
    "AcknowledgementReceipt",
    "Alert",
    "AlertPage",
    "AlertReason",
    "AlertsAsked",
    "Amounts",
    "AnnotationFlag",
    "AnnotationReceipt",
    "Answer",
    "Approved",
    "Arrangement",
    "ArrangementOutcome",
    "ArrangementPeriod",
    "AskedAbout",
    "Assessment",
    "AssessmentInputs",
    "Basis",
    "BatchReport",
    "Breakdown",
    "CertificateView",
    "ChangedColumn",
    "CollectionStage",
    "Consent",
    "ConsentForm",
    "ContactCount",
    "Criteria",
    "Customer",
    "Debt",
    "DefaultCause",
    "DefaultFacts",
    "DefaultReport",
    "DestructionCertificate",
    "DisputeOutcome",
    "DisputeView",
    "EnforcementFacts",
    "EnforcementReport",
    "ErasureProof",
    "Facts",
    "Failure",
    "Feature",
    "Features",
    "FollowedVersion",
    "GivenBack",
    "HistoryMonth",
    "IdType",
    "Identity",
    "InquiryReceipt",
    "InstitutionName",
    "InstitutionStatus",
    "JudgmentFacts",
    "JudgmentReport",
    "JudgmentResult",
    "JudgmentStage",
    "KeyServiceStatus",
    "KeyUsage",
    "Kind",
    "LegalBasis",
    "LevelStanding",
    "ListedRecord",
    "ListingFacts",
    "ListingGround",
    "ListingOrigin",
    "ListingPerformance",
    "ListingRemoval",
    "ListingReport",
    "LoggedAct",
    "Measure",
    "MemberQuality",
    "Notice",
    "NoticeChannel",
    "NoticeEvidence",
    "NoticeReason",
    "Outcome",
    "OwnInquiry",
    "Phase",
    "PreflightReport",
    "Product",
    "Progress",
    "ProgressCallback",
    "ProposalView",
    "Purpose",
    "QualityEvent",
    "QualityMonth",
    "QualityReport",
    "QualityRule",
    "Reason",
    "ReasonId",
    "Receipt",
    "Reciprocity",
    "RecordEvent",
    "RecordKey",
    "RecordName",
    "RecordState",
    "RecordView",
    "RejectedRow",
    "Replayed",
    "Report",
    "Role",
    "RowWarning",
    "RuleTier",
    "ScreenChange",
    "ScreenChangeKind",
    "ScreenFinding",
    "ScreenPhase",
    "ScreenProgress",
    "ScreenProgressCallback",
    "ScreenReport",
    "Standing",
    "Statistics",
    "StatisticsRow",
    "Status",
    "SubjectRecord",
    "SubjectReport",
    "SubjectRole",
    "TlsKeyStanding",
    "Total",
    "Unopened",
    "Verdict",
    "Violation",
    "WatchReport",
    "WithdrawalReason",
    "WitnessDemand",
    "Witnessed",
    "debt",
    "notice_sent",
    "written_consent",
]
