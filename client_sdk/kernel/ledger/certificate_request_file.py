"""Certificate request files: a member's request for a certificate of a TLS key, on its way to an administrator.

JSON, so that people can read what they pass on. It holds a certificate signing request and the member's vouch for the
key in it; no secret.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.ledger.enrolment_file import read_fields, read_vouch

if TYPE_CHECKING:
    from client_sdk.kernel.formats.tls_key import SignedClaim
    from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile

__all__ = ["CertificateRequest"]

PART = "creditregistry certificate-request"
FORM = f"{PART} v1"


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """Content of a certificate request file.

    Attributes:
        institution: whose it will be.
        csr: PKCS#10, PEM.
        vouch: signed by a signing key of the institution, for the key of the request.
    """

    institution: str
    csr: bytes
    vouch: SignedClaim

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        content = {
            "form": FORM,
            "institution": self.institution,
            "spki_hash": self.vouch.claim.spki_hash.hex(),
            "csr": self.csr.decode("ascii"),
            "vouch": base64.b64encode(self.vouch.encode()).decode(),
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def of(cls, file: EnrolmentFile) -> CertificateRequest:
        """Return the request that an enrolment file holds."""
        return cls(file.enrolment.id, file.csr, file.vouch)

    @classmethod
    def parse(cls, data: bytes) -> CertificateRequest:
        """Return the content of a file.

        Raises:
            FormatError: it is no certificate request file, or the vouch inside is not what the file says.
        """
        fields = read_fields(data, FORM, {"institution": str, "spki_hash": str, "csr": str, "vouch": str})
        institution = check_institution_id(str(fields["institution"]), PART, "institution")
        vouch = read_vouch(fields["vouch"], institution, PART)
        if vouch.claim.spki_hash.hex() != fields["spki_hash"]:
            raise FormatError(PART, "file.spki-hash", want="the key inside the vouch")
        return cls(institution, str(fields["csr"]).encode("ascii", "replace"), vouch)
