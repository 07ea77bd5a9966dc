"""Which acts evidence must hold, and what they prove (formats 6).

A map proof rests on the log key alone, so it does not make a member. Each key that signed is therefore traced to the
act that gave it, each act to the administrators of its time, and those to the trust root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.formats.act import Act, AdministratorsBody, InstitutionBody, KeyGrantBody
from client_sdk.formats.encoding import leaf_hash
from client_sdk.formats.errors import FormatError
from client_sdk.formats.leaf import ActLeaf, parse_leaf
from client_sdk.ledger.administration import Administration, check_signed
from client_sdk.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.formats.act import KeyGrant
    from client_sdk.formats.state import InstitutionKey, RegistryState

__all__ = ["ActProofs"]

PART = "acts"


class _Step(NamedTuple):
    """Where a walk along the acts stands."""

    number: int
    place: int
    leaf_hash: bytes


class ActProofs:
    """Acts that were verified from one trust root; remembers them, as the same few stand in every answer."""

    def __init__(self, administration: Administration, genesis: bytes) -> None:
        self._genesis = genesis
        self._start = administration
        # Acts with the administration that they make, by the one that judges them, its act, and place and leaf hash.
        self._verified: dict[tuple[int, bytes, int, bytes], tuple[Act, Administration]] = {}

    def check(
        self, leaves: Sequence[bytes], registry: RegistryState, signers: Iterable[tuple[str, InstitutionKey]]
    ) -> None:
        """Check that the acts are exactly those needed, and that each key was given to its owner by administrators.

        Args:
            leaves: the acts of the evidence, ascending by number.
            registry: the proved RegistryState; its administrators must be those that the acts make.
            signers: everyone who signed, with the key.

        Raises:
            FormatError: an act is missing, not asked for, out of order or not signed by the administrators of its time.
        """
        genesis, *changes = registry.administrator_acts
        if genesis != (0, self._genesis):
            raise FormatError(PART, "acts.genesis", want="the genesis of the trust root")
        keys = list(signers)
        needed = {act.leaf_hash: act.place for act in changes}
        for _, key in keys:
            if key.act_hash != self._genesis and needed.setdefault(key.act_hash, key.first) != key.first:
                raise FormatError(PART, "acts.place", want="one place for each act")
        hashes = [leaf_hash(leaf) for leaf in leaves]
        if set(hashes) != set(needed) or len(hashes) != len(needed):
            raise FormatError(PART, "acts.needed", got=f"{len(hashes)} acts", want=f"the {len(needed)} referred to")
        given = self._walk(leaves, hashes, needed, registry)
        if any((owner, key.key_id, key.usage, key.act_hash) not in given for owner, key in keys):
            raise FormatError(PART, "acts.gives-key", want="the act that gave the key that signed")

    def _walk(
        self, leaves: Sequence[bytes], hashes: Sequence[bytes], needed: Mapping[bytes, int], registry: RegistryState
    ) -> set[tuple[str, bytes, int, bytes]]:
        """Follow the acts from the trust root; return owner, key id, usage and act of every key that they give."""
        changes = {act.leaf_hash for act in registry.administrator_acts}
        administration, newest_change = self._start, self._genesis
        last = _Step(0, 0, self._genesis)
        given: set[tuple[str, bytes, int, bytes]] = set()
        for data, hash_ in zip(leaves, hashes, strict=True):
            act, after = self._judge(newest_change, administration, needed[hash_], hash_, data)
            step = _Step(act.number, needed[hash_], hash_)
            _check_follows(last, step, act, registry)
            if (after is not administration) is not (hash_ in changes):
                raise FormatError(PART, "acts.administrators", want="every change of administrators and no other")
            if after is not administration:
                administration, newest_change = after, hash_
            given |= {(owner, grant.key_id, grant.usage, hash_) for owner, grant in _grants(act)}
            last = step
        _check_end(last, administration, registry)
        return given

    def _judge(
        self, newest_change: bytes, administration: Administration, index: int, hash_: bytes, data: bytes
    ) -> tuple[Act, Administration]:
        memory = (id(administration), newest_change, index, hash_)
        known = self._verified.get(memory)
        if known is not None:
            return known
        leaf = parse_leaf(data)
        if not isinstance(leaf, ActLeaf):
            raise FormatError(PART, "acts.leaf", want="ACT leaves")
        act = Act.parse(leaf.payload)
        after = administration.after(index, act, hash_)
        try:
            if after is not administration:
                administration.check_change(after)
            check_signed(index, leaf, act, administration, after)
        except RuleError as error:
            raise FormatError(PART, error.rule, got=error.got, want=error.want) from error
        # The first to remember wins: an administration that is remembered is never freed, so its id stays its own.
        return self._verified.setdefault(memory, (act, after))


def _check_follows(last: _Step, step: _Step, act: Act, registry: RegistryState) -> None:
    if act.registry != registry.registry:
        raise FormatError(PART, "acts.registry", want="acts of this registry")
    if step.number <= last.number or step.place <= last.place:
        raise FormatError(PART, "acts.order", want="acts ascending by number and place")
    if step.number == last.number + 1 and act.previous != last.leaf_hash:
        raise FormatError(PART, "acts.chain", want="each act chained to the one before")


def _check_end(last: _Step, administration: Administration, registry: RegistryState) -> None:
    newest = last.number == registry.act_number
    if last.number > registry.act_number or (newest and last.leaf_hash != registry.act_hash):
        raise FormatError(PART, "acts.newest", want="no act after the newest that the registry state names")
    stated = (registry.administrators, registry.threshold, registry.trial)
    if stated != (administration.acting, administration.threshold, administration.trial):
        raise FormatError(PART, "acts.administration", want="the administrators that the acts make")


def _grants(act: Act) -> Iterable[tuple[str, KeyGrant]]:
    match act.body:
        case InstitutionBody(enrolment):
            return [(enrolment.id, grant) for grant in enrolment.keys]
        case KeyGrantBody(institution, grant):
            return [(institution, grant)]
        case AdministratorsBody(enrolments):
            return [(enrolment.id, grant) for enrolment in enrolments for grant in enrolment.keys]
        case _:
            return []
