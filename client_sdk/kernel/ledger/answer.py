"""Verification of evidence against a trust root (proto/README.md 8).

    checkpoint > HEAD (last leaf) > map root > presence or absence
    key that signed > act that gave it > administrators > trust root

``Verifier.check`` either returns a ``VerifiedAnswer`` or raises one ``FormatError`` whose ``part`` names what is wrong.
Every byte of evidence is reached from the checkpoint's signature, from a signature of a proved key, or by the
canonical form; what nothing refers to is refused. The cosigned checkpoint alone may hold lines that nobody vouches
for: those of witnesses that its reader does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import EMPTY_ROOT
from client_sdk.kernel.formats.replay_quorum import MAX_REPLAYING
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.act_proof import ActProofs
from client_sdk.kernel.ledger.answer_reading import Reading, VerifiedPerson
from client_sdk.kernel.ledger.cosigned import check_one_history
from client_sdk.kernel.ledger.head import NO_HEAD
from client_sdk.kernel.ledger.proving import head_leaf, read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.cosigned import Cosigned
    from client_sdk.kernel.ledger.inquiry import Inquiry
    from client_sdk.kernel.ledger.references import Claim
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["EVIDENCE_VERSION", "VerifiedAnswer", "Verifier"]

EVIDENCE_VERSION = 1
# The same states stand in every answer under one HEAD.
_parse_registry = lru_cache(maxsize=16)(RegistryState.parse)
# Sets of acts that a verifier remembers; one for each set of issuers that is shown together.
MAX_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class VerifiedAnswer:
    """Everything that one evidence proves."""

    inquiry: Inquiry
    checkpoint: Checkpoint
    # logged_at of the HEAD, ms: what the answer is "as of".
    as_of: int
    registry: RegistryState
    institutions: tuple[InstitutionState, ...]
    persons: tuple[VerifiedPerson, ...]
    # What the asker has given; None where nothing may be held back from it.
    contribution: Contribution | None = None
    # What the registry held of witnesses; who reads it says which of them count.
    cosigned: Cosigned | None = None
    # What it held of auditors that rebuild the log; likewise.
    replayed: tuple[Cosigned, ...] = ()


class Verifier:
    """Verifies evidence from one trust root; safe to keep, remembers acts that it has verified."""

    def __init__(self, trust_root: TrustRoot) -> None:
        self._root = trust_root
        self._log_key = trust_root.log_key
        self._acts = ActProofs(trust_root.administration(), trust_root.genesis)
        # Acts, states and claims that were found to go together; the same few stand in every answer.
        self._proved: set[tuple[tuple[bytes, ...], bytes, tuple[bytes, ...], frozenset[Claim]]] = set()

    def verify_file(self, data: bytes) -> VerifiedAnswer:
        """Verify an evidence file, offline.

        Raises:
            FormatError: it is not canonical, a part does not verify, or a disclosure is not the one that was signed.
        """
        answer = self.check(canonical.parse(pb.Evidence, data, "evidence"))
        for person in answer.persons:
            if not all(record.intact for record in person.records):
                raise FormatError("disclosure", "disclosure.digest", want="the sealed bytes that the statement names")
            if any(record.text_lost for record in person.records):
                raise FormatError("annotation", "annotation.text", want="the sealed text that the annotation names")
        return answer

    def check(self, evidence: pb.Evidence) -> VerifiedAnswer:
        """Verify evidence and return what it proves.

        Raises:
            FormatError: a part does not verify, is missing, or is referred to by nothing.
        """
        # The conditions of proto/README.md 8, by their numbers and first words.
        # 1. it is canonical, version 1
        if evidence.version != EVIDENCE_VERSION:
            raise FormatError("evidence", "evidence.version", got=str(evidence.version), want=f"{EVIDENCE_VERSION}")
        # 2. the checkpoint is signed by the trust root's log key
        # 3. HEAD is leaf size - 1 of it
        checkpoint, head, as_of = _read_head(evidence.checkpoint, evidence.head, self._log_key)
        # 4. registry state and every institution state are present in HEAD's map
        registry = self._read_registry(evidence)
        reading = Reading(evidence, head, as_of, checkpoint, registry)
        # 5. the inquiry is signed by an INQUIRE key, running under this HEAD
        reading.check_inquiry()
        # 6. there is at least one person
        # 7. for each pseudonym without records, absence is proved; else its records ascend by index
        # 8. the sealed disclosure has the digest that the statement names; it is empty exactly where
        # 9. annotations
        persons = reading.read_persons()
        # 10. the log proof shows that HEAD and every annotation leaf stand in the log
        # 11. the map proof shows what the map of HEAD holds
        reading.check_proofs()
        # 12. where the purpose is not SUBJECT_ACCESS and the issuer of a record is not the asker
        # 13. the acts are, ascending by number and index, exactly those that gave the keys that signed
        self._check_acts(evidence, registry, head, reading)
        # 14. the cosigned checkpoint, where there is one, is of the trust root's log
        cosigned, replayed = self._read_cosigned(evidence, checkpoint)
        # 15. nothing is there that nothing refers to
        reading.check_nothing_unused()
        return VerifiedAnswer(
            reading.inquiry,
            checkpoint,
            as_of,
            registry,
            tuple(reading.institutions.values()),
            persons,
            reading.contribution,
            cosigned,
            replayed,
        )

    def _read_registry(self, evidence: pb.Evidence) -> RegistryState:
        """Condition 4, for the registry state."""
        part = "registry state"
        registry = _parse_registry(evidence.registry_state)
        if registry.registry != self._root.registry:
            raise FormatError(part, "registry.name", want="the registry of the trust root")
        if registry.log_keys != self._root.log_keys:
            raise FormatError(part, "registry.log-key", want="the log keys of the trust root")
        return registry

    def _read_cosigned(
        self, evidence: pb.Evidence, checkpoint: Checkpoint
    ) -> tuple[Cosigned | None, tuple[Cosigned, ...]]:
        """Condition 14."""
        if len(evidence.replayed) > MAX_REPLAYING:
            got, want = f"{len(evidence.replayed)}", f"at most {MAX_REPLAYING}"
            raise FormatError("evidence", "replayed.count", got=got, want=want)
        replayed = tuple(check_one_history(item, checkpoint, self._log_key) for item in evidence.replayed)
        if not evidence.HasField("cosigned"):
            return None, replayed
        return check_one_history(evidence.cosigned, checkpoint, self._log_key), replayed

    def _check_acts(self, evidence: pb.Evidence, registry: RegistryState, head: Head, reading: Reading) -> None:
        """Condition 13."""
        claims = reading.references.claims(reading.institutions)
        memory = (tuple(evidence.acts), evidence.registry_state, tuple(evidence.institutions), claims)
        if memory not in self._proved:
            self._acts.check(evidence.acts, registry, claims, reading.institutions)
            if len(self._proved) >= MAX_REMEMBERED:
                self._proved.clear()
            self._proved.add(memory)
        _check_newest_act(head, registry, claims)


def _check_newest_act(head: Head, registry: RegistryState, claims: AbstractSet[Claim]) -> None:
    """Check that HEAD and registry state name the same newest act, as far as the places of acts show it."""
    places = {act.leaf_hash: act.place for act in registry.administrator_acts}
    places |= {claim.act_hash: claim.place for claim in claims}
    for act_hash, place in places.items():
        newest = act_hash == registry.act_hash
        if place > head.newest_act or (place == head.newest_act) is not newest:
            raise FormatError("head", "head.newest-act", got=f"leaf {head.newest_act}", want="the newest act's place")


# The same bytes in every answer under one HEAD: each is read once.
@lru_cache(maxsize=16)
def _read_head(note: bytes, head: bytes, log_key: VerifierKey) -> tuple[Checkpoint, Head, int]:
    """Conditions 2 and 3; returns the checkpoint, its HEAD, and the HEAD's time."""
    checkpoint = read_checkpoint(note, log_key)
    leaf = head_leaf(head, "head")
    _check_head(leaf.head, checkpoint.size - 1)
    return checkpoint, leaf.head, leaf.logged_at


def _check_head(head: Head, index: int) -> None:
    """Check what a HEAD says of the log before it, as far as its place shows it."""
    if head.newest_act >= index:
        raise FormatError("head", "head.newest-act", got=f"leaf {head.newest_act}", want="an act before the HEAD")
    if (head.previous == NO_HEAD) is not (index == 1):
        raise FormatError("head", "head.previous", want="the HEAD before, and none for the first")
    if (head.inquiry_root == EMPTY_ROOT) is not (head.inquiry_count == 0):
        raise FormatError("head", "head.inquiries", want="the root of no inquiry for none, and only for none")
