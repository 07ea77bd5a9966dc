"""Flows that screen many customers by pages of the map, without an inquiry about each."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk._blinding_processes import BlindingProcesses
from client_sdk._helper_process import processors
from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.screening import PageReader, SignedScreening, sign_screening
from client_sdk._shared_work import SharedWork
from client_sdk._steps import ask, beside, from_start, message, open_stream, together
from client_sdk.errors import ConflictError
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.map_page import MAX_PAGE_DEPTH, page_depth
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import KeyUsage, KeyUse
from client_sdk.kernel.ledger.inquiry import Screening
from client_sdk.kernel.rules.facts import Consent
from client_sdk.lending.screen_file import LastLook, ScreenFile
from client_sdk.lending.screening import NAMED_AT_ONCE, OwnParts, PortfolioScreen
from client_sdk.models.replayed import Replayed
from client_sdk.models.screening import (
    Customer,
    ScreenFinding,
    ScreenPhase,
    ScreenProgress,
    ScreenReport,
    WatchReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from client_sdk._protocol.blinding import Blinder
    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.words import Purpose
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.screening import ScreenProgressCallback

__all__ = ["Screener"]

# How often a screening is begun anew: its HEAD was given up meanwhile, or its pages were too large for the registry.
_ATTEMPTS = 4
# One of 2 cores names 2,000 customers in the time in which processes start.
_ENOUGH_FOR_PROCESSES = 2_000
# More than the two services of most registries can serve.
_MOST_PROCESSES = 8
# Shares of a lane between two reports of progress, when all lanes wait for the slowest.
_IN_A_ROW = 4
_AGAIN = frozenset(("HEAD_GONE", "DEPTH_INVALID", "INQUIRY_STALE", "SUBJECT_KEY_VERSION"))


@dataclass(frozen=True, slots=True)
class _Aim:
    """Purpose, officer and progress of one call, and what verifies its pages."""

    purpose: Purpose
    officer: str
    progress: ScreenProgressCallback | None
    executor: Executor | None

    def tell(self, phase: ScreenPhase, done: int, total: int) -> None:
        """Tell how far it is."""
        if self.progress is not None:
            self.progress(ScreenProgress(phase=phase, done=done, total=total))


class Screener(Core):
    """What a lender finds out about a whole portfolio."""

    def screen(
        self,
        customers: Iterable[Customer],
        purpose: Purpose | str,
        officer: str,
        resume: str | Path | None,
        progress: ScreenProgressCallback | None,
        executor: Executor | None,
    ) -> Flow[ScreenReport]:
        """Find out which customers are listed."""
        aim, people = yield from self._begin(customers, purpose, officer, progress, executor)
        file = yield from beside(partial(self._file, resume, aim.purpose))
        try:
            screen = yield from beside(partial(PortfolioScreen, people, file))
            report, _ = yield from self._look(screen, aim)
            yield from beside(file.discard)
        finally:
            file.close()
        aim.tell(ScreenPhase.DONE, len(people), len(people))
        return report

    def watch(
        self,
        customers: Iterable[Customer],
        purpose: Purpose | str,
        officer: str,
        state: str | Path,
        progress: ScreenProgressCallback | None,
        take: Callable[[WatchReport], None] | None,
        executor: Executor | None,
    ) -> Flow[WatchReport]:
        """Find out what has changed since the last look."""
        arguments.of_type(state, (str, Path), "state", "a path as text or as a Path")
        arguments.callable_of(take, "take")
        aim, people = yield from self._begin(customers, purpose, officer, progress, executor)
        file = yield from beside(partial(self._file, state, aim.purpose))
        try:
            screen = yield from beside(partial(PortfolioScreen, people, file))
            since = file.last
            report, reader = yield from self._look(screen, aim)
            changes = yield from beside(partial(screen.changes, report.findings, reader.found))
            as_of = moment(since.as_of_ms) if since.size else None
            found = WatchReport(changes=changes, since=as_of, screening=report)
            if take is not None:
                yield from beside(partial(take, found))
            last = LastLook(reader.as_of_ms, report.size)
            yield from beside(partial(screen.keep, last, report.findings, reader.found))
        finally:
            file.close()
        aim.tell(ScreenPhase.DONE, len(people), len(people))
        return found

    def _begin(
        self,
        customers: Iterable[Customer],
        purpose: Purpose | str,
        officer: str,
        progress: ScreenProgressCallback | None,
        executor: Executor | None,
    ) -> Flow[tuple[_Aim, list[Customer]]]:
        """Check everything that can be checked before anybody is asked."""
        arguments.items_of(customers, "customers", "an iterable of Customer")
        arguments.callable_of(progress, "progress")
        arguments.of_type(executor, (Executor, type(None)), "executor", "an Executor, or None")
        aim = _Aim(arguments.purpose_of(purpose), arguments.officer_of(officer), progress, executor)
        people = yield from beside(partial(_customers_of, customers))
        directory = yield from self.directory()
        yield from beside(partial(self.session.check_screening, directory, people, aim.purpose))
        return aim, people

    def _file(self, path: str | Path | None, purpose: Purpose) -> ScreenFile:
        config = self.session.config
        context = (config.name, config.institution, purpose.name)
        return ScreenFile(path, config.record_secret(), context, config.state_folder / "screening.lock")

    def _look(self, screen: PortfolioScreen, aim: _Aim) -> Flow[tuple[ScreenReport, PageReader]]:
        """Have all customers named, and read their pages."""
        deeper, attempt = 0, 1
        while True:
            directory = yield from self._named(screen, aim)
            depth = min(self._depth() + deeper, MAX_PAGE_DEPTH)
            try:
                with SharedWork(aim.executor) as work:
                    read = partial(PageReader, screen.keys(), depth, self.session.log_key, work)
                    reader = yield from beside(read)
                    question = yield from self._read(screen, reader, depth, directory, aim)
            except ConflictError as error:
                if error.reason not in _AGAIN or attempt == _ATTEMPTS:
                    raise
                deeper += error.rule == "screening.page-entries"
            else:
                own = yield from self._own(reader, directory)
                findings = yield from beside(partial(screen.findings, reader.found, own))
                rebuilt = Replayed(named=self.session.replay_trust.quorum is not None)
                if reader.checkpoint is not None:
                    rebuilt = yield from self.rebuilt(reader.checkpoint, reader.as_of_ms)
                return replace(_report(findings, reader, question, depth), replayed=rebuilt), reader
            attempt += 1
            yield from self.following.refresh()

    def _named(self, screen: PortfolioScreen, aim: _Aim) -> Flow[Directory]:
        """Ask for the pseudonyms of all customers who have none yet under the live versions of the subject keys."""
        while True:
            directory = yield from self.directory()
            versions = directory.state.live_subject_key_versions
            people = yield from beside(partial(screen.unnamed, versions))
            if not people:
                return directory
            processes = BlindingProcesses(_blinding_processes(len(people)))
            try:
                blinders = yield from beside(processes.start)
                yield from self._name(screen, people, blinders, aim)
                yield from beside(processes.stop)
            finally:
                processes.stop()

    def _name(
        self,
        screen: PortfolioScreen,
        people: Sequence[tuple[bytes, Identity]],
        blinders: Sequence[Blinder],
        aim: _Aim,
    ) -> Flow[None]:
        """Ask for pseudonyms in as many lanes as there are blinders: while one keeps its keys, the others blind."""
        lanes: list[tuple[Blinder, ...]] = [(blinder,) for blinder in blinders] or [()]
        together_named = NAMED_AT_ONCE * _IN_A_ROW * len(lanes)
        total = len(screen.customers)
        for start in range(0, len(people), together_named):
            aim.tell(ScreenPhase.NAMING, max(0, total - len(people)) + start, total)
            some = people[start : start + together_named]
            shares = [some[at : at + NAMED_AT_ONCE] for at in range(0, len(some), NAMED_AT_ONCE)]
            yield from together(
                *(self._name_shares(screen, shares[place :: len(lanes)], lane, aim) for place, lane in enumerate(lanes))
            )

    def _name_shares(
        self,
        screen: PortfolioScreen,
        shares: Sequence[Sequence[tuple[bytes, Identity]]],
        lane: Sequence[Blinder],
        aim: _Aim,
    ) -> Flow[None]:
        """Name some persons, then the next; the keys of each share are kept before the next is asked for."""
        for share in shares:
            identities = [identity for _, identity in share]
            names = yield from self.names(identities, KeyUse.INQUIRE, aim.purpose, lane)
            yield from beside(partial(screen.named, share, names))

    def _depth(self) -> int:
        """Return the depth that suits the map of the newest HEAD that was followed."""
        view = self.session.follower.view
        head = None if view is None else parse_leaf(view.proof.head)
        return page_depth(head.head.entry_count if isinstance(head, HeadLeaf) else 0)

    def _read(
        self, screen: PortfolioScreen, reader: PageReader, depth: int, directory: Directory, aim: _Aim
    ) -> Flow[SignedScreening]:
        """Sign a screening, then fetch and verify its pages; customers are named under ``directory``."""
        pages = len(reader.prefixes)
        sign = partial(self._sign_screening, Screening(len(screen.customers), depth, pages), screen, aim)
        question = yield from beside(sign)
        # Known before the call goes out, as for a check.
        known = self.session.newest_seen()
        while (request := reader.request(question)) is not None:
            aim.tell(ScreenPhase.READING, reader.done, pages)
            response = yield from ask(self.services.inquiries.Screen, request)
            is_first = reader.checkpoint is None
            yield from beside(partial(reader.read, response, self.session.expectation(known, None)))
            if is_first:
                yield from self.prove(self.session.proving(reader.note))
                yield from self._check_named(reader, directory)
        yield from beside(reader.settle)
        return question

    def _check_named(self, reader: PageReader, directory: Directory) -> Flow[None]:
        """Check that customers are named under every version of the subject keys that is live at the pages' HEAD.

        Under a version that an act has introduced since the directory was followed, a listed person would seem absent.
        Versions come once and go for good: where they are the same before and after the HEAD, they were so at it.

        Raises:
            ConflictError: SUBJECT_KEY_VERSION; they are not.
        """
        if reader.newest_act == directory.newest_act:
            return
        named = directory.state.live_subject_key_versions
        live = (yield from self.following.refresh()).state.live_subject_key_versions
        if live != named:
            raise ConflictError(
                "SUBJECT_KEY_VERSION",
                field="subject_key_version",
                rule="screening.subject-keys",
                got=f"persons named under versions {named}",
                want=f"versions {live}, which are live now",
            )

    def _sign_screening(self, screening: Screening, screen: PortfolioScreen, aim: _Aim) -> SignedScreening:
        session = self.session
        return sign_screening(
            session.config.name,
            session.config.institution,
            session.signer(KeyUsage.INQUIRE),
            screening,
            purpose=aim.purpose,
            consents=[customer.consent for customer in screen.customers],
            officer=aim.officer,
            issued_at=session.now_ms(),
        )

    def _own(self, reader: PageReader, directory: Directory) -> Flow[OwnParts]:
        """Return what own records add to the values that were found; a page of the listing at a time."""
        if not reader.found:
            return OwnParts()
        return (yield from from_start(partial(self._read_own, reader, directory)))

    def _read_own(self, reader: PageReader, directory: Directory) -> Flow[OwnParts]:
        own = OwnParts()
        (request,) = self.session.listings((), "")
        stream = yield from open_stream(self.services.records.ListRecords, request)
        try:
            while (page := (yield from message(stream))) is not None:
                held = yield from beside(partial(self.session.read_records, [page], directory, request))
                yield from beside(partial(own.add, held, reader.found))
        finally:
            stream.cancel()
        return own


def _blinding_processes(people: int) -> int:
    """Return in how many processes so many persons' numbers are blinded: none where starting them takes longer."""
    count = processors()
    return min(count, _MOST_PROCESSES) if count > 1 and people >= _ENOUGH_FOR_PROCESSES else 0


def _customers_of(customers: Iterable[Customer]) -> list[Customer]:
    """Return customers of the right types; they are gone through once."""
    people: list[Customer] = []
    for customer in customers:
        arguments.of_type(customer, Customer, "customers", "a Customer each")
        arguments.person_of(customer.identity, "customers.identity")
        arguments.of_type(customer.consent, Consent, "customers.consent", "a Consent")
        arguments.consent_of(customer.consent)
        arguments.bytes_of(customer.consent.digest, "customers.consent.digest", HASH_BYTES)
        people.append(customer)
    return people


def _report(
    findings: Sequence[ScreenFinding], reader: PageReader, question: SignedScreening, depth: int
) -> ScreenReport:
    return ScreenReport(
        findings=tuple(findings),
        as_of=moment(reader.as_of_ms),
        size=0 if reader.checkpoint is None else reader.checkpoint.size,
        inquiry_id=question.inquiry.inquiry_id,
        consents_opening=question.consents_opening,
        depth=depth,
        pages=len(reader.prefixes),
    )
