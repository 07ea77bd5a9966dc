"""Changes of what concerns all members: key services and rulebook (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import KeyServices, RegistryState, Rulebook

__all__ = ["check_rulebook_change", "introduced", "retired"]

# What records were admitted under, and what their days were counted by.
_KEPT = ("jurisdiction", "time_zone", "retained_from_start")


def introduced(state: RegistryState, services: KeyServices) -> RegistryState:
    """Return the state with the key services of the next version.

    Raises:
        RuleError: KEY_SERVICES_INVALID or KEY_TAKEN.
    """
    want = state.newest_subject_key_version + 1
    if services.subject_key_version != want:
        got = str(services.subject_key_version)
        raise RuleError("KEY_SERVICES_INVALID", "introduce", "key-services.version", got=got, want=str(want))
    used = {service.public_key for version in state.key_services for service in version.services}
    if any(service.public_key in used for service in services.services):
        raise RuleError("KEY_TAKEN", "introduce", "key.enrolled-once", want="keys not used before")
    return replace(state, key_services=(*state.key_services, services))


def retired(state: RegistryState, version: int) -> RegistryState:
    """Return the state without the key services of a version.

    Raises:
        RuleError: KEY_SERVICES_INVALID.
    """
    kept = tuple(item for item in state.key_services if item.subject_key_version != version)
    if len(kept) == len(state.key_services) or version == state.newest_subject_key_version:
        want = "a live version, not the newest"
        raise RuleError("KEY_SERVICES_INVALID", "retire", "key-services.retire", got=str(version), want=want)
    return replace(state, key_services=kept)


def check_rulebook_change(before: Rulebook, rulebook: Rulebook) -> None:
    """Check that a rulebook may follow another one.

    Raises:
        RuleError: RULEBOOK_INVALID.
    """
    # First: a rulebook of another jurisdiction differs in other limits too, and this is why.
    for name in _KEPT:
        got, kept = str(getattr(rulebook, name)), str(getattr(before, name))
        if got != kept:
            raise RuleError("RULEBOOK_INVALID", name, "rulebook.kept", got=got, want=f"{kept}, which stays for good")
    # Evidence holds a RESTRICTED lapse against the newest rulebook alone: what was late enough must stay so.
    if rulebook.dispute_days > before.dispute_days:
        got, want = str(rulebook.dispute_days), f"at most {before.dispute_days}, as long as now"
        raise RuleError("RULEBOOK_INVALID", "dispute_days", "rulebook.dispute-days", got=got, want=want)
    if before.production and not rulebook.production:
        want = "above 0: real persons stay in the registry"
        raise RuleError("RULEBOOK_INVALID", "review_days", "rulebook.production", got="0", want=want)
