"""File of a signed inquiry with its receipt (proto/README.md 8).

    file = label "creditregistry/inquiry-receipt/v1" || canonical ProvedInquiry

It has one spelling: the label, then what parses as canonical protobuf and nothing else.
"""

from __future__ import annotations

from creditregistry.v1 import check_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import label
from client_sdk.kernel.formats.errors import FormatError

__all__ = ["INQUIRY_RECEIPT_LABEL", "inquiry_file", "parse_inquiry_file"]

INQUIRY_RECEIPT_LABEL = label("creditregistry/inquiry-receipt/v1")
# An inquiry about 100 persons takes 4 KiB, two paths 2 KiB each; longer files are none.
MAX_BYTES = 64 * 1024
_PART = "inquiry receipt"


def inquiry_file(proved: pb.ProvedInquiry) -> bytes:
    """Return the bytes of the file.

    Raises:
        FormatError: a part cannot be written canonically.
    """
    return INQUIRY_RECEIPT_LABEL + canonical.encode(proved)


def parse_inquiry_file(data: bytes) -> pb.ProvedInquiry:
    """Return what a file holds; nothing of it is verified yet.

    Raises:
        FormatError: it has another label, is too long, or is not canonical.
    """
    if not data.startswith(INQUIRY_RECEIPT_LABEL) or len(data) > MAX_BYTES:
        raise FormatError(_PART, "inquiry-receipt.label", want=INQUIRY_RECEIPT_LABEL[:-1].decode())
    return canonical.parse(pb.ProvedInquiry, data[len(INQUIRY_RECEIPT_LABEL) :], _PART)
