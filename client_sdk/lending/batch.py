"""Reporting a whole portfolio: plan, resume, compare, sign, send, count.

    read and pre-flight  ->  resume the outbox  ->  blocks:  names + what is held  ->  sign, outbox  ->  send, receipts

Records go in random order, so that neither the log nor a witness reads a lender's customer list from it; versions of
one record, and records that rest on each other, go in theirs. All statements of one call carry one ``issued_at``. The
three stages of a block overlap: while one is being sent, the next is signed and the one after that is looked up. With
one signature for many statements, blocks wait in the second stage until it is made.

Subject keys may be introduced or retired meanwhile. What was signed under the old ones is refused; the directory is
followed then, and those rows are worked off a second time at the end; with one signature, under one of their own.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from client_sdk._steps import Stoppable, beside, together
from client_sdk._transport.refusal import is_stale
from client_sdk.lending.chains import plan
from client_sdk.lending.comparison import Lookup
from client_sdk.lending.link import MAX_LISTED, MAX_NAMES
from client_sdk.lending.sending import Sender
from client_sdk.lending.signing import NOTHING, Gathered, Signing
from client_sdk.lending.signing_room import SigningRoom
from client_sdk.lending.sold import sold_records
from client_sdk.lending.tally import Tally
from client_sdk.models.batch import Phase
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk._protocol.statement import Issuer
    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.chains import ChainKey, Unit
    from client_sdk.lending.link import RegistryLink
    from client_sdk.lending.outbox import Outbox
    from client_sdk.lending.preflight import Preflight
    from client_sdk.lending.sending import Sent
    from client_sdk.lending.signing import SignedBlock
    from client_sdk.models.batch import BatchReport, ProgressCallback, RejectedRow
    from client_sdk.models.report import Report

__all__ = ["BatchReporter"]

# Records of a block: as many as one listing and one evaluation take.
BLOCK_RECORDS = 1_000


class BatchReporter:
    """Reports portfolios of one lender.

    Args:
        link: to registry and key services.
        outbox: of the lender.
        issuer: the signing institution with its key.
        secret: behind record ids.
        preflight: rules and moment of the call.
        log_key: from the trust root.
        seconds: for how long a stream may bring no answer.
    """

    def __init__(
        self,
        link: RegistryLink,
        outbox: Outbox,
        issuer: Issuer,
        secret: bytes,
        preflight: Preflight,
        log_key: VerifierKey,
        seconds: float,
    ) -> None:
        self._link = link
        self._outbox = outbox
        self._issuer = issuer
        self._secret = secret
        self._preflight = preflight
        self._sender = Sender(link, outbox, log_key, seconds)
        self._names: dict[Identity, Mapping[int, Pseudonym]] = {}

    def report(
        self,
        reports: Iterable[Report | RejectedRow],
        progress: ProgressCallback | None = None,
        *,
        one_signature: bool = False,
    ) -> Flow[BatchReport]:
        """Report every row and return the result of each.

        May be interrupted at any point and run again with the same input: nothing is lost or doubled.

        Args:
            reports: of any kinds; versions of one record, records of one debt, and what rests on each other, each in
                order of time.
            progress: called after each step.
            one_signature: whether one signature stands for up to 10,000 statements, and a little more.

        Raises:
            OutboxError: the outbox is in use, or cannot be written.
            TransportError: the registry or a key service is away.
            KeyServiceError: a key service refuses, or proves nothing.
            RefusedError: the registry refuses the call as a whole.
            VerificationError: what the registry answers does not verify.
        """
        tally = Tally(progress)
        with self._outbox.alone():
            tally.tell(Phase.CHECKING)
            rows = Stoppable(reports)
            units = yield from beside(partial(self._plan, rows, tally), rows.stop)
            tally.tell(Phase.RESUMING)
            resumed = yield from self._sender.resume()
            logged = {(sent.item.key.record_id, sent.item.version) for sent in resumed if sent.accepted}
            # Whole seconds: finer ones would tell how the rows of one lender follow each other.
            issued_at = self._preflight.now_ms // 1_000 * 1_000
            issuer = replace(self._issuer, signs_later=one_signature)
            room = SigningRoom(issuer, self._preflight, issued_at, tally, logged)
            signing = Signing(room, self._issuer, one_signature, tally)
            left = yield from self._pump(units, signing, tally, again=True)
            yield from self._pump(left, signing, tally, again=False)
        tally.tell(Phase.DONE)
        return (yield from beside(tally.report))

    def _plan(self, reports: Iterable[Report | RejectedRow], tally: Tally) -> list[Unit]:
        """Return what is to be sent, in random order."""
        planned = plan(reports, self._preflight)
        tally.planned(planned)
        random.SystemRandom().shuffle(planned.units)
        return planned.units

    def _pump(self, units: Sequence[Unit], signing: Signing, tally: Tally, *, again: bool) -> Flow[list[Unit]]:
        """Move blocks through the three stages, each a step behind the one before; all three end before the next step.

        What is under way is so waited for, as it writes into the outbox, also where another stage fails.

        Args:
            units: to be worked off.
            signing: signs what is new of them.
            tally: counts what became of the rows.
            again: whether rows that a change of the subject keys has overtaken are returned, and not counted.

        Returns:
            The units of such rows, with what was refused of them.
        """
        left: list[Unit] = []
        gathered: Gathered | None = None
        signed: deque[SignedBlock] = deque()
        sending = NOTHING
        blocks = _blocks(units)
        while True:
            block, begun = next(blocks, ()), gathered is not None or sending is not NOTHING
            gathered, ready, sent = yield from together(
                self._gather(block),
                beside(partial(signing.work_off, gathered, last=not block)),
                self._sender.send(sending.chunks),
            )
            overtaken = _overtaken(sending.units, sent) if again else []
            if overtaken:
                yield from self._link.follow()
                # Another one: what is already looked up keeps the names that it was looked up with.
                self._names = {}
            left += overtaken
            _count(_without(sent, overtaken), tally)
            signed += ready
            if not (signed or gathered):
                return left
            if begun:
                tally.tell(Phase.SENDING)
            yield from beside(partial(self._keep, ready))
            sending = signed.popleft() if signed else NOTHING

    def _keep(self, ready: Sequence[SignedBlock]) -> None:
        """Store what was signed together in one transaction."""
        chunks = [chunk for step in ready for chunk in step.chunks]
        if chunks:
            self._sender.keep(chunks)

    def _gather(self, units: Sequence[Unit]) -> Flow[Gathered | None]:
        """Look up the persons of a block, and what the registry holds of its records."""
        if not units:
            return None
        identities = dict.fromkeys(step.row.report.identity for unit in units for step in unit.steps)
        unknown = [identity for identity in identities if identity not in self._names]
        for start in range(0, len(unknown), MAX_NAMES):
            asked = unknown[start : start + MAX_NAMES]
            names = yield from self._link.names(asked)
            self._names.update(zip(asked, names, strict=True))
        lookups = {chain.key: Lookup(chain, self._secret) for unit in units for chain in unit.chains}
        while (yield from self._look(lookups)):
            pass
        sold = yield from sold_records(self._link, [step.row.report for unit in units for step in unit.steps])
        return Gathered(units, lookups, self._names, sold)

    def _look(self, lookups: Mapping[ChainKey, Lookup]) -> Flow[bool]:
        """Look up one more attempt of each record that may have one; False when all is known."""
        wanted = yield from beside(partial(_wanted, lookups))
        ids = list(wanted)
        for start in range(0, len(ids), MAX_LISTED):
            asked = ids[start : start + MAX_LISTED]
            found = yield from self._link.held(asked)
            held = {record.statement.record_id: record for record in found}
            for record_id in asked:
                lookup, attempt = wanted[record_id]
                lookup.known[attempt] = held.get(record_id)
        return bool(ids)


def _wanted(lookups: Mapping[ChainKey, Lookup]) -> dict[bytes, tuple[Lookup, int]]:
    """Return, by record id, the attempts that have to be looked up next."""
    return {
        record_id: (lookup, attempt) for lookup in lookups.values() for record_id, attempt in lookup.wanted().items()
    }


def _overtaken(units: Iterable[Unit], sent: Sequence[Sent]) -> list[Unit]:
    """Return the units of which a row was refused for the subject keys it was signed under, with all refused rows.

    Those behind such a row, of its record or of another that rests on it, may have been refused for that alone.
    """
    refused = {item.row: violation for item, _, violation in sent if item.row is not None and violation is not None}
    stale = {row for row, violation in refused.items() if is_stale(violation.reason)}
    if not stale:
        return []
    return [unit.only(refused.keys()) for unit in units if any(step.row in stale for step in unit.steps)]


def _without(sent: Sequence[Sent], units: Iterable[Unit]) -> list[Sent]:
    rows = {step.row for unit in units for step in unit.steps}
    return [one for one in sent if one.item.row not in rows]


def _blocks(units: Sequence[Unit]) -> Iterator[Sequence[Unit]]:
    block: list[Unit] = []
    records = 0
    for unit in units:
        block.append(unit)
        records += len(unit.chains)
        if records >= BLOCK_RECORDS:
            yield block
            block, records = [], 0
    if block:
        yield block


def _count(sent: Iterable[Sent], tally: Tally) -> None:
    refused: dict[bytes, Violation] = {}
    for item, accepted, violation in sent:
        if violation is None:
            tally.accepted += accepted
            tally.repeated += not accepted
            continue
        first = refused.setdefault(item.key.record_id, violation)
        if first is violation or item.row is None:
            tally.reject([violation])
        else:
            want = "an earlier version of this record to be accepted"
            tally.reject(
                [
                    Violation(
                        row=item.row.number,
                        reason="PRECEDING_REJECTED",
                        field="statement.version",
                        rule=first.rule,
                        got=violation.reason,
                        want=want,
                    )
                ]
            )
