"""Selection and verification of the acts in evidence (proto/README.md 6).

A map proof rests on the log key alone, so it does not make a member. Each key that signed is therefore traced to the
act that gave it, each succession to the act that named the successor, each act to the administrators of its time, and
those to the trust root. A key counts only if its holder signed for it, and a further key only if an earlier key of the
same institution signed for it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.act import Act, AdministratorsBody, InstitutionBody, KeyGrantBody, SuccessionBody
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf
from client_sdk.kernel.formats.state import AdministratorAct
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.administration import (
    Administration,
    check_endorsed,
    check_enrolment,
    check_grant,
    check_signed,
)
from client_sdk.kernel.ledger.proving import read_leaf, within
from client_sdk.kernel.ledger.references import Claim, acts_needed
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from client_sdk.kernel.formats.act import Enrolment, KeyGrant
    from client_sdk.kernel.formats.state import InstitutionState, RegistryState

__all__ = ["ActProofs"]

PART = "acts"
# Acts that are remembered; a registry has some for each member.
MAX_REMEMBERED = 65_536


class _ActPosition(NamedTuple):
    """State of the verification after one act."""

    number: int
    place: int
    leaf_hash: bytes


class ActProofs:
    """Acts that were verified from one trust root; remembers them, as the same few stand in every answer."""

    def __init__(self, administration: Administration, genesis: bytes) -> None:
        self._genesis = genesis
        self._start = administration
        # By the changes of administrators before an act, and the act itself: the administration that it makes, if any.
        self._verified: dict[tuple[AdministratorAct, ...], tuple[Act, Administration | None]] = {}

    def check(
        self,
        leaves: Sequence[bytes],
        registry: RegistryState,
        claims: AbstractSet[Claim],
        institutions: Mapping[str, InstitutionState],
    ) -> None:
        """Check that the acts are exactly those needed, and that administrators gave all that is claimed.

        Args:
            leaves: the acts of the evidence, ascending by number.
            registry: the proved RegistryState; its administrators must be those that the acts make.
            claims: the key of everyone who signed, and the succession of each signer for another institution.
            institutions: the proved states, by id, of everyone who signed.

        Raises:
            FormatError: a key that signed was not possessed, or not endorsed; an act is missing, not asked for, out of
                order or not signed by the administrators of its time.
        """
        if registry.administrator_acts[0] != (0, self._genesis):
            raise FormatError(PART, "acts.genesis", want="the genesis of the trust root")
        needed = acts_needed(registry, claims)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        if set(hashes) != set(needed) or len(hashes) != len(needed):
            raise FormatError(PART, "acts.needed", got=f"{len(hashes)} acts", want=f"the {len(needed)} referred to")
        given = self._walk(leaves, hashes, needed, registry)
        if not claims <= given.keys():
            raise FormatError(PART, "acts.give", want="acts that gave the keys that signed, and named the successors")
        for claim in claims:
            further = given[claim]
            if further is not None:
                endorser = institutions[claim.owner].key(further.endorser)
                with within(PART):
                    check_endorsed(registry.registry, claim.owner, further, endorser, claim.place)

    def _walk(
        self, leaves: Sequence[bytes], hashes: Sequence[bytes], needed: Mapping[bytes, int], registry: RegistryState
    ) -> dict[Claim, KeyGrant | None]:
        """Follow the acts from the trust root; return all that they give, with the grant of each further key."""
        changes = {act.leaf_hash for act in registry.administrator_acts}
        administration = self._start
        made_by: tuple[AdministratorAct, ...] = ()
        last = _ActPosition(0, 0, self._genesis)
        given: dict[Claim, KeyGrant | None] = {}
        taken = self._taken(registry)
        for data, hash_ in zip(leaves, hashes, strict=True):
            logged = AdministratorAct(needed[hash_], hash_)
            act, after = self._judge((*made_by, logged), administration, data, registry.registry)
            step = _ActPosition(act.number, *logged)
            _check_follows(last, step, act)
            if (after is not None) is not (hash_ in changes):
                raise FormatError(PART, "acts.administrators", want="every change of administrators and no other")
            if after is not None:
                administration, made_by = after, (*made_by, logged)
            _check_not_taken(act, taken)
            further = act.body.grant if isinstance(act.body, KeyGrantBody) else None
            given |= {Claim(owner, gift, step.place, hash_): further for owner, gift in _gifts(act)}
            last = step
        _check_end(last, administration, registry)
        return given

    def _taken(self, registry: RegistryState) -> set[bytes]:
        """Return the public keys that no act may give: of the first administrators, the log and the key services."""
        administrators = {key.public_key for known in self._start.known.values() for key in known.keys}
        services = {service.public_key for version in registry.key_services for service in version.services}
        return administrators | services | {key.public_key for key in registry.log_keys}

    def _judge(
        self, path: tuple[AdministratorAct, ...], administration: Administration, data: bytes, registry: str
    ) -> tuple[Act, Administration | None]:
        """Return an act, the last of its path, and the administration that it makes; None where it changes nothing."""
        known = self._verified.get(path)
        if known is not None:
            return known
        index, hash_ = path[-1]
        leaf = read_leaf(data, PART)
        if not isinstance(leaf, ActLeaf):
            raise FormatError(PART, "acts.leaf", want="ACT leaves")
        act = Act.parse(leaf.payload)
        if act.registry != registry:
            raise FormatError(PART, "acts.registry", want="acts of this registry")
        after = administration.after(index, act, hash_)
        with within(PART):
            _check_decision(index, act, administration)
            if after is not administration:
                administration.check_change(after)
            check_signed(index, leaf, act, administration, after)
        if len(self._verified) >= MAX_REMEMBERED:
            self._verified.clear()
        judged = act, None if after is administration else after
        self._verified[path] = judged
        return judged


def _check_decision(index: int, act: Act, before: Administration) -> None:
    """Check the proofs inside an act: of possession for the keys that it grants, and the institutions that it enrols.

    Raises:
        RuleError: a rule of the directory that does not need the rest of the directory is broken.
    """
    match act.body:
        case InstitutionBody(enrolment):
            _check_enrolments(act, (enrolment,), before)
        case AdministratorsBody(enrolments, administrators):
            _check_enrolments(act, enrolments, before)
            for enrolment in enrolments:
                if Role.ADMINISTRATOR not in enrolment.roles or enrolment.id not in administrators:
                    raise _refuse_enrolment("institution.role", "administrators only")
        case KeyGrantBody(owner, grant):
            check_grant(act.registry, owner, grant)
            if grant.usage is KeyUsage.ADMINISTER:
                if owner not in before.known:
                    raise RuleError("KEY_USAGE", "keys", "institution.role", want="an administrator's key")
                check_endorsed(act.registry, owner, grant, before.known[owner].key(grant.endorser), index)
        case _:
            pass


def _check_enrolments(act: Act, enrolments: Sequence[Enrolment], before: Administration) -> None:
    ids = {enrolment.id for enrolment in enrolments}
    if len(ids) != len(enrolments) or not ids.isdisjoint(before.known):
        raise _refuse_enrolment("institution.member", "ids not used yet")
    for enrolment in enrolments:
        check_enrolment(act.registry, enrolment)


def _check_not_taken(act: Act, taken: set[bytes]) -> None:
    """Check that an act gives no key that is another's, and take those that it gives.

    Raises:
        FormatError: a public key is enrolled a second time.
    """
    for grant in _grants(act):
        if grant.public_key in taken:
            raise FormatError(PART, "key.enrolled-once", want="a key enrolled nowhere before")
        taken.add(grant.public_key)


def _refuse_enrolment(rule: str, want: str) -> RuleError:
    return RuleError("ENROLMENT_INVALID", "enrolment", rule, want=want)


def _check_follows(last: _ActPosition, step: _ActPosition, act: Act) -> None:
    if step.number <= last.number or step.place <= last.place:
        raise FormatError(PART, "acts.order", want="acts ascending by number and place")
    if step.number == last.number + 1 and act.previous != last.leaf_hash:
        raise FormatError(PART, "acts.chain", want="each act chained to the one before")


def _check_end(last: _ActPosition, administration: Administration, registry: RegistryState) -> None:
    newest = last.number == registry.act_number
    if last.number > registry.act_number or (newest and last.leaf_hash != registry.act_hash):
        raise FormatError(PART, "acts.newest", want="no act after the newest that the registry state names")
    stated = (registry.administrators, registry.threshold, registry.trial)
    if stated != (administration.acting, administration.threshold, administration.trial):
        raise FormatError(PART, "acts.administration", want="the administrators that the acts make")


def _gifts(act: Act) -> Iterator[tuple[str, tuple[bytes, KeyUsage] | str]]:
    """Yield what an act gives to whom: a key for its use, or the place of a successor."""
    match act.body:
        case KeyGrantBody(institution, grant):
            yield institution, (grant.key_id, grant.usage)
        case SuccessionBody(institution, successor):
            yield institution, successor
        case _:
            for enrolment in _enrolments(act):
                for grant in enrolment.keys:
                    yield enrolment.id, (grant.key_id, grant.usage)


def _grants(act: Act) -> Iterator[KeyGrant]:
    """Yield the keys that an act gives to anybody."""
    if isinstance(act.body, KeyGrantBody):
        yield act.body.grant
    for enrolment in _enrolments(act):
        yield from enrolment.keys


def _enrolments(act: Act) -> tuple[Enrolment, ...]:
    match act.body:
        case InstitutionBody(enrolment):
            return (enrolment,)
        case AdministratorsBody(enrolments):
            return enrolments
        case _:
            return ()
