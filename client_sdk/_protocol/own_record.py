"""Reading what the registry holds of the caller's own records, or of those of an institution that it succeeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.statement import Version
from client_sdk._protocol.verification import verifying
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import verify_statement
from client_sdk.kernel.formats.commitment import commit_subject
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.seal import disclosure_digest, open_facts
from client_sdk.kernel.formats.statement import RecordKey, Statement, payload_hash
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.kernel.ledger.proving import read_leaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.rules.monthly import KnownVersion, monthly_history
from client_sdk.kernel.rules.stale import is_stale
from client_sdk.models.record import RecordState, RecordView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk.kernel.formats.seal import Opened
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.monthly import HistoryMonth
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.receipt import Receipt

__all__ = [
    "HeldRecord",
    "earlier_version",
    "months_of",
    "names_another",
    "open_held",
    "read_held",
    "version_of",
    "views_of",
]

_STATES = {
    pb.RECORD_STATE_LIVE: RecordState.LIVE,
    pb.RECORD_STATE_ENDED: RecordState.ENDED,
    pb.RECORD_STATE_ERASED: RecordState.ERASED,
}


@dataclass(frozen=True, slots=True, repr=False)
class HeldRecord:
    """The newest version of a record, with its signature verified; binding and disclosure only where live.

    ``annotation_hash`` and ``hidden`` are the registry's word alone, until a value of the map is made of it.
    """

    statement: Statement
    payload: bytes
    index: int
    logged_at: int
    state: RecordState
    subject: bytes
    disclosure: bytes
    leaf_hash: bytes
    opening: bytes
    annotation_hash: bytes
    # Whether the key that signed it is in doubt from that leaf on.
    contested: bool = False
    hidden: bool = False

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return self.statement.key


def read_held(message: pb.OwnRecord, directory: Directory, issuer: str) -> HeldRecord:
    """Return a record as listed, once its signature, binding and digest verify.

    Args:
        message: of the answer.
        directory: that was followed from the trust root.
        issuer: institution id, whose records were asked for.

    Raises:
        VerificationError: it is of another issuer, was not signed by the issuer or its successor, or what comes with it
            is not its own.
    """
    with verifying():
        leaf = read_leaf(message.leaf, "own record")
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
            raise FormatError("own record", "record.leaf", want="a statement")
        statement = Statement.parse(leaf.payload)
        if statement.record_id != message.record_id or statement.registry != directory.state.registry:
            raise FormatError("own record", "record.id", want="the record asked for, in this registry")
        if statement.issuer != issuer:
            raise FormatError("own record", "record.issuer", got=statement.issuer, want=issuer)
        if not directory.institution(issuer).speaks_at(statement.signer, message.index):
            raise FormatError("own record", "record.signer", got=statement.signer, want="the issuer or its successor")
        key = directory.key_at(leaf.key_id, statement.signer, KeyUsage.REPORT, message.index)
        verify_statement(statement, leaf.payload, key.public_key, leaf.signature)
        state = _STATES.get(message.state)
        if state is None:
            raise FormatError("own record", "record.state", got=str(message.state), want="LIVE, ENDED or ERASED")
        if state is RecordState.LIVE:
            _check_binding(message, statement)
    subject = message.binding.subject if state is RecordState.LIVE else b""
    disclosure = message.disclosure if state is RecordState.LIVE else b""
    return HeldRecord(
        statement=statement,
        payload=leaf.payload,
        index=message.index,
        logged_at=leaf.logged_at,
        state=state,
        subject=subject,
        disclosure=disclosure,
        leaf_hash=leaf_hash(message.leaf),
        opening=message.binding.opening if state is RecordState.LIVE else b"",
        annotation_hash=message.annotation_hash if state is RecordState.LIVE else b"",
        contested=key.contested_at(message.index),
        hidden=state is RecordState.LIVE and message.hidden,
    )


def _check_binding(message: pb.OwnRecord, statement: Statement) -> None:
    binding = message.binding
    if commit_subject(binding.opening, binding.subject) != statement.subject_commitment:
        raise FormatError("own record", "record.binding", want="a binding that opens the commitment")
    if disclosure_digest(message.disclosure) != statement.disclosure_digest:
        raise FormatError("own record", "disclosure.digest", want="the sealed bytes that were signed")


def open_held(held: HeldRecord, names: Mapping[int, Pseudonym]) -> Opened | None:
    """Open the facts of a live record; None if it is about another person.

    Raises:
        VerificationError: it is about that person, and its disclosure does not open.
    """
    pseudonym = names.get(held.statement.subject_key_version)
    if pseudonym is None or pseudonym.subject != held.subject:
        return None
    with verifying():
        return open_facts(pseudonym.seal_key, held.statement.facts_commitment, held.disclosure)


def names_another(held: HeldRecord, names: Mapping[int, Pseudonym]) -> bool:
    """Whether a live record is about another person; False if its subject keys are retired, so that it is unknown."""
    pseudonym = names.get(held.statement.subject_key_version)
    return pseudonym is not None and pseudonym.subject != held.subject


def version_of(held: HeldRecord, opened: Opened | None) -> Version:
    """Return what the next version needs to know of a record that the registry holds."""
    statement = held.statement
    return Version(
        statement.version,
        payload_hash(held.payload),
        statement.kind,
        statement.standing,
        statement.subject_key_version,
        statement.retain_until,
        b"" if opened is None else opened.opening,
        b"" if opened is None else opened.content,
    )


def views_of(
    found: Iterable[HeldRecord], names: Mapping[int, Pseudonym] | None, stale_days: int, now_ms: int
) -> Iterator[RecordView]:
    """Yield records as the caller sees them.

    Args:
        found: that the registry holds.
        names: of the person whose records are wanted, with their facts opened; None for those of all persons, sealed.
        stale_days: of the rulebook.
        now_ms: of the call.

    Raises:
        VerificationError: a disclosure does not open, or to no facts of that kind.
    """
    for held in found:
        opened = None if names is None else open_held(held, names)
        if names is None or opened is not None:
            stale = is_stale(held.statement.standing, held.logged_at, now_ms, stale_days)
            yield _view(held, opened, stale=stale and held.state is RecordState.LIVE)


def _view(held: HeldRecord, opened: Opened | None, *, stale: bool) -> RecordView:
    statement = held.statement
    view = RecordView(
        issuer=statement.issuer,
        record_id=statement.record_id,
        kind=statement.kind,
        version=statement.version,
        standing=statement.standing,
        state=held.state,
        subject_key_version=statement.subject_key_version,
        issued_at=moment(statement.issued_at),
        logged_at=moment(held.logged_at),
        index=held.index,
        retain_until=date.fromisoformat(statement.retain_until) if statement.retain_until else None,
        transferee=statement.transferee,
        reason=statement.reason,
        evidence=statement.evidence,
        removed_on=date.fromisoformat(statement.removed_on) if statement.removed_on else None,
        stale=stale,
        contested=held.contested and held.state is RecordState.LIVE,
        hidden=held.hidden,
    )
    if opened is None:
        return view
    with verifying():
        return replace(view, facts=parse_facts(statement.kind, opened.content))


def earlier_version(receipt: Receipt, time_zone: str) -> KnownVersion:
    """Return what an own receipt, already verified, says of its version: its facts stay sealed in the log."""
    with verifying():
        leaf = read_leaf(receipt.leaf, "own record")
        if not isinstance(leaf, StatementLeaf):
            raise FormatError("own record", "record.leaf", want="a statement")
        standing = Statement.parse(leaf.payload).standing
    return KnownVersion(receipt.version, standing, day_of(leaf.logged_at, time_zone))


def months_of(
    view: RecordView, earlier: Sequence[KnownVersion], time_zone: str, now_ms: int
) -> tuple[HistoryMonth, ...]:
    """Return the monthly history of an own record.

    Args:
        view: of its newest version.
        earlier: versions before it, ascending, the last one just before it.
        time_zone: of the rulebook.
        now_ms: of the call.
    """
    logged_on = day_of(milliseconds(view.logged_at), time_zone)
    newest = KnownVersion(view.version, view.standing, logged_on, view.facts)
    # A clock of this machine that is behind that of the registry leaves the newest version out of no month.
    until = max(day_of(now_ms, time_zone), logged_on)
    return monthly_history(view.kind, [*earlier, newest], until)


def unknown_record() -> VerificationError:
    """Return the error for an answer that lists what was not asked for."""
    return VerificationError("own record", "record.asked", want="records that were asked for")
