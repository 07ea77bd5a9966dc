"""Act files: the genesis act and its approvals, exchanged between administrators before the registry serves."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, Approval
from client_sdk.kernel.ledger.enrolment_file import from_base64, read_fields

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer

__all__ = ["ActFile"]

FORM = "creditregistry act v1"


@dataclass(frozen=True, slots=True)
class ActFile:
    """The payload of an act with the approvals gathered so far, ascending by key id."""

    payload: bytes
    approvals: tuple[Approval, ...] = ()

    @property
    def act(self) -> Act:
        """The act inside.

        Raises:
            FormatError: the payload is no canonical act.
        """
        return Act.parse(self.payload)

    def approve(self, signer: Signer) -> ActFile:
        """Return the file with one more approval; the same file where that key has approved before."""
        approval = Approval(signer.public_key.key_id, dsse.sign(signer, dsse.ACT, self.payload))
        others = [given for given in self.approvals if given.key_id != approval.key_id]
        return replace(self, approvals=tuple(sorted((*others, approval))))

    def leaf(self, logged_at: int) -> ActLeaf:
        """Return the leaf that logs the act."""
        return ActLeaf(logged_at, self.payload, self.approvals)

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        approvals = [
            {"key_id": given.key_id.hex(), "signature": base64.b64encode(given.signature).decode()}
            for given in self.approvals
        ]
        content = {"form": FORM, "payload": base64.b64encode(self.payload).decode(), "approvals": approvals}
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> ActFile:
        """Return the content of a file.

        Raises:
            FormatError: it is no act file. The act inside is parsed by ``act``.
        """
        fields = read_fields(data, FORM, {"payload": str, "approvals": list})
        payload = from_base64(fields["payload"], "act")
        given = fields["approvals"]
        approvals = tuple(_approval(item) for item in given) if isinstance(given, list) else ()
        if any(later.key_id <= earlier.key_id for earlier, later in pairwise(approvals)):
            raise FormatError("act", "file.approvals", want="ascending by key id")
        return cls(payload, approvals)


def _approval(item: object) -> Approval:
    if not isinstance(item, dict) or set(item) != {"key_id", "signature"}:
        raise FormatError("act", "file.approvals", want="key_id and signature")
    try:
        key_id = bytes.fromhex(str(item["key_id"]))
    except ValueError:
        raise FormatError("act", "file.approvals", want="a key id in hexadecimal") from None
    return Approval(key_id, from_base64(item["signature"], "act"))
