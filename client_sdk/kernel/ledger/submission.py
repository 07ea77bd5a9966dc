"""Submission: a signed version of a record with all that is checked at admission (proto/README.md 2 and 3).

Beside the statement travels what opens its commitments. Of that the registry keeps the binding and the sealed
disclosure; facts, basis and aliases are read in memory and stored nowhere.
"""

from __future__ import annotations

from typing import NamedTuple

from creditregistry.v1 import submission_pb2 as pb

from client_sdk.kernel.formats.statement import RecordKey

__all__ = ["Alias", "Binding", "OpenedBasis", "OpenedFacts", "Submission"]


class Binding(NamedTuple):
    """Pseudonym and opening of a statement's subject commitment, and the debt reference; 32 bytes each."""

    subject: bytes
    opening: bytes
    debt_ref: bytes

    def __repr__(self) -> str:
        return "Binding(...)"


class OpenedFacts(NamedTuple):
    """Canonical facts with the opening of the commitment to them; unverified."""

    opening: bytes
    facts: bytes

    def __repr__(self) -> str:
        return "OpenedFacts(...)"


class OpenedBasis(NamedTuple):
    """The record that version 1 of another rests on, with its newest facts where a rule needs them; unverified."""

    record: RecordKey
    newest: OpenedFacts | None = None

    def __repr__(self) -> str:
        return "OpenedBasis(...)"


class Alias(NamedTuple):
    """Person and debt under another live version of the subject keys."""

    subject_key_version: int
    subject: bytes
    debt_ref: bytes

    def __repr__(self) -> str:
        return f"Alias({self.subject_key_version}, ...)"


class Submission(NamedTuple):
    """One version as it is sent; nothing of it is checked.

    Attributes:
        payload: canonical Statement.
        key_id: which key signed.
        signature: over the payload.
        binding: opens the subject commitment; None for WITHDRAWN and SET_ASIDE, which have nothing of what follows.
        facts: open the facts commitment.
        disclosure: sealed; empty where absent.
        previous: facts of the version before, from version 2 on, or of the sold record that version 1 continues.
        basis: the record that it rests on; at version 1 of a JUDGMENT, an ENFORCEMENT or a LISTING.
        aliases: one for each other live version of the subject keys, ascending.
    """

    payload: bytes = b""
    key_id: bytes = b""
    signature: bytes = b""
    binding: Binding | None = None
    facts: OpenedFacts | None = None
    disclosure: bytes = b""
    previous: OpenedFacts | None = None
    basis: OpenedBasis | None = None
    aliases: tuple[Alias, ...] = ()

    def __repr__(self) -> str:
        return "Submission(...)"

    @classmethod
    def of(cls, message: pb.Submission) -> Submission:
        """Return the value of a parsed message."""
        signed, binding = message.statement, message.binding
        return cls(
            signed.payload,
            signed.key_id,
            signed.signature,
            Binding(binding.subject, binding.opening, binding.debt_ref) if message.HasField("binding") else None,
            _facts_of(message.facts) if message.HasField("facts") else None,
            message.disclosure,
            _facts_of(message.previous) if message.HasField("previous") else None,
            _basis_of(message.basis) if message.HasField("basis") else None,
            tuple(Alias(alias.subject_key_version, alias.subject, alias.debt_ref) for alias in message.aliases),
        )

    def message(self) -> pb.Submission:
        """Return the protobuf form."""
        message = pb.Submission(
            binding=None if self.binding is None else pb.Binding(**self.binding._asdict()),
            facts=_facts_message(self.facts),
            disclosure=self.disclosure,
            previous=_facts_message(self.previous),
            basis=None if self.basis is None else _basis_message(self.basis),
            aliases=[pb.AliasBinding(**alias._asdict()) for alias in self.aliases],
        )
        message.statement.payload = self.payload
        message.statement.key_id = self.key_id
        message.statement.signature = self.signature
        return message


def _facts_of(message: pb.OpenedFacts) -> OpenedFacts:
    return OpenedFacts(message.opening, message.facts)


def _facts_message(facts: OpenedFacts | None) -> pb.OpenedFacts | None:
    return None if facts is None else pb.OpenedFacts(opening=facts.opening, facts=facts.facts)


def _basis_of(message: pb.Basis) -> OpenedBasis:
    newest = _facts_of(message.newest) if message.HasField("newest") else None
    return OpenedBasis(RecordKey(message.record.issuer, message.record.record_id), newest)


def _basis_message(basis: OpenedBasis) -> pb.Basis:
    message = pb.Basis(newest=_facts_message(basis.newest))
    message.record.issuer = basis.record.issuer
    message.record.record_id = basis.record.record_id
    return message
