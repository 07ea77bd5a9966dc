"""Acts of the administrators, the directory that follows from them, and the files that people carry for them.

    body = KeyEndBody("lender-1", key_id)
    with Client.from_home("admin-1") as client:
        client.propose(body)

Times of acts are milliseconds since 1970 UTC, as they are signed; ``moment`` makes a datetime of one.
"""

from client_sdk.kernel.formats.act import (
    Act,
    AdministratorsBody,
    Body,
    BreachBody,
    ClockBody,
    ClosingBody,
    EndingBody,
    Enrolment,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrant,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    SuccessorRegistry,
    TlsKeyBody,
    grant_key,
)
from client_sdk.kernel.formats.breach import BREACH_TEXTS
from client_sdk.kernel.formats.jurisdiction import JURISDICTIONS
from client_sdk.kernel.formats.keys import PublicKey, Signer
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.review import Review
from client_sdk.kernel.formats.state import InstitutionKey, InstitutionState, KeyService, KeyServices, Rulebook
from client_sdk.kernel.formats.tls_key import SPKI_HASH_BYTES, spki_hash
from client_sdk.kernel.formats.words import BreachedData, BreachNature, ClosingWay
from client_sdk.kernel.ledger.act_file import ActFile
from client_sdk.kernel.ledger.act_members import members_of
from client_sdk.kernel.ledger.breach import LoggedBreach, breach_due
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.closing import Closing
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.key_grant_file import KeyGrantFile
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.ledger.next_act import next_act
from client_sdk.kernel.ledger.onboarding import ReviewStanding, ReviewState
from client_sdk.kernel.ledger.rulebook_preview import RulebookChange, RulebookPreview, preview_rulebook
from client_sdk.kernel.rules.licence import licence_fits

__all__ = [
    "BREACH_TEXTS",
    "JURISDICTIONS",
    "SPKI_HASH_BYTES",
    "Act",
    "ActFile",
    "AdministratorsBody",
    "Body",
    "BreachBody",
    "BreachNature",
    "BreachedData",
    "CertificateRequest",
    "ClockBody",
    "Closing",
    "ClosingBody",
    "ClosingWay",
    "Directory",
    "EndingBody",
    "Enrolment",
    "EnrolmentFile",
    "ErasureBody",
    "GenesisBody",
    "InstitutionBody",
    "InstitutionKey",
    "InstitutionState",
    "KeyEndBody",
    "KeyGrant",
    "KeyGrantBody",
    "KeyGrantFile",
    "KeyService",
    "KeyServiceFile",
    "KeyServices",
    "KeyServicesBody",
    "LoggedBreach",
    "Overlay",
    "PublicKey",
    "RetireKeyServicesBody",
    "Review",
    "ReviewBody",
    "ReviewStanding",
    "ReviewState",
    "Rulebook",
    "RulebookBody",
    "RulebookChange",
    "RulebookPreview",
    "Signer",
    "StateBody",
    "SuccessionBody",
    "SuccessorRegistry",
    "TlsKeyBody",
    "breach_due",
    "grant_key",
    "licence_fits",
    "members_of",
    "milliseconds",
    "moment",
    "next_act",
    "preview_rulebook",
    "spki_hash",
]
