"""DSSE pre-authentication encoding, and the forms that are signed with it (DSSE 1.0.2, proto/README.md 1).

    PAE = "DSSEv1" SP len(type) SP type SP len(payload) SP payload      lengths in bytes, decimal

Each payload type is accepted only in its own place, so that a signature over one form never counts as another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import keys
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer

__all__ = [
    "ACKNOWLEDGEMENT",
    "ACT",
    "ANNOTATION",
    "DESTRUCTION",
    "ERASURE",
    "EXPORT",
    "INQUIRY",
    "KEY_REQUEST",
    "POSSESSION",
    "STATEMENT",
    "STATEMENT_BATCH",
    "TAKE_OVER_RECEIPT",
    "TLS_KEY",
    "pae",
    "payload_type",
    "sign",
    "verify",
]

_FORMS = frozenset(
    (
        *("statement", "statement-batch", "annotation", "acknowledgement", "act", "inquiry", "key-request"),
        *("possession", "tls-key", "erasure", "export", "hand-over", "destruction"),
    )
)


def payload_type(form: str) -> str:
    """Return the payload type of a form.

    Args:
        form: statement, statement-batch, annotation, acknowledgement, act, inquiry, key-request, possession, tls-key,
            erasure, export, hand-over or destruction.

    Raises:
        FormatError: no such form is signed.
    """
    if form not in _FORMS:
        raise FormatError("payload type", "dsse.form", want="a form that proto/README.md 1 names")
    return f"application/vnd.creditregistry.{form}.v1+protobuf"


STATEMENT = payload_type("statement")
STATEMENT_BATCH = payload_type("statement-batch")
ANNOTATION = payload_type("annotation")
ACKNOWLEDGEMENT = payload_type("acknowledgement")
ACT = payload_type("act")
INQUIRY = payload_type("inquiry")
KEY_REQUEST = payload_type("key-request")
POSSESSION = payload_type("possession")
TLS_KEY = payload_type("tls-key")
ERASURE = payload_type("erasure")
EXPORT = payload_type("export")
TAKE_OVER_RECEIPT = payload_type("hand-over")
DESTRUCTION = payload_type("destruction")


@lru_cache(maxsize=64)
def _prefix(form_type: str | bytes) -> bytes:
    """Return the encoding up to the payload type, cached: there are only a few types."""
    raw = form_type.encode() if isinstance(form_type, str) else form_type
    return b"DSSEv1 %d %b " % (len(raw), raw)


def pae(form_type: str | bytes, payload: bytes) -> bytes:
    """Return the bytes that are signed for a payload of this type; text counts as its UTF-8 bytes."""
    return b"%b%d %b" % (_prefix(form_type), len(payload), payload)


def verify(form_type: str, payload: bytes, public_key: bytes, signature: bytes) -> None:
    """Accept an Ed25519 signature over a payload of this type.

    Args:
        form_type: the payload type of the place where the payload was found, e.g. `STATEMENT`.
        payload: the exact bytes that were signed.
        public_key: 32 bytes.
        signature: 64 bytes.

    Raises:
        SignatureError: the signature does not verify under this key for this type.
    """
    keys.verify(public_key, pae(form_type, payload), signature)


def sign(signer: Signer, form_type: str, payload: bytes) -> bytes:
    """Return the signature over a payload of this type."""
    return signer.sign(pae(form_type, payload))
