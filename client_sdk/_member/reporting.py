"""Flows that report records, and read what the registry holds of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from creditregistry.v1 import submission_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.own_record import earlier_version, months_of, views_of
from client_sdk._protocol.receipt import read_receipt
from client_sdk._protocol.statement import RecordEnd
from client_sdk._steps import Stoppable, ask, beside, open_stream
from client_sdk.errors import ConflictError, PreflightError, RefusedError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.listing import removal_due_on
from client_sdk.kernel.rules.monthly import MONTHS
from client_sdk.lending.batch import BatchReporter
from client_sdk.lending.chains import ChainKey, plan, record_id_of
from client_sdk.lending.half_read import row_violations
from client_sdk.lending.preflight import check_types
from client_sdk.lending.sending import Sender, stream_of
from client_sdk.lending.single import (
    Dispatch,
    SingleReport,
    confirmation,
    correction,
    ending,
    preview_of_correction,
    succession,
)
from client_sdk.lending.sold import sold_records
from client_sdk.models.batch import GivenBack
from client_sdk.models.removal import ListingRemoval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._steps import Call, Flow
    from client_sdk.kernel.formats.words import WithdrawalReason
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.monthly import HistoryMonth, KnownVersion
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.lending.signing_room import Prepared
    from client_sdk.models.batch import BatchReport, PreflightReport, ProgressCallback, RejectedRow
    from client_sdk.models.receipt import Receipt
    from client_sdk.models.record import RecordView
    from client_sdk.models.report import RecordName, Report
    from client_sdk.models.violation import Violation

__all__ = ["Reporting"]

R = TypeVar("R")

# Wanted of a portfolio.
# More than any registry holds of one lender.
_MOST_LISTED = 2**31
_ROWS = "reports, one after the other, such as those of read_portfolio"


class Reporting(Core):
    """What a lender reports; ``report_many`` reaches registry and key services through it, see ``Link``."""

    def report(self, report: Report, *, must_exist: bool = False) -> Flow[Receipt]:
        """Report one version of one record.

        Args:
            report: a complete snapshot.
            must_exist: whether the registry has to hold the record already, with the same standing.
        """
        arguments.report_of(report)
        return (yield from self.fresh(partial(self._report, report, must_exist=must_exist)))

    def _report(self, report: Report, *, must_exist: bool) -> Flow[Receipt]:
        directory = yield from self.directory()
        single = yield from beside(partial(self._single, report, directory))
        (names,) = yield from self.names([report.identity])
        yield from self._look_up(single)
        prepared = yield from beside(partial(single.work_off, names, must_exist=must_exist))
        if prepared is None:
            record_id, version = yield from beside(single.newest)
            receipt = yield from self.receipt(record_id, version, "")
            return replace(receipt, repeated=True)
        dispatch, receipt = yield from self._dispatch(prepared)
        return (yield from self._report(report, must_exist=must_exist)) if dispatch.replaced else receipt

    def preview(self, report: Report, record_id: bytes | None) -> Flow[PreflightReport]:
        """Hold one report against the rules and against what the registry holds of its record."""
        if broken := check_types(arguments.report_of(report), 0):
            raise PreflightError(tuple(broken))
        if record_id is not None:
            return (yield from self._correction(record_id, report, preview_of_correction))
        planned = yield from self.preflight([report])
        if planned.violations:
            return planned
        directory = yield from self.directory()
        single = yield from beside(partial(self._single, report, directory))
        (names,) = yield from self.names([report.identity])
        yield from self._look_up(single)
        found = yield from beside(partial(single.preview, names))
        return replace(found, warnings=(*planned.warnings, *found.warnings))

    def correct(self, report: Report, record_id: bytes | None) -> Flow[Receipt]:
        """Correct a record: of its own name, or of a record id."""
        if record_id is None:
            return (yield from self.report(report, must_exist=True))
        arguments.report_of(report)
        return (yield from self.fresh(partial(self._correct, record_id, report)))

    def _correct(self, record_id: bytes, report: Report) -> Flow[Receipt]:
        prepared = yield from self._correction(record_id, report, correction)
        if prepared is None:
            (held,) = yield from self.held([record_id])
            return replace((yield from self.receipt(record_id, held.statement.version, "")), repeated=True)
        dispatch, receipt = yield from self._dispatch(prepared)
        return (yield from self._correct(record_id, report)) if dispatch.replaced else receipt

    def _correction(self, record_id: bytes, report: Report, make: Callable[..., R]) -> Flow[R]:
        """Return what ``make`` makes of a report and of the record with an id, as ``correction`` takes them."""
        arguments.record_id_of(record_id)
        if broken := check_types(report, 0):
            raise PreflightError(tuple(broken))
        names = yield from self.name(report.identity)
        held = yield from self.held([record_id])
        directory = yield from self.directory()
        issuer, rules = self.session.issuer(directory), self.session.preflight(directory)
        return (yield from beside(partial(make, issuer, held, report, rules, names or {})))

    def _look_up(self, single: SingleReport) -> Flow[None]:
        while wanted := (yield from beside(single.wanted)):
            held = yield from self.held(wanted)
            yield from beside(partial(single.take, held))
        single.sold = yield from sold_records(self, [single.report])

    def _single(self, report: Report, directory: Directory) -> SingleReport:
        secret = self.session.config.record_secret()
        return SingleReport(report, self.session.issuer(directory), secret, self.session.preflight(directory))

    def withdraw(
        self,
        record_id: bytes,
        issuer: str,
        identity: Identity | None,
        reason: WithdrawalReason | str,
        evidence: Iterable[bytes],
        removed_on: date | None,
    ) -> Flow[Receipt]:
        """Withdraw a record."""
        digests = arguments.digests_of(evidence, "evidence")
        wanted = arguments.withdrawal_of(reason, digests, removed_on)
        return self._end(record_id, issuer, RecordEnd(Standing.WITHDRAWN, wanted, digests, removed_on), identity)

    def listing_removal(self, removed_on: date) -> Flow[ListingRemoval]:
        """Return by when a listing must be withdrawn."""
        arguments.date_of(removed_on, "removed_on")
        directory = yield from self.directory()
        rules = self.session.preflight(directory)
        due = removal_due_on(removed_on, rules.rulebook)
        return ListingRemoval(removed_on=removed_on, due_on=due, today=rules.today)

    def succeed(self, record_id: bytes, issuer: str, report: Report) -> Flow[Receipt]:
        """End a record of a lender that this one succeeds."""
        arguments.record_id_of(record_id)
        arguments.institution_of(issuer, "issuer")
        if broken := check_types(arguments.report_of(report), 0):
            raise PreflightError(tuple(broken))
        names = yield from self.name(report.identity)
        held = yield from self.held([record_id], issuer)
        directory = yield from self.directory()
        successor, rules = self.session.issuer(directory), self.session.preflight(directory)
        prepared = yield from beside(partial(succession, successor, held, report, rules, names or {}))
        dispatch, receipt = yield from self._dispatch(prepared)
        return (yield from self.succeed(record_id, issuer, report)) if dispatch.replaced else receipt

    def confirm(self, record_id: bytes, identity: Identity) -> Flow[Receipt]:
        """Say once more what a key in doubt has signed."""
        arguments.record_id_of(record_id)
        arguments.person_of(identity, "identity")
        names = yield from self.name(identity)
        # The act that put the key in doubt may be younger than the directory.
        directory = yield from self.following.refresh()
        held = yield from self.held([record_id])
        issuer, rules = self.session.issuer(directory), self.session.preflight(directory)
        prepared = yield from beside(partial(confirmation, issuer, held, identity, rules, names or {}))
        dispatch, receipt = yield from self._dispatch(prepared)
        return (yield from self.confirm(record_id, identity)) if dispatch.replaced else receipt

    def set_aside(self, record_id: bytes, issuer: str, identity: Identity | None) -> Flow[Receipt]:
        """Report that a court set a record aside."""
        return self._end(record_id, issuer, RecordEnd(Standing.SET_ASIDE), identity)

    def _end(self, record_id: bytes, issuer: str, how: RecordEnd, identity: Identity | None) -> Flow[Receipt]:
        arguments.record_id_of(record_id)
        arguments.institution_of(issuer, "issuer")
        names = yield from self.name(identity)
        held = yield from self.held([record_id], issuer)
        copied_at = (yield from self._copied_at(held[0])) if held and how.removed_on is not None else None
        directory = yield from self.directory()
        issuer_now = self.session.issuer(directory)
        prepared = yield from beside(partial(ending, issuer_now, held, how, self.session.now_ms(), names, copied_at))
        dispatch, receipt = yield from self._dispatch(prepared)
        return (yield from self._end(record_id, issuer, how, identity)) if dispatch.replaced else receipt

    def _copied_at(self, held: HeldRecord) -> Flow[int]:
        """Return when the first version of a record was logged, ms."""
        if held.statement.version == 1:
            return held.logged_at
        receipt = yield from self.receipt(held.key.record_id, 1, held.key.issuer)
        return parse_leaf(receipt.leaf).logged_at

    def _dispatch(self, prepared: Prepared) -> Flow[tuple[Dispatch, Receipt]]:
        outbox = yield from beside(self.session.outbox)
        dispatch = Dispatch(outbox, prepared, self.session.log_key)
        request = yield from beside(dispatch.keep)
        try:
            response = yield from ask(self.services.records.Submit, request)
        except RefusedError:
            yield from beside(dispatch.forget)
            raise
        receipt = yield from beside(partial(dispatch.settle, response))
        return dispatch, receipt

    def report_many(
        self, reports: Iterable[Report | RejectedRow], progress: ProgressCallback | None, *, one_signature: bool
    ) -> Flow[BatchReport]:
        """Report a portfolio."""
        arguments.items_of(reports, "reports", _ROWS)
        arguments.callable_of(progress, "progress")
        arguments.flag_of(one_signature, "one_signature")
        # Now, and not a minute ago: rows whose subject keys have changed since would be rejected.
        directory = yield from self.following.refresh()
        reporter = yield from beside(partial(self._reporter, directory))
        return (yield from reporter.report(reports, progress, one_signature=one_signature))

    def redisclose(self) -> Flow[GivenBack]:
        """Send once more what the outbox has kept, for a registry that has lost it."""
        outbox = yield from beside(self.session.outbox)
        sender = Sender(self, outbox, self.session.log_key, self.session.config.batch_deadline)
        with outbox.alone():
            sent = yield from sender.give_back()
        refused = tuple(one.violation for one in sent if one.violation is not None)
        return GivenBack(sent=len(sent), held=len(sent) - len(refused), refused=refused)

    def _reporter(self, directory: Directory) -> BatchReporter:
        return BatchReporter(
            self,
            self.session.outbox(),
            self.session.issuer(directory),
            self.session.config.record_secret(),
            self.session.preflight(directory),
            self.session.log_key,
            self.session.config.batch_deadline,
        )

    def follow(self) -> Flow[Directory]:
        """Follow the directory now."""
        return self.following.refresh()

    def submit(
        self, chunks: Sequence[Sequence[submission_pb2.Submission]], seconds: float
    ) -> Flow[Call[submission_pb2.SubmitBatchResponse]]:
        """Send chunks over one stream, and return the stream of the answers."""
        return open_stream(self.services.records.SubmitBatch, stream_of(chunks), seconds)

    def preflight(self, reports: Iterable[Report | RejectedRow]) -> Flow[PreflightReport]:
        """Hold a portfolio against the rules without sending anything."""
        arguments.items_of(reports, "reports", _ROWS)
        directory = yield from self.directory()
        rows = Stoppable(reports)
        planned = yield from beside(partial(plan, rows, self.session.preflight(directory)), rows.stop)
        return planned.report()

    def preflight_row(self, cells: Mapping[str, str]) -> Flow[tuple[Violation, ...]]:
        """Hold one row against the rules, as far as its cells can be read."""
        arguments.cells_of(cells)
        directory = yield from self.directory()
        return tuple((yield from beside(partial(row_violations, cells, self.session.preflight(directory)))))

    def record_id(self, name: RecordName) -> bytes:
        """Return the id of an own record; no flow, as it waits for nothing."""
        return record_id_of(
            self.session.config.record_secret(), ChainKey.of(arguments.name_of(name)), name.attempt or 0
        )

    def records(
        self, record_ids: Sequence[bytes], identity: Identity | None, issuer: str, most: int | None = None
    ) -> Flow[Iterator[RecordView]]:
        """Return own records as the registry holds them; facts are opened as they are read."""
        wanted = yield from beside(partial(arguments.record_ids_of, record_ids))
        arguments.institution_of(issuer, "issuer")
        if most is not None:
            arguments.number_of(most, "most", 1, _MOST_LISTED)
        names = yield from self.name(identity)
        held = yield from self.held(wanted, issuer, most)
        directory = yield from self.directory()
        return views_of(held, names, directory.rulebook.stale_days, self.session.now_ms())

    def history(self, record_id: bytes, issuer: str, identity: Identity | None) -> Flow[tuple[HistoryMonth, ...]]:
        """Return the monthly history of an own record: its newest version, and the receipts of the versions before."""
        arguments.record_id_of(record_id)
        views = yield from self.records([record_id], identity, issuer)
        found = yield from beside(lambda: list(views))
        if not found:
            want = "an own record" + ("" if identity is None else ", live and about this person")
            raise ConflictError("RECORD_UNKNOWN", field="record_id", rule="record.known", got="none", want=want)
        zone, now = (yield from self.directory()).rulebook.time_zone, self.session.now_ms()
        # No older version says anything of the months that are shown.
        oldest = months_later(found[0].logged_at.date(), -MONTHS)
        earlier: list[KnownVersion] = []
        for version in range(found[0].version - 1, 0, -1):
            receipt = yield from self.receipt(record_id, version, issuer)
            earlier.insert(0, earlier_version(receipt, zone))
            if earlier[0].logged_on < oldest:
                break
        return months_of(found[0], earlier, zone, now)

    def receipt(self, record_id: bytes, version: int, issuer: str) -> Flow[Receipt]:
        """Return the receipt of a version, from the outbox or else from the registry."""
        arguments.record_id_of(record_id)
        arguments.version_of(version)
        arguments.institution_of(issuer, "issuer")
        record = self.session.record(record_id, issuer)
        outbox = yield from beside(self.session.outbox)
        kept = yield from beside(partial(outbox.receipt, record.issuer, record_id, version))
        if kept is not None:
            return kept
        request = submission_pb2.GetReceiptRequest(record_id=record_id, version=version, issuer=issuer)
        response = yield from ask(self.services.records.GetReceipt, request)
        name, log_key = self.session.config.name, self.session.log_key
        receipt = read_receipt(response.receipt, record, version, name, log_key)
        yield from self.prove(self.session.proving(receipt.checkpoint))
        return receipt
