"""Key-service files: address, public key and certificate request of a key service, for the administrators.

JSON, so that people can read what they pass on: the address, the VOPRF public key, and a request for a certificate with
which the service answers members and reads the registry. No secret is in it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import KeyService
from client_sdk.kernel.formats.voprf_key import check_voprf_key
from client_sdk.kernel.ledger.enrolment_file import from_base64, read_fields
from client_sdk.kernel.ledger.holder import Holder, HolderKind

__all__ = ["KeyServiceFile"]

PART = "creditregistry key-service"
FORM = f"{PART} v1"
# A host name, an IPv4 address or an IPv6 address in brackets, and a port.
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}")
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class KeyServiceFile:
    """One key service with one of its keys.

    Attributes:
        service: name, address and public key, as acts name them; its certificate carries the name.
        csr: PKCS#10 request, PEM.
    """

    service: KeyService
    csr: bytes

    @property
    def name(self) -> str:
        """Of the service."""
        return self.service.name

    @property
    def holder(self) -> Holder:
        """Holder of the certificate."""
        return Holder(HolderKind.KEY_SERVICE, self.name)

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        content = {
            "form": FORM,
            "name": self.name,
            "url": self.service.url,
            "public_key": base64.b64encode(self.service.public_key).decode(),
            "csr": self.csr.decode("ascii"),
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> KeyServiceFile:
        """Return the content of a file.

        Raises:
            FormatError: it is no key-service file, or a field has the wrong form.
        """
        fields = read_fields(data, FORM, {"name": str, "url": str, "public_key": str, "csr": str})
        name, url, csr = str(fields["name"]), str(fields["url"]), str(fields["csr"])
        public_key = from_base64(fields["public_key"], PART)
        check_voprf_key(public_key)
        Holder.parse(Holder(HolderKind.KEY_SERVICE, name).uri)
        if not _ADDRESS.fullmatch(url) or int(url.rpartition(":")[2]) > _MAX_PORT:
            raise FormatError(PART, "file.url", want="host:port")
        return cls(KeyService(url, public_key, name), csr.encode("ascii", "replace"))
