"""Values of wrong types and ranges, by what they are given for, and one right value of some types."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from client_sdk import CertificateRequest, Identity, IdType, Kind, ProposalView, RecordName, written_consent
from client_sdk.acts import RetireKeyServicesBody
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.leaf import Approval
from client_sdk.kernel.formats.tls_key import SignedClaim
from tests.support.production import BREACH

NUMBER = "110105194912310021"
# Half of a surrogate pair, which UTF-8 cannot write.
HALF = "\ud800"
BEYOND = 10**30
NO_TEXT: tuple[Any, ...] = (None, 5, True, b"text", [], HALF)
NO_BYTES: tuple[Any, ...] = (None, 5, True, NUMBER, [], bytearray(16))
NO_ID: tuple[Any, ...] = (*NO_BYTES, b"", b"short", bytes(17))
NO_HASH: tuple[Any, ...] = (*NO_BYTES, b"", b"short", bytes(16))
NO_PERSON: tuple[Any, ...] = (
    *(NUMBER, 5, True, b"", [], {}),
    Identity(IdType.CN_RESIDENT_ID, NUMBER, "CN"),
    Identity(IdType.PASSPORT, "g1234567", "GB"),
    Identity(IdType.PASSPORT, HALF, "GB"),
    Identity("PASSPORT", "G1234567", "GB"),  # type: ignore[arg-type]  # meant
    Identity(IdType.PASSPORT, 5, None),  # type: ignore[arg-type]  # meant
    Identity([], "G1234567", "GB"),  # type: ignore[arg-type]  # meant
)
NO_PATH: tuple[Any, ...] = (5, True, [], {}, HALF, "no\0path")
NO_NUMBER: tuple[Any, ...] = (None, "1", True, 1.0, [], -1, 0, BEYOND)
NO_INSTITUTION: tuple[Any, ...] = (*NO_TEXT, "Lender 1", "lender\0", NUMBER * 8)
NO_KIND: tuple[Any, ...] = ("NONSENSE", 5, None)
NO_DAY: tuple[Any, ...] = ("2025-01-01", None, datetime(2025, 1, 1, tzinfo=UTC))
NO_ATTEMPT: tuple[Any, ...] = (-1, BEYOND, True, "1")
NO_EXECUTOR: tuple[Any, ...] = (5, True, "pool", [])
NO_FUNCTION: tuple[Any, ...] = (5, True, "f", [])

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
NAME = RecordName(kind=Kind.DEFAULT, reference="LOAN-1", first_day=date(2025, 1, 1))
CLAIM = SignedClaim(b"payload", bytes(32), bytes(64))
REQUEST = CertificateRequest("lender-1", b"csr", CLAIM)
APPROVAL = Approval(bytes(32), bytes(64))
NO_BREACH: tuple[Any, ...] = (
    *(replace(BREACH, noticed_at=wrong) for wrong in NO_NUMBER),
    *(replace(BREACH, natures=wrong) for wrong in (None, 5, (), ("DISCLOSED",), (5,))),  # type: ignore[arg-type]  # meant
)
PROPOSAL = ProposalView(
    proposal_id=bytes(32),
    payload=b"payload",
    act=Act("test-registry", 1, bytes(32), RetireKeyServicesBody(1)),
    approvals=(),
    approved_by=(),
    threshold=1,
    proposed_at=datetime(2026, 1, 1, tzinfo=UTC),
    lapses_at=datetime(2026, 1, 2, tzinfo=UTC),
)
NO_CONSENT: tuple[object, ...] = (
    *(None, "yes", 5, []),
    replace(CONSENT, date=datetime(2025, 1, 1, tzinfo=UTC)),
    replace(CONSENT, digest=NUMBER),  # type: ignore[arg-type]  # meant
    replace(CONSENT, form=5),  # type: ignore[arg-type]  # meant
)
# Arguments of methods that may be left out, for which None stands.
MAY_BE_NONE = {
    *(("withdraw", "removed_on"), ("inquiries", "since"), ("correct", "record_id"), ("preview", "record_id")),
    *((name, "identity") for name in ("verify", "withdraw", "set_aside", "records", "erasure_proof", "verify_erasure")),
}
CRITERIA: dict[str, tuple[Any, ...]] = {
    "counted": (None, 5, "OPEN", [], frozenset(("OPEN",)), frozenset((("OPEN", "DEFAULT"),))),
    "watched": (None, 5, "OPEN", frozenset(((1, 2),))),
    "min_days_past_due": (None, "1", 1.0, True),
    "min_amounts": (None, 5, {"CNY": "1"}, {5: 5}, {"cny": 1}, {"\ud800": 1}),
    "judgment_stages": (None, 5, "FILED", frozenset((5,))),
    "forget_ended_after_days": ("1", 1.0, True, -1, BEYOND),
    "count_guarantors": (None, 1, "yes"),
    "refer_disputed": (None, 1, "yes"),
    "refer_stale": (None, 1, "yes"),
}
