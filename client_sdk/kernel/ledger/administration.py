"""Administrators, their threshold, and verification of act signatures (proto/README.md 5 and 6).

The administration is the part of the directory that judges acts. It follows from the trust root and from the acts
that change it alone, so evidence that holds those acts verifies without the rest of the directory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import (
    Act,
    AdministratorsBody,
    Enrolment,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    StateBody,
    SuccessionBody,
    possession_payload,
)
from client_sdk.kernel.formats.errors import SignatureError
from client_sdk.kernel.formats.keys import verify
from client_sdk.kernel.formats.state import InstitutionKey
from client_sdk.kernel.formats.words import USAGES, InstitutionStatus, KeyUsage, Role, go_together
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.act import KeyGrant
    from client_sdk.kernel.formats.leaf import ActLeaf

__all__ = [
    "Administration",
    "Administrator",
    "check_endorsed",
    "check_enrolment",
    "check_grant",
    "check_signed",
    "check_usage",
    "new_key",
]

# Fewer administrators than this are a trial.
MIN_ADMINISTRATORS = 3
MIN_THRESHOLD = 2


def check_grant(registry: str, institution: str, grant: KeyGrant) -> None:
    """Verify the proof of possession of a new key.

    Raises:
        RuleError: the proof of possession does not verify.
    """
    payload = possession_payload(registry, institution, grant)
    try:
        dsse.verify(dsse.POSSESSION, payload, grant.public_key, grant.possession)
    except SignatureError as error:
        raise RuleError(
            reason="KEY_NOT_POSSESSED", field="keys", rule="key.possessed", want="a signature by the new key"
        ) from error


def check_enrolment(registry: str, enrolment: Enrolment) -> None:
    """Check what an enrolment shows by itself: roles that go together, and possessed keys of these roles.

    Raises:
        RuleError: ENROLMENT_INVALID, KEY_USAGE or KEY_NOT_POSSESSED.
    """
    roles = enrolment.roles
    if not go_together(roles):
        raise RuleError("ENROLMENT_INVALID", "roles", "roles.alone", want="a role, and AUDITOR or REPRESENTATIVE alone")
    for grant in enrolment.keys:
        check_usage(roles, grant)
        check_grant(registry, enrolment.id, grant)
    if Role.ADMINISTRATOR in roles and all(grant.usage is not KeyUsage.ADMINISTER for grant in enrolment.keys):
        raise RuleError("ENROLMENT_INVALID", "keys", "institution.role", want="an ADMINISTER key of an administrator")


def check_usage(roles: Iterable[Role], grant: KeyGrant) -> None:
    """Check that a key is of a use that goes with a role.

    Raises:
        RuleError: KEY_USAGE.
    """
    if not any(grant.usage in USAGES[role] for role in roles):
        raise RuleError("KEY_USAGE", "keys", "institution.role", got=grant.usage.name, want="a usage of its roles")


def check_endorsed(registry: str, institution: str, grant: KeyGrant, endorser: InstitutionKey | None, at: int) -> None:
    """Check that a running key of the institution has endorsed a further one, an ADMINISTER key by such a key.

    Args:
        registry: its name.
        institution: id of the owner of both keys.
        grant: the further key.
        endorser: the key of the owner with the id that the grant names; None where it has none.
        at: index of the act that gives the further key.

    Raises:
        RuleError: KEY_NOT_ENDORSED.
    """
    if endorser is None or not endorser.counts_at(at):
        raise RuleError("KEY_NOT_ENDORSED", "endorser", "key.endorsed", want="a running key of the institution")
    if grant.usage is KeyUsage.ADMINISTER and endorser.usage is not KeyUsage.ADMINISTER:
        raise RuleError(
            "KEY_NOT_ENDORSED",
            "endorser",
            "key.endorsed",
            got=f"a {endorser.usage.name} key",
            want="an ADMINISTER key, as the new one is",
        )
    payload = possession_payload(registry, institution, grant)
    try:
        dsse.verify(dsse.POSSESSION, payload, endorser.public_key, grant.endorsement)
    except SignatureError as error:
        raise RuleError(
            "KEY_NOT_ENDORSED", "endorsement", "key.endorsed", want="a signature by the endorser"
        ) from error


def new_key(grant: KeyGrant, index: int, act_hash: bytes) -> InstitutionKey:
    """Return the key that an act at that index gives."""
    return InstitutionKey(grant.key_id, grant.algorithm, grant.public_key, grant.usage, index, 0, 0, act_hash)


@dataclass(frozen=True, slots=True)
class Administrator:
    """An institution with the role ADMINISTRATOR, as far as it matters for signing acts."""

    keys: tuple[InstitutionKey, ...]
    active: bool = True

    def key(self, key_id: bytes) -> InstitutionKey | None:
        """Return its ADMINISTER key with that id, if it ever held it."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def can_sign(self) -> bool:
        """Whether it could sign the next act."""
        return self.active and any(key.running for key in self.keys)


@dataclass(frozen=True, slots=True)
class Administration:
    """The administrators and their threshold."""

    known: Mapping[str, Administrator]
    acting: tuple[str, ...]
    threshold: int

    @property
    def trial(self) -> bool:
        """Whether one administrator alone decides."""
        return len(self.acting) == 1

    def signers(self, leaf: ActLeaf, index: int | None) -> dict[bytes, tuple[str, bytes]]:
        """Return owner and public key of the approvals' keys that may sign at that leaf.

        Args:
            leaf: the act.
            index: its place; None where the act is judged by the administration that it makes.
        """
        wanted = {approval.key_id for approval in leaf.approvals}
        return {
            key.key_id: (owner, key.public_key)
            for owner in self.acting
            if owner in self.known and self.known[owner].active
            for key in self.known[owner].keys
            if key.key_id in wanted and (key.running if index is None else key.counts_at(index))
        }

    def check(self) -> None:
        """Check that the rules allow these administrators and this threshold.

        Raises:
            RuleError: too few administrators or too low a threshold, or the threshold cannot be reached.
        """
        able = sum(1 for owner in self.acting if owner in self.known and self.known[owner].can_sign())
        count = len(self.acting)
        trial = count == 1 and self.threshold == 1
        if not trial and (count < MIN_ADMINISTRATORS or not MIN_THRESHOLD <= self.threshold <= count):
            raise RuleError(
                reason="ADMINISTRATION_INVALID",
                field="administrators",
                rule="administration.count",
                got=f"{self.threshold} of {count}",
                want="2 or more of 3 or more, or 1 of 1 for a trial",
            )
        if able < self.threshold:
            raise RuleError(
                reason="ADMINISTRATION_INVALID",
                field="administrators",
                rule="administration.threshold",
                got=f"{able} able to sign",
                want=f"{self.threshold}",
            )

    def check_change(self, after: Administration) -> None:
        """Check that another administration may take the place of this one.

        Raises:
            RuleError: the rules forbid the administrators or threshold that result, or it makes a trial of a registry.
        """
        if after.trial and not self.trial:
            raise RuleError(
                reason="ADMINISTRATION_INVALID",
                field="administrators",
                rule="administration.trial",
                want="more than one",
            )
        if any(owner not in after.known for owner in after.acting):
            raise RuleError(
                reason="ADMINISTRATION_INVALID",
                field="administrators",
                rule="institution.role",
                want="the role ADMINISTRATOR",
            )
        after.check()

    def after(self, index: int, act: Act, act_hash: bytes) -> Administration:
        """Return the administration that an act makes; the same object where the act does not touch it."""
        match act.body:
            case GenesisBody() | AdministratorsBody():
                enrolments = act.body.administrators if isinstance(act.body, GenesisBody) else act.body.enrolments
                acting = tuple(item.id for item in enrolments)
                if isinstance(act.body, AdministratorsBody):
                    acting = act.body.administrators
                known = {**self.known, **_enrolled(enrolments, index, act_hash)}
                return Administration(known, acting, act.body.threshold)
            case InstitutionBody(enrolment) if Role.ADMINISTRATOR in enrolment.roles:
                return replace(self, known={**self.known, **_enrolled((enrolment,), index, act_hash)})
            case KeyGrantBody(owner, grant) if grant.usage is KeyUsage.ADMINISTER and owner in self.known:
                keys = (*self.known[owner].keys, new_key(grant, index, act_hash))
                return self._with(owner, replace(self.known[owner], keys=keys))
            case KeyEndBody(owner, ended) if owner in self.known:
                held = self.known[owner].keys
                if all(key.key_id != ended for key in held):
                    return self
                keys = tuple(replace(key, end=index) if key.key_id == ended else key for key in held)
                return self._with(owner, replace(self.known[owner], keys=keys))
            case StateBody(owner, status) if owner in self.known:
                return self._with(owner, replace(self.known[owner], active=status is InstitutionStatus.ACTIVE))
            case SuccessionBody(owner) if owner in self.known:
                return self._with(owner, replace(self.known[owner], active=False))
        return self

    def _with(self, owner: str, administrator: Administrator) -> Administration:
        return replace(self, known={**self.known, owner: administrator})


def _enrolled(enrolments: Iterable[Enrolment], index: int, act_hash: bytes) -> dict[str, Administrator]:
    return {
        item.id: Administrator(
            tuple(new_key(grant, index, act_hash) for grant in item.keys if grant.usage is KeyUsage.ADMINISTER)
        )
        for item in enrolments
        if Role.ADMINISTRATOR in item.roles
    }


def check_signed(index: int, leaf: ActLeaf, act: Act, before: Administration | None, after: Administration) -> None:
    """Check the signatures on an act: every one counts, and they reach the threshold.

    Args:
        index: place of the act.
        leaf: the act with its signatures.
        act: the same, parsed.
        before: the administration before the act; None for genesis.
        after: the administration that it makes, for genesis and the new half of a change of administrators.

    Raises:
        RuleError: ACT_SIGNATURE or ACT_THRESHOLD.
    """
    halves: list[tuple[dict[bytes, tuple[str, bytes]], int]] = []
    if before is not None:
        halves.append((before.signers(leaf, index), before.threshold))
    if before is None or isinstance(act.body, AdministratorsBody):
        halves.append((after.signers(leaf, None), after.threshold))
    known = {key_id: signer for half, _ in halves for key_id, signer in half.items()}
    for approval in leaf.approvals:
        if approval.key_id not in known:
            raise RuleError(reason="ACT_SIGNATURE", field="approvals", rule="act.key", want="keys of administrators")
        _check_approval(leaf.payload, known[approval.key_id][1], approval.signature)
    for half, threshold in halves:
        signed = len({owner for owner, _ in half.values()})
        if signed < threshold:
            raise RuleError(
                reason="ACT_THRESHOLD",
                field="approvals",
                rule="act.threshold",
                got=str(signed),
                want=str(threshold),
            )


def _check_approval(payload: bytes, public_key: bytes, signature: bytes) -> None:
    try:
        verify(public_key, dsse.pae(dsse.ACT, payload), signature)
    except SignatureError as error:
        raise RuleError(
            reason="ACT_SIGNATURE", field="approvals", rule="act.signature", want="a signature that verifies"
        ) from error
