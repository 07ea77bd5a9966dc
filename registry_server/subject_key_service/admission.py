"""Validation of key-requests, except what needs the database.

certificate and signature name one institution: a LENDER, ACTIVE for both uses or SUSPENDED for REPORT; or an ACTIVE
  REPRESENTATIVE for INQUIRE
the signing key runs and has the usage that the request's use names, in the newest directory
the directory is at most 5 minutes old; the request was signed at most 5 minutes ago, for this service and version
1 to 1,000 elements of 32 bytes, those whose digest was signed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.key_request import KeyRequest, elements_digest
from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, KeyUse, Purpose, Role, purposes_of
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.subjects.oprf import ELEMENT_BYTES, MAX_BATCH
from registry_server.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Collection

    from creditregistry.v1 import evaluation_pb2

    from client_sdk.following import DirectoryView
    from registry_server.subject_key_service.keys import EvaluationKeys

__all__ = ["MAX_AGE_MS", "Admitted", "admit", "check_asker", "check_fresh", "may_evaluate"]

# Of a request, and of the directory (proto/README.md 1).
MAX_AGE_MS = MAX_OFF_MS
USAGES = {KeyUse.REPORT: KeyUsage.REPORT, KeyUse.INQUIRE: KeyUsage.INQUIRE}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A valid request, before its quota and its uniqueness are checked.

    Attributes:
        request: what was signed.
        payload: its exact bytes.
        key_id: of the key that signed.
        signature: over the payload.
        blinded: the elements, 32 bytes each, joined.
    """

    request: KeyRequest
    payload: bytes
    key_id: bytes
    signature: bytes
    blinded: bytes

    @property
    def count(self) -> int:
        """Number of blinded elements."""
        return len(self.blinded) // ELEMENT_BYTES


def check_fresh(view: DirectoryView | None, now_ms: int) -> DirectoryView:
    """Return the directory if it is recent enough.

    Raises:
        RegistryError: DIRECTORY_STALE; it is more than 5 minutes off the clock, or there is none.
    """
    if view is None or abs(now_ms - view.as_of_ms) > MAX_AGE_MS:
        got = "none" if view is None else _off(view.as_of_ms - now_ms)
        want = f"at most {span(MAX_AGE_MS)} off this key service's clock"
        raise RegistryError("DIRECTORY_STALE", "", "directory.fresh", got=got, want=want)
    return view


def _off(off_ms: int) -> str:
    return f"{span(off_ms)} {'ahead of' if off_ms > 0 else 'behind'} this key service's clock"


def may_evaluate(roles: Collection[Role], use: KeyUse) -> bool:
    """Whether an institution with these roles is answered: lenders for both uses, representatives to inquire."""
    return Role.LENDER in roles or (use is KeyUse.INQUIRE and bool(purposes_of(roles)))


def check_asker(view: DirectoryView, institution: str, use: KeyUse) -> None:
    """Check that an institution may ask for this use.

    Raises:
        RuleError: INSTITUTION_UNKNOWN.
        RegistryError: NOT_A_LENDER, INSTITUTION_SUSPENDED or INSTITUTION_TERMINATED.
    """
    state = view.directory.institution(institution)
    if not may_evaluate(state.roles, use):
        got, want = ", ".join(role.name for role in state.roles), "LENDER, or REPRESENTATIVE to inquire"
        raise RegistryError("NOT_A_LENDER", "institution", "institution.role", got=got, want=want)
    if state.status is InstitutionStatus.TERMINATED:
        raise RegistryError("INSTITUTION_TERMINATED", "institution", "institution.member", want="ACTIVE")
    if state.status is InstitutionStatus.SUSPENDED and use is not KeyUse.REPORT:
        raise RegistryError("INSTITUTION_SUSPENDED", "institution", "institution.state", got=use.name, want="REPORT")


def admit(
    message: evaluation_pb2.EvaluateRequest,
    *,
    peer: str,
    view: DirectoryView | None,
    keys: EvaluationKeys,
    now_ms: int,
) -> Admitted:
    """Return a request if it is in order.

    Args:
        message: as received.
        peer: institution id of the client certificate.
        view: the newest directory.
        keys: of this service.
        now_ms: the clock, ms since 1970 UTC.

    Raises:
        FormatError: the signed bytes are no canonical key-request, or the signature does not verify.
        RuleError: no running key of the institution with the right usage has signed.
        RegistryError: anything else is not in order.
    """
    signed = message.request
    request = KeyRequest.parse(signed.payload)
    if request.institution != peer:
        raise RegistryError(
            "PEER_MISMATCH", "institution", "peer.match", got=request.institution, want=f"{peer}, as TLS says"
        )
    current = check_fresh(view, now_ms)
    if request.registry != current.directory.state.registry:
        want = current.directory.state.registry
        raise RegistryError("REGISTRY_OTHER", "registry", "key-request.registry", want=want)
    check_asker(current, request.institution, request.use)
    # A key-request stands at no leaf: it is judged by the newest directory, as if it came after the last leaf.
    key = current.directory.key_at(signed.key_id, request.institution, USAGES[request.use], current.checkpoint.size)
    dsse.verify(dsse.KEY_REQUEST, signed.payload, key.public_key, signed.signature)
    _check_purpose(request, current.directory.institution(request.institution).roles)
    _check_service(request, current, keys)
    _check_age(request, now_ms)
    _check_elements(request, message.blinded)
    return Admitted(request, signed.payload, signed.key_id, signed.signature, message.blinded)


def _check_purpose(request: KeyRequest, roles: Collection[Role]) -> None:
    purposes = {Purpose.REPORTING} if request.use is KeyUse.REPORT else purposes_of(roles)
    if request.purpose not in purposes:
        want = f"one of {', '.join(sorted(purposes))}"
        raise RegistryError("PURPOSE_INVALID", "purpose", "key-request.purpose", got=request.purpose.name, want=want)


def _check_service(request: KeyRequest, view: DirectoryView, keys: EvaluationKeys) -> None:
    if keys.get(request.service) is None:
        raise RegistryError("SERVICE_OTHER", "service", "key-request.service", want="a key of this service")
    if keys.serves(view.directory, request.subject_key_version) != request.service:
        served = ", ".join(str(version) for version, _ in keys.served(view.directory)) or "none"
        got = str(request.subject_key_version)
        raise RegistryError(
            "VERSION_NOT_SERVED", "subject_key_version", "key-services.served", got=got, want=f"of {served}"
        )


def _check_age(request: KeyRequest, now_ms: int) -> None:
    age = now_ms - request.issued_at
    if abs(age) > MAX_AGE_MS:
        got = f"{age // 1000} s old"
        raise RegistryError(
            "REQUEST_STALE", "issued_at", "key-request.age", got=got, want=f"at most {MAX_AGE_MS // 1000} s"
        )


def _check_elements(request: KeyRequest, blinded: bytes) -> None:
    count, rest = divmod(len(blinded), ELEMENT_BYTES)
    if rest or not 0 < count <= MAX_BATCH:
        got = f"{len(blinded)} bytes" if rest else str(count)
        raise RegistryError("ELEMENTS_COUNT", "blinded", "voprf.count", got=got, want=f"1 to {MAX_BATCH} of 32 bytes")
    if elements_digest(blinded) != request.elements_digest:
        raise RegistryError(
            "ELEMENTS_MISMATCH", "blinded", "key-request.elements", want="the elements whose digest was signed"
        )
