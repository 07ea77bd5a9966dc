"""An attacker with a person's identity number, the secret keys of all key services, and all remaining data.

The attacker knows the formats, tries every run of 32 bytes that is left as an opening, and knows what the facts of the
record were.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from hashlib import sha256, sha512
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.commitment import commit_facts
from client_sdk.kernel.formats.encoding import label
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord, records_value, subject_key
from client_sdk.kernel.formats.map_proof import prove_keys, verify_keys
from client_sdk.kernel.formats.seal import disclosure_digest, open_facts, seal_facts
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey, finalize
from client_sdk.kernel.subjects.pseudonym import derive
from tests.support.needles import Needles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk.kernel.formats.statement import Statement
    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = ["Attacker", "OldMap"]

OPENING_BYTES = 32
_SUBJECT = label("creditregistry/subject/v1")


class OldMap(NamedTuple):
    """A map as a HEAD committed to it.

    Attributes:
        root: in the HEAD, which is never erased.
        others: every entry but the person's; the attacker is given all of them.
        place: index and leaf hash of the person's record at that time.
    """

    root: bytes
    others: Mapping[bytes, bytes]
    place: tuple[int, bytes]


class Attacker:
    """One person, all keys, and what is left.

    Args:
        identity: of the person.
        keys: of the key services, in their order.
        left: values of columns.
    """

    def __init__(self, identity: Identity, keys: Sequence[EvaluationKey], left: Iterable[bytes]) -> None:
        self._input = identity.voprf_input()
        self._keys = tuple(keys)
        self._left = tuple(set(left))
        self.outputs = [_output(self._input, key) for key in keys]
        self.pseudonym = derive(1, self.outputs)

    def names(self) -> Needles:
        """Pseudonyms of the person, from number and keys."""
        needles = Needles()
        needles.add("pseudonym", self.pseudonym.subject)
        needles.add("seal key", self.pseudonym.seal_key)
        needles.add("map key", subject_key(self.pseudonym.subject))
        for place, output in enumerate(self.outputs):
            needles.add(f"output {place}", output)
        return needles

    def openings(self, least: int = OPENING_BYTES) -> Iterator[bytes]:
        """Yield every run of 32 bytes that is left."""
        seen: set[bytes] = set()
        for value in self._left:
            for start in range(len(value) - least + 1):
                run = value[start : start + OPENING_BYTES]
                if run not in seen:
                    seen.add(run)
                    yield run

    def opens_subject(self, statements: Iterable[Statement]) -> bool:
        """Try every opening on the subject commitments."""
        wanted = {statement.subject_commitment for statement in statements}
        message = _SUBJECT + self.pseudonym.subject
        return any(hmac.digest(opening, message, "sha256") in wanted for opening in self.openings())

    def opens_facts(self, statements: Iterable[Statement], facts: Iterable[bytes]) -> bool:
        """Try every opening on the facts commitments, with the facts in hand."""
        wanted = {statement.facts_commitment for statement in statements}
        known = list(facts)
        return any(commit_facts(opening, raw) in wanted for opening in self.openings() for raw in known)

    def finds_disclosure(
        self, statements: Iterable[Statement], facts: Iterable[bytes], openings: Sequence[bytes]
    ) -> bool:
        """Try to open everything that is left, to find it by its digest, and to seal the known facts anew."""
        statements = list(statements)
        digests = {statement.disclosure_digest for statement in statements}
        if any(sha256(value).digest() in digests for value in self._left):
            return True
        if any(self._opens(statement, value) for statement in statements for value in self._left):
            return True
        sealed = (
            seal_facts(self.pseudonym.seal_key, statement.facts_commitment, opening, raw)
            for statement in statements
            for raw in facts
            for opening in openings
        )
        return any(disclosure_digest(again) in digests for again in sealed)

    def _opens(self, statement: Statement, value: bytes) -> bool:
        try:
            open_facts(self.pseudonym.seal_key, statement.facts_commitment, value)
        except FormatError:
            return False
        return True

    def rebuilds(self, old: OldMap, openings: Iterable[bytes]) -> bool:
        """Try to rebuild the map of an old HEAD with the person in it, all other entries being known."""
        key, (index, leaf_hash) = subject_key(self.pseudonym.subject), old.place
        # What stands beside the person's entry does not depend on its value.
        proof = prove_keys(sorted({**old.others, key: bytes(32)}.items()), [key])
        for opening in openings:
            value = records_value([MappedRecord(index, leaf_hash, NO_ANNOTATION, opening)])
            with suppress(ProofError):
                verify_keys(old.root, {key: value}, proof)
                return True
        return False

    def recognises(self, blinded: Iterable[bytes]) -> bool:
        """Try whether an element that a key service has logged leads to an output for the person (RFC 9497 3.3.1)."""
        elements = list(blinded)
        for key, output in zip(self._keys, self.outputs, strict=True):
            for evaluated in [*elements, *(key.evaluate([element])[0][0] for element in elements)]:
                if _finalised(self._input, evaluated) == output:
                    return True
        return False


def _output(data: bytes, key: EvaluationKey) -> bytes:
    """The output of a key service for an input, from the evaluation that a lender asks for."""
    blinding = Blinding.of(data)
    evaluated, proof = key.evaluate([blinding.element])
    (output,) = finalize([blinding], evaluated, proof, key.public_key)
    return output


def _finalised(data: bytes, element: bytes) -> bytes:
    parts = (len(data).to_bytes(2), data, len(element).to_bytes(2), element, b"Finalize")
    return sha512(b"".join(parts)).digest()
