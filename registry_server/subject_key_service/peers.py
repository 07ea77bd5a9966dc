"""Whom a key service answers at all: members and key services of the directory, over TLS keys that no act has ended."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.formats.errors import FormatError
from client_sdk.formats.words import InstitutionStatus
from client_sdk.ledger.holder import HolderKind, Peer
from client_sdk.ledger.tls_key import check_not_ended
from registry_server.subject_key_service.errors import RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.auditing.follower import DirectoryView

__all__ = ["check_peer", "peer_of"]

_NAMES = "x509_subject_alternative_name"
_CERTIFICATE = "x509_pem_cert"


def peer_of(auth_context: Mapping[str, Iterable[bytes]]) -> Peer:
    """Return whom the client's certificate names, and its key.

    Raises:
        RequestRefusedError: CERTIFICATE_UNKNOWN; it names nobody, or more than one, or its key cannot be read.
    """
    return _peer(tuple(auth_context.get(_NAMES, ())), b"".join(auth_context.get(_CERTIFICATE, ())))


@lru_cache(maxsize=4_096)
def _peer(names: tuple[bytes, ...], certificate: bytes) -> Peer:
    try:
        return Peer.of(names, certificate)
    except FormatError as error:
        raise RequestRefusedError("CERTIFICATE_UNKNOWN", "certificate", error.rule, want=error.want) from error


def check_peer(view: DirectoryView | None, peer: Peer) -> None:
    """Check that the other end belongs to the registry; before the first directory that cannot be known.

    Raises:
        RuleError: INSTITUTION_UNKNOWN, or TLS_KEY_REVOKED where an act has ended the TLS key.
        RequestRefusedError: CERTIFICATE_UNKNOWN or INSTITUTION_TERMINATED.
    """
    if view is None:
        return
    if peer.holder.kind is HolderKind.KEY_SERVICE:
        if not view.directory.state.has_key_service(peer.holder.name):
            want = "a key service of a live version of the subject keys"
            raise RequestRefusedError("CERTIFICATE_UNKNOWN", "certificate", "holder.key-service", want=want)
        return
    state = view.directory.institution(peer.holder.name)
    if state.status is InstitutionStatus.TERMINATED:
        raise RequestRefusedError("INSTITUTION_TERMINATED", "certificate", "peer.member", want="a member")
    check_not_ended(state, peer.spki_hash)
