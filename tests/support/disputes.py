"""Answers to a dispute, as fields of an annotation."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from client_sdk.kernel.formats.words import DisputeOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

EVIDENCE = (sha256(b"the signed contract").digest(),)
# Of who disputes: no answer has named it.
RECEIPT = (sha256(b"the receipt of a payment").digest(),)
CONFIRMED: Mapping[str, Any] = {"outcome": DisputeOutcome.CONFIRMED, "evidence": EVIDENCE}
CORRECTED: Mapping[str, Any] = {"outcome": DisputeOutcome.CORRECTED, "evidence": EVIDENCE}
UNCONFIRMED: Mapping[str, Any] = {"outcome": DisputeOutcome.UNCONFIRMED, "evidence": EVIDENCE}
WITHDRAWN: Mapping[str, Any] = {"outcome": DisputeOutcome.WITHDRAWN}
