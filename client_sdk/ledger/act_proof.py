"""Which acts evidence must hold, and what they prove (formats 6).

A map proof rests on the log key alone, so it does not make a member. Each key that signed is therefore traced to the
act that gave it, each act to the administrators of its time, and those to the trust root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.formats.act import Act, AdministratorsBody, InstitutionBody, KeyGrantBody
from client_sdk.formats.encoding import leaf_hash
from client_sdk.formats.errors import FormatError
from client_sdk.formats.leaf import ActLeaf, parse_leaf
from client_sdk.ledger.administration import Administration, check_signed
from client_sdk.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.formats.act import KeyGrant
    from client_sdk.formats.state import AdministratorAct, InstitutionKey

__all__ = ["ActProofs"]

PART = "acts"


class ActProofs:
    """Acts that were verified from one trust root; remembers them, as the same few stand in every answer."""

    def __init__(self, administration: Administration, genesis: bytes) -> None:
        self._genesis = genesis
        self._start = administration
        # Acts with the administration that judged them, by the administrators' acts before, place and leaf hash.
        self._verified: dict[tuple[int, bytes, int, bytes], tuple[Act, Administration]] = {}

    def check(
        self,
        leaves: Sequence[bytes],
        administrator_acts: Sequence[AdministratorAct],
        signers: Mapping[bytes, tuple[str, InstitutionKey]],
    ) -> None:
        """Check that the acts are exactly those needed, and that each key was given by administrators.

        Args:
            leaves: the acts of the evidence, ascending by number.
            administrator_acts: as the proved RegistryState lists them.
            signers: owner and key of everyone who signed, by key id.

        Raises:
            FormatError: an act is missing, not asked for, out of order or not signed by the administrators of its time.
        """
        if not administrator_acts or administrator_acts[0] != (0, self._genesis):
            raise FormatError(PART, "acts.genesis", want="the genesis of the trust root")
        needed = {act.leaf_hash: act.place for act in administrator_acts[1:]}
        needed |= {key.act_hash: key.first for _, key in signers.values() if key.act_hash != self._genesis}
        hashes = [leaf_hash(leaf) for leaf in leaves]
        if set(hashes) != set(needed) or len(hashes) != len(needed):
            raise FormatError(PART, "acts.needed", got=f"{len(hashes)} acts", want=f"the {len(needed)} referred to")
        given = self._walk(leaves, hashes, needed, {act.leaf_hash for act in administrator_acts})
        for owner, key in signers.values():
            if (owner, key.key_id, key.usage, key.act_hash) not in given:
                raise FormatError(PART, "acts.gives-key", want="the act that gave the key that signed")

    def _walk(
        self, leaves: Sequence[bytes], hashes: Sequence[bytes], needed: Mapping[bytes, int], admin: set[bytes]
    ) -> set[tuple[str, bytes, int, bytes]]:
        administration = self._start
        newest_change = self._genesis
        last = (0, 0)
        given: set[tuple[str, bytes, int, bytes]] = set()
        for data, hash_ in zip(leaves, hashes, strict=True):
            index = needed[hash_]
            act, after = self._judge(newest_change, administration, index, hash_, data)
            if last >= (act.number, index) or index <= last[1]:
                raise FormatError(PART, "acts.order", want="acts ascending by number and place")
            last = (act.number, index)
            if (after is not administration) is not (hash_ in admin):
                raise FormatError(PART, "acts.administrators", want="every change of administrators and no other")
            if after is not administration:
                administration, newest_change = after, hash_
            given |= {(owner, grant.key_id, grant.usage, hash_) for owner, grant in _grants(act)}
        return given

    def _judge(
        self, newest_change: bytes, administration: Administration, index: int, hash_: bytes, data: bytes
    ) -> tuple[Act, Administration]:
        memory = (id(administration), newest_change, index, hash_)
        if memory not in self._verified:
            leaf = parse_leaf(data)
            if not isinstance(leaf, ActLeaf):
                raise FormatError(PART, "acts.leaf", want="ACT leaves")
            act = Act.parse(leaf.payload)
            after = administration.after(index, act, hash_)
            try:
                check_signed(index, leaf, act, administration, after)
            except RuleError as error:
                raise FormatError(PART, error.rule, got=error.got, want=error.want) from error
            self._verified[memory] = (act, after)
        return self._verified[memory]


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
