"""From the outputs of the key services to the pseudonym and the seal key of one person (proto/README.md 4).

    prk      = HKDF-Extract-SHA256(salt = label("creditregistry/pseudonym/v1") || u64(subject_key_version),
                                   ikm  = y_1 || ... || y_n)
    subject  = HKDF-Expand-SHA256(prk, label("creditregistry/pseudonym/subject/v1"), 32)
    seal key = HKDF-Expand-SHA256(prk, label("creditregistry/pseudonym/seal/v1"), 32)

y_i is the 64-byte output of key service i, in the order of RegistryState; a label is ASCII and one zero byte; u64 is
8 bytes big-endian. ``subject`` names the person in the registry, the seal key opens what is sealed to it, and nobody
gets either without all key services.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.debt import canonical_contract, debt_ref
from client_sdk.kernel.formats.encoding import label, u64
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.subjects.oprf import OUTPUT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SUBJECT_BYTES", "Pseudonym", "canonical_contract", "debt_ref", "derive"]

SUBJECT_BYTES = 32
_SALT = label("creditregistry/pseudonym/v1")
_SUBJECT = label("creditregistry/pseudonym/subject/v1")
_SEAL = label("creditregistry/pseudonym/seal/v1")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Pseudonym:
    """One person under one version of the subject keys; compared in constant time, shown by nothing.

    Attributes:
        subject_key_version: which key services made it.
        subject: 32 bytes, the pseudonym.
        seal_key: 32 bytes, opens disclosures and makes ``debt_ref``; leaves the lender's machine never.
    """

    subject_key_version: int
    subject: bytes
    seal_key: bytes

    def __repr__(self) -> str:
        return f"Pseudonym(subject_key_version={self.subject_key_version})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pseudonym):
            return NotImplemented
        same = hmac.compare_digest(self.subject + self.seal_key, other.subject + other.seal_key)
        return same and self.subject_key_version == other.subject_key_version

    def __hash__(self) -> int:
        return hash((self.subject_key_version, self.subject))

    def debt_ref(self, original_creditor: str, contract: str) -> bytes:
        """Return the reference of one of the person's debts (``formats.debt.debt_ref``).

        Raises:
            FormatError: creditor or contract are not what they should be.
        """
        return debt_ref(self.seal_key, original_creditor, contract)


def derive(subject_key_version: int, outputs: Sequence[bytes]) -> Pseudonym:
    """Return the pseudonym that the outputs of all key services of a version lead to.

    Args:
        subject_key_version: 1, 2, 3 and so on.
        outputs: 64 bytes of each key service, in the order of RegistryState.

    Raises:
        FormatError: version 0, no output, or one of another length.
    """
    if subject_key_version < 1 or not outputs or any(len(output) != OUTPUT_BYTES for output in outputs):
        raise FormatError("pseudonym", "pseudonym.outputs", want=f"a version, and {OUTPUT_BYTES} bytes of each service")
    # HKDF-Extract is HMAC keyed by the salt (RFC 5869 2.2).
    prk = hmac.digest(_SALT + u64(subject_key_version), b"".join(outputs), "sha256")
    return Pseudonym(subject_key_version, _expand(prk, _SUBJECT), _expand(prk, _SEAL))


def _expand(prk: bytes, info: bytes) -> bytes:
    """Return 32 bytes: the first block of HKDF-Expand, T(1), is all of them (RFC 5869 2.3)."""
    return hmac.digest(prk, info + b"\x01", "sha256")
