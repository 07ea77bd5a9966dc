"""Derivation of record ids from the issuer's secret, so that they can be recomputed (proto/README.md 2).

    first 16 bytes of HMAC-SHA256(the issuer's 32-byte secret, "creditregistry/record-id/v1" || kind ||
    own debt reference || first day of the episode as first reported || attempt)

with the version and variant bits of a UUIDv8 (RFC 9562 5.8) set.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import label, lp, u64
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.words import Kind

__all__ = ["SECRET_BYTES", "derive_record_id"]

SECRET_BYTES = 32
_LABEL = label("creditregistry/record-id/v1")


def derive_record_id(secret: bytes, kind: Kind, debt_reference: str, first_day: date, attempt: int = 0) -> bytes:
    """Return the 16-byte id of a record.

    Args:
        secret: the issuer's 32 bytes, backed up with its keys.
        kind: of the record.
        debt_reference: the issuer's own name of the debt, NFC.
        first_day: of the episode, as first reported.
        attempt: how many records of that episode ended WITHDRAWN before.

    Raises:
        FormatError: the secret is not 32 bytes long.
    """
    if len(secret) != SECRET_BYTES:
        raise FormatError("record_id", "secret.length", got=f"{len(secret)} bytes", want=f"{SECRET_BYTES} bytes")
    message = _LABEL + u64(kind.number) + lp(debt_reference) + lp(first_day.isoformat()) + u64(attempt)
    raw = bytearray(hmac.digest(secret, message, "sha256")[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)
