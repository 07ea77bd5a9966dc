"""The audit that a desk runs: in a process of its own, one at a time, with its progress for all who look.

The audit of a long log computes for minutes and takes gigabytes: in a process of its own it holds up no page, its
memory is given back when it ends, and it can be stopped at any time, as position and findings are replaced as a whole.
It keeps its state where ``credit-registry audit`` keeps it, behind the same lock.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.auditing.auditor import Auditor
from client_sdk.auditing.report import AuditReport
from client_sdk.desk.failures import ErrorWords, error_words
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.texts import Language, say_in
from client_sdk.errors import ConfigError, CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from client_sdk.config import ClientConfig
    from client_sdk.desk.journal import Journal

__all__ = ["AuditPhase", "AuditRuns", "AuditState"]

# Between two audits that follow the log.
FOLLOW_SECONDS = 600.0
# For a process to end after its last word, before it is killed.
_END_SECONDS = 10.0
_REPORT_SECONDS = 0.2


class AuditPhase(StrEnum):
    """How far the newest audit of this desk is."""

    NONE = "NONE"
    FETCHING = "FETCHING"
    VERIFYING = "VERIFYING"
    DONE = "DONE"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class AuditState:
    """The newest audit of a desk.

    Attributes:
        phase: how far it is.
        who: name of the person who started it.
        follows: whether it is made again every ten minutes.
        done: leaves that are verified.
        size: of all leaves; 0 where it is not known yet.
        began: seconds of the clock, when it began to fetch.
        verifying_since: seconds of the clock, when it began to verify.
        failure: what went wrong, by language.
    """

    phase: AuditPhase = AuditPhase.NONE
    who: str = ""
    follows: bool = False
    done: int = 0
    size: int = 0
    began: float = 0.0
    verifying_since: float = 0.0
    failure: Mapping[Language, ErrorWords] | None = None

    @property
    def runs(self) -> bool:
        """Whether an audit is under way."""
        return self.phase in {AuditPhase.FETCHING, AuditPhase.VERIFYING}

    @property
    def seconds(self) -> float:
        """For how long it has run."""
        return time.monotonic() - self.began

    @property
    def leaves_a_second(self) -> int:
        """Leaves that it has verified a second."""
        return int(self.done / max(time.monotonic() - self.verifying_since, 0.001)) if self.verifying_since else 0


class _AuditFailedError(CreditRegistryError):
    """An audit that did not end with a report; the state says why.

    Attributes:
        reason: stable word, for the journal.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AuditRuns:
    """The audits of one desk; thread-safe.

    Args:
        config: of the auditor.
        journal: of the desk.
    """

    def __init__(self, config: ClientConfig, journal: Journal) -> None:
        self._config, self._journal = config, journal
        self._lock = threading.Lock()
        self._state = AuditState()
        self._process: SpawnProcess | None = None
        self._watching: threading.Thread | None = None
        self._stopping = threading.Event()
        #: Set when the desk ends.
        self.closing = threading.Event()
        #: Pages that look on; counted by the event loop alone.
        self.streams = 0
        #: Of the newest audit of this desk that had one.
        self.report: AuditReport | None = None

    @property
    def state(self) -> AuditState:
        """The newest audit."""
        return self._state

    def start(self, who: str, *, follow: bool) -> bool:
        """Start an audit, unless one runs or the log is followed; return whether it was started.

        Args:
            who: name of the person.
            follow: make another one every ten minutes, until it is stopped.

        Raises:
            ConfigError: the journal cannot be written.
        """
        with self._lock:
            if self.closing.is_set() or self._state.runs or self._state.follows:
                return False
            if self._watching is not None:
                # It has told its end, and writes the last line of its act.
                self._watching.join(_END_SECONDS)
            self._stopping.clear()
            act = ExitStack()
            act.enter_context(self._journal.act(who, DeskAct.AUDIT))
            self._state = _begun(who, follows=follow)
            self._watching = threading.Thread(target=self._watch, args=(act,), name="audit", daemon=True)
            self._watching.start()
            return True

    def stop(self) -> None:
        """Stop the audit under way, and follow no longer; what it has found so far is not kept."""
        self._stopping.set()
        process = self._process
        if process is not None and process.pid is not None and process.is_alive():
            # Its own processes are of its group. Before it has made one, it has none.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()
        watching = self._watching
        if watching is not None:
            watching.join(_END_SECONDS)

    def close(self) -> None:
        """End with the desk."""
        self.closing.set()
        self.stop()

    def _watch(self, act: ExitStack) -> None:
        """Audit once, or again and again; each audit is an act of the journal."""
        while True:
            state = self._state
            try:
                with suppress(_AuditFailedError), act:
                    self._take(self._audited())
            except CreditRegistryError as error:
                # The journal: nothing further is done without it.
                self._state = replace(
                    self._state, phase=AuditPhase.FAILED, follows=False, failure=_in_each_language(error)
                )
                return
            if not state.follows or self._stopping.wait(FOLLOW_SECONDS):
                break
            act = ExitStack()
            try:
                act.enter_context(self._journal.act(state.who, DeskAct.AUDIT))
            except CreditRegistryError as error:
                self._state = replace(state, phase=AuditPhase.FAILED, follows=False, failure=_in_each_language(error))
                return
            self._state = _begun(state.who, follows=True)
        if state.follows:
            self._state = replace(self._state, follows=False)

    def _audited(self) -> AuditReport | Mapping[Language, ErrorWords] | None:
        """Audit in a process, and follow what it says; return its last word, None where it ended without one."""
        spawn = multiprocessing.get_context("spawn")
        try:
            config = replace(self._config, secret=_secret(self._config))
            ours, theirs = spawn.Pipe(duplex=False)
            self._process = process = spawn.Process(target=_audit_apart, args=(config, os.cpu_count() or 1, theirs))
            process.start()
        except CreditRegistryError as error:
            return _in_each_language(error)
        except OSError as error:
            return _in_each_language(ConfigError(f"no process can be started: {error.strerror}"))
        theirs.close()
        if self._stopping.is_set():
            process.kill()
        with ours:
            try:
                said = self._said(ours)
            except (EOFError, OSError):
                said = None
        process.join(_END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        return said

    def _said(self, ours: Connection) -> AuditReport | Mapping[Language, ErrorWords]:
        """Follow the progress; return the last word."""
        while True:
            said = ours.recv()
            if not isinstance(said, tuple):
                return said  # type: ignore[no-any-return]  # what our own function sends
            since = self._state.verifying_since or time.monotonic()
            self._state = replace(
                self._state, phase=AuditPhase.VERIFYING, done=said[0], size=said[1], verifying_since=since
            )

    def _take(self, said: AuditReport | Mapping[Language, ErrorWords] | None) -> None:
        if isinstance(said, AuditReport):
            self.report = said
            self._state = replace(self._state, phase=AuditPhase.DONE)
        elif self._stopping.is_set():
            self._state = replace(self._state, phase=AuditPhase.STOPPED, follows=False)
            raise _AuditFailedError("STOPPED")
        else:
            failure = said or {language: _ended(language) for language in Language}
            self._state = replace(self._state, phase=AuditPhase.FAILED, failure=failure)
            raise _AuditFailedError(failure[Language.ENGLISH].reason)


def _begun(who: str, *, follows: bool) -> AuditState:
    return AuditState(AuditPhase.FETCHING, who, follows, began=time.monotonic())


@dataclass(frozen=True, slots=True)
class _GivenSecret:
    """The passphrase of the keys, for a process that cannot ask for it; handed over by a pipe."""

    passphrase: bytes

    def __call__(self, uri: str) -> bytes:  # noqa: ARG002 - one passphrase for all keys of a home
        return self.passphrase

    def __repr__(self) -> str:
        return "_GivenSecret()"


def _secret(config: ClientConfig) -> _GivenSecret | None:
    passphrase = config.new_key_passphrase()
    return None if passphrase is None else _GivenSecret(passphrase)


def _in_each_language(error: CreditRegistryError) -> dict[Language, ErrorWords]:
    return {language: error_words(error, say_in(language)) for language in Language}


def _ended(language: Language) -> ErrorWords:
    say = say_in(language)
    todo = say("Start it again. If it stays, look for memory: an audit needs some for each record of the log.")
    return ErrorWords(500, say("The audit's process has ended by itself"), "AUDIT_ENDED", next=todo)


def _audit_apart(config: ClientConfig, jobs: int, connection: Connection) -> None:
    """Audit in this process, which is the leader of a group of its own; say how far it is, and last what came of it."""
    os.setsid()
    # The desk ends it; a terminal's Ctrl-C is for the desk.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said_at = 0.0

    def progress(done: int, size: int) -> None:
        nonlocal said_at
        if done == size or time.monotonic() - said_at >= _REPORT_SECONDS:
            said_at = time.monotonic()
            connection.send((done, size))

    # A desk that is gone reads nothing more, and wants no audit.
    with suppress(BrokenPipeError):
        try:
            last: AuditReport | dict[Language, ErrorWords] = Auditor(config).audit(progress=progress, jobs=jobs)
        except CreditRegistryError as error:
            last = _in_each_language(error)
        connection.send(last)
