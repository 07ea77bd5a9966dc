"""References of an answer: the institutions, keys and acts that its records lead to (proto/README.md 8).

The registry puts exactly these into evidence, a cut to one person keeps exactly these, and a verifier
refuses evidence that lacks one of them or holds anything else.

    inquiry, statements, annotations > who signed, with which key    > the acts that gave these keys
    statements that a successor signed                               > the acts that named the successors
    RegistryState                                                    > the acts that changed the administrators
    a record                                                         > the rulebook
    a record of another issuer, where a lender asks                  > what the asker has given
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.proving import read_leaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from creditregistry.v1 import evidence_pb2 as pb

    from client_sdk.kernel.formats.state import InstitutionState, RegistryState
    from client_sdk.kernel.formats.words import KeyUsage

__all__ = ["Claim", "References", "acts_needed"]

PART = "acts"


class Claim(NamedTuple):
    """A claim of the map that an act must prove: a key of an institution, or a successor of a terminated one.

    Attributes:
        owner: institution id.
        gift: key id and usage, or the successor's institution id.
        place: index of the act.
        act_hash: its leaf hash.
    """

    owner: str
    gift: tuple[bytes, KeyUsage] | str
    place: int
    act_hash: bytes


class References:
    """Collects what the inquiry and the records of an answer refer to.

    Args:
        asker: institution id.
        key_id: of the key that signed the inquiry.
        purpose: of the inquiry.

    Attributes:
        institutions: ids of those whose states must be shown.
        rulebook: whether the rulebook must be shown.
        contribution: whether it must be shown what the asker has given.
    """

    def __init__(self, asker: str, key_id: bytes, purpose: Purpose) -> None:
        self.institutions = {asker}
        self.rulebook = False
        self.contribution = False
        self._asker = asker
        # From the person itself nothing is ever held back.
        self._reciprocal = purpose is not Purpose.SUBJECT_ACCESS
        self._keys = {(asker, key_id)}
        self._successions: set[tuple[str, int]] = set()

    def add_record(self, record: pb.LiveRecord) -> None:
        """Add a record with its annotations.

        Raises:
            FormatError: a leaf or what it holds is not in its form.
        """
        leaf = read_leaf(record.leaf, "record")
        if isinstance(leaf, StatementLeaf):
            self.add_statement(Statement.parse(leaf.payload), leaf.key_id, record.index)
        self.add_annotations(record.annotations)

    def add_statement(self, statement: Statement, key_id: bytes, index: int) -> None:
        """Add the newest version of a record, signed with that key at that leaf index."""
        # The issuer's state is shown even where its successor signed: it names the successor.
        self.institutions.add(statement.issuer)
        self._signed_by(statement.signer, key_id)
        if statement.signer != statement.issuer:
            self._successions.add((statement.issuer, index))
        self.rulebook = True
        if self._reciprocal and statement.issuer != self._asker:
            self.contribution = True

    def add_annotations(self, shown: Sequence[pb.IndexedLeaf]) -> None:
        """Add the shown leaves of an annotation chain.

        Raises:
            FormatError: a leaf or what it holds is not in its form.
        """
        for item in shown:
            leaf = read_leaf(item.leaf, "annotation")
            if not isinstance(leaf, StatementLeaf):
                continue
            if leaf.payload_type == dsse.ANNOTATION:
                self._signed_by(Annotation.parse(leaf.payload).author, leaf.key_id)
            else:
                self._signed_by(Statement.parse(leaf.payload).signer, leaf.key_id)

    def _signed_by(self, institution: str, key_id: bytes) -> None:
        self.institutions.add(institution)
        self._keys.add((institution, key_id))

    def claims(self, states: Mapping[str, InstitutionState]) -> frozenset[Claim]:
        """Return the claims that the acts must prove.

        Args:
            states: by institution id, those of ``institutions`` among them.

        Raises:
            FormatError: a state is missing, or has no such key or no successor at that index.
        """
        claims: set[Claim] = set()
        for owner, key_id in self._keys:
            key = _state(states, owner).key(key_id)
            if key is None:
                raise FormatError("institution state", "key.known", want="the key that signed")
            claims.add(Claim(owner, (key.key_id, key.usage), key.first, key.act_hash))
        for issuer, index in self._successions:
            succession = _state(states, issuer).succession_at(index)
            if succession is None:
                raise FormatError("institution state", "successor.named", want="the successor that signed")
            claims.add(Claim(issuer, succession.successor, succession.first, succession.act_hash))
        return frozenset(claims)


def _state(states: Mapping[str, InstitutionState], institution: str) -> InstitutionState:
    try:
        return states[institution]
    except KeyError:
        raise FormatError(
            "institution state", "institutions.needed", got="none", want="the state of everyone who signed"
        ) from None


def acts_needed(registry: RegistryState, claims: Iterable[Claim]) -> dict[bytes, int]:
    """Return leaf hash and index of exactly the acts that evidence shows; genesis is in the trust root already.

    Args:
        registry: the RegistryState under the HEAD of the evidence.
        claims: that the acts must prove.

    Raises:
        FormatError: two places are given for one act.
    """
    genesis, *changes = registry.administrator_acts
    needed = {act.leaf_hash: act.place for act in changes}
    for claim in claims:
        if claim.act_hash != genesis.leaf_hash and needed.setdefault(claim.act_hash, claim.place) != claim.place:
            raise FormatError(PART, "acts.place", want="one place for each act")
    return needed
