"""Key-grant files: a further key of a member, on its way to the administrators.

JSON, so that people can read what they pass on. It holds a public key, the proof of possession of its private key, and
the signature of a key that the institution has already (proto/README.md 5); no secret.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import KeyGrant
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.ledger.enrolment_file import from_base64, read_fields

__all__ = ["KeyGrantFile"]

PART = "creditregistry key-grant"
FORM = f"{PART} v1"


@dataclass(frozen=True, slots=True)
class KeyGrantFile:
    """A further key of an institution.

    Attributes:
        institution: its id.
        grant: the key, endorsed by one that the institution has.
    """

    institution: str
    grant: KeyGrant

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        content = {
            "form": FORM,
            "institution": self.institution,
            "usage": self.grant.usage.name,
            "key_id": self.grant.key_id.hex(),
            "grant": base64.b64encode(canonical.encode(self.grant.message())).decode(),
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> KeyGrantFile:
        """Return the content of a file.

        Raises:
            FormatError: it is no key-grant file, or the grant inside is not what the file says.
        """
        fields = read_fields(data, FORM, {"institution": str, "usage": str, "key_id": str, "grant": str})
        raw = from_base64(fields["grant"], PART)
        grant = KeyGrant.of(canonical.parse(pb.KeyGrant, raw, PART))
        if (grant.usage.name, grant.key_id.hex()) != (fields["usage"], fields["key_id"]):
            raise FormatError(PART, "file.grant", want="the usage and the key inside")
        return cls(check_institution_id(str(fields["institution"]), PART, "institution"), grant)
