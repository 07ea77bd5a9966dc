"""Enrolment files: application of a future member, with its keys, for the administrators.

JSON with base64 values, so that people can read what they pass on. It holds public keys, proofs of possession, a
certificate signing request with the vouch of one of those keys for the TLS key in it, and no secret.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical, strict_json
from client_sdk.kernel.formats.act import Enrolment
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.tls_key import SignedClaim
from client_sdk.kernel.formats.words import TlsKeyAction

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EnrolmentFile", "from_base64", "read_fields", "read_vouch"]

FORM = "creditregistry enrolment v1"
# What the small JSON files of this program call themselves.
_FORM_NAME = re.compile(r"creditregistry [a-z-]{1,32} v[0-9]{1,3}", re.ASCII)
# A file of keys and one request is some kilobytes.
MAX_FILE_BYTES = 65_536


def read_fields(data: bytes, form: str, fields: Mapping[str, type]) -> dict[str, object]:
    """Return the fields of a small JSON file of ours.

    Raises:
        FormatError: it is too long, no JSON object or of another form, or a field is missing, unknown, there twice or
            of another type.
    """
    part = form.rsplit(" ", 1)[0]
    given: object = data
    if not isinstance(given, bytes):
        raise FormatError(part, "file.form", got=type(given).__name__, want="the bytes of a file")
    if len(data) > MAX_FILE_BYTES:
        raise FormatError(part, "file.size", got=f"{len(data)} bytes", want=f"at most {MAX_FILE_BYTES} bytes")
    content = strict_json.parse(data, part)
    if not isinstance(content, dict) or content.get("form") != form:
        found = content.get("form") if isinstance(content, dict) else None
        named = isinstance(found, str) and _FORM_NAME.fullmatch(found) is not None
        raise FormatError(part, "file.form", got=str(found) if named else "no file of this program", want=form)
    if set(content) != {"form", *fields}:
        raise FormatError(part, "file.fields", want=", ".join(fields))
    for name, kind in fields.items():
        if not isinstance(content[name], kind):
            raise FormatError(part, "file.field", got=name, want=kind.__name__)
    return content


def from_base64(text: object, part: str) -> bytes:
    """Return the bytes of a base64 text.

    Raises:
        FormatError: it is not canonical base64.
    """
    if not str(text).isascii():
        raise FormatError(part, "file.base64", want="base64")
    try:
        data = base64.b64decode(str(text), validate=True)
    except ValueError:
        raise FormatError(part, "file.base64", want="base64") from None
    if base64.b64encode(data).decode() != text:
        raise FormatError(part, "file.base64", want="canonical base64")
    return data


def read_vouch(text: object, institution: str, part: str) -> SignedClaim:
    """Return the vouch of a file, in base64; its signature is checked where it is judged.

    Raises:
        FormatError: it is none of that institution.
    """
    vouch = SignedClaim.parse(from_base64(text, part))
    if (vouch.claim.institution, vouch.claim.action) != (institution, TlsKeyAction.VOUCH):
        raise FormatError(part, "file.vouch", want=f"a vouch of {institution}")
    return vouch


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """A future member's enrolment and its request for a TLS certificate.

    Attributes:
        enrolment: what the act enrols.
        csr: PKCS#10, PEM.
        vouch: of one of the enrolled keys, for the TLS key of the request.
    """

    enrolment: Enrolment
    csr: bytes
    vouch: SignedClaim

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        enrolment = canonical.encode(self.enrolment.message())
        content = {
            "form": FORM,
            "institution": self.enrolment.id,
            "enrolment": base64.b64encode(enrolment).decode(),
            "csr": self.csr.decode("ascii"),
            "vouch": base64.b64encode(self.vouch.encode()).decode(),
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> EnrolmentFile:
        """Return the content of a file.

        Raises:
            FormatError: it is no enrolment file, or the enrolment inside is not in order.
        """
        fields = read_fields(data, FORM, {"institution": str, "enrolment": str, "csr": str, "vouch": str})
        raw = from_base64(fields["enrolment"], "enrolment")
        enrolment = Enrolment.of(canonical.parse(pb.Enrolment, raw, "enrolment"))
        if enrolment.review is not None:
            raise FormatError("enrolment", "file.review", want="none: the review is the registry's, and the act's")
        if enrolment.id != fields["institution"]:
            raise FormatError("enrolment", "file.institution", want="the institution inside")
        vouch = read_vouch(fields["vouch"], enrolment.id, "enrolment")
        if all(grant.key_id != vouch.key_id for grant in enrolment.keys):
            raise FormatError("enrolment", "file.vouch", want="a vouch by one of the enrolled keys")
        return cls(enrolment, str(fields["csr"]).encode("ascii", "replace"), vouch)
