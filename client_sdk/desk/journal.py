"""The journal of the desk: who did what and when, about which record or inquiry; append-only, each line chained.

    {"about":[],"act":"ASK","at":"2026-03-01T04:00:00.000Z","number":7,"previous":"<64 hex>",
     "reason":"LOAN_APPROVAL","result":"BEGUN","to":0,"who":"anna"}

A line is one JSON object with sorted names, UTF-8, and ends with a line feed; ``previous`` is the SHA-256 of the whole
line before, zeros in the first. An act has two lines: BEGUN is on disk before anything is done, DONE or FAILED names by
``to`` the line that it ends. It holds no identity number, no pseudonym and no fact: records and inquiries by their ids.

The chain shows that no line was changed or left out up to its last one; that no line was cut off at the end is shown by
keeping the digest of the last one elsewhere (``desk journal verify --contains``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk.clock import clock_ms
from client_sdk.desk.shared_writing import SharedWriting
from client_sdk.errors import ConfigError, CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = [
    "JOURNAL_FILE",
    "NOBODY",
    "ActEntry",
    "DeskAct",
    "Journal",
    "JournalLine",
    "JournalState",
    "read_journal",
    "verify_journal",
]

JOURNAL_FILE = "desk-journal"
_FIRST = "0" * 64
# A line names at most as many records or inquiries, each short, so that every line can be read again.
_MOST_ABOUT = 100
_MOST_LINE_BYTES = 16 * 1024
_ID = re.compile(r"[A-Za-z0-9._@:/=-]{1,120}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9._-]{0,64}", re.ASCII)
# Digests and ids of records may be of digits alone; what else has as many of them may be an identity number.
_RANDOM = re.compile(r"(?:[a-z0-9-]+/)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[0-9a-f]{16}){1,4}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{14}", re.ASCII)
_LONG_NUMBER = re.compile(r"(?:[0-9]-*){14}", re.ASCII)
# Stands for what may not be in a journal.
_LEFT_OUT = "?"
# Of the program itself, where no person acts.
NOBODY = "-"


class DeskAct(StrEnum):
    """Kind of act; stable words."""

    STARTED = "STARTED"
    STOPPED = "STOPPED"
    # A last line that a crash had torn was cut off; ``about`` holds its SHA-256.
    MENDED = "MENDED"
    USERS_CHANGED = "USERS_CHANGED"
    SIGN_IN = "SIGN_IN"
    SIGN_OUT = "SIGN_OUT"
    ASK = "ASK"
    READ_ANSWER = "READ_ANSWER"
    SAVE_EVIDENCE = "SAVE_EVIDENCE"
    PRINT_ANSWER = "PRINT_ANSWER"
    LIST_RECORDS = "LIST_RECORDS"
    READ_RECORD = "READ_RECORD"
    OPEN_RECORD = "OPEN_RECORD"
    CORRECT_RECORD = "CORRECT_RECORD"
    WITHDRAW_RECORD = "WITHDRAW_RECORD"
    SAVE_RECEIPT = "SAVE_RECEIPT"
    REPORT_RECORD = "REPORT_RECORD"
    # An act waits for an approver: it is named by the id of its request, its kind by ``reason``.
    REQUEST_APPROVAL = "REQUEST_APPROVAL"
    LIST_APPROVALS = "LIST_APPROVALS"
    READ_APPROVAL = "READ_APPROVAL"
    APPROVE = "APPROVE"
    RETURN = "RETURN"
    TAKE_BACK = "TAKE_BACK"
    # A request was forgotten before it was decided on: its time was over, or the program ended.
    LAPSE = "LAPSE"
    LIST_DISPUTES = "LIST_DISPUTES"
    READ_DISPUTE = "READ_DISPUTE"
    ANSWER_DISPUTE = "ANSWER_DISPUTE"
    OPEN_DISPUTE = "OPEN_DISPUTE"
    WITHDRAW_DISPUTE = "WITHDRAW_DISPUTE"
    READ_INBOX = "READ_INBOX"
    READ_NOTICE = "READ_NOTICE"
    ACKNOWLEDGE = "ACKNOWLEDGE"
    READ_JOURNAL = "READ_JOURNAL"
    # Of an auditor.
    AUDIT = "AUDIT"
    STOP_AUDIT = "STOP_AUDIT"
    READ_AUDIT = "READ_AUDIT"
    SAVE_AUDIT = "SAVE_AUDIT"
    ACCEPT_FINDING = "ACCEPT_FINDING"
    READ_FORK = "READ_FORK"
    COMPARE = "COMPARE"
    # Of an administrator.
    READ_MEMBERS = "READ_MEMBERS"
    READ_ACTS = "READ_ACTS"
    READ_PROPOSALS = "READ_PROPOSALS"
    APPROVE_ACT = "APPROVE_ACT"
    PROPOSE_ACT = "PROPOSE_ACT"
    # What can no longer become an act is not kept any more.
    LEAVE_PROPOSAL = "LEAVE_PROPOSAL"
    READ_HEALTH = "READ_HEALTH"
    SIGN_GENESIS = "SIGN_GENESIS"
    INSTALL_CERTIFICATE = "INSTALL_CERTIFICATE"
    INSTALL_TRUST_ROOT = "INSTALL_TRUST_ROOT"
    # Of a representative, for a person.
    ADD_STATEMENT = "ADD_STATEMENT"
    REMOVE_STATEMENT = "REMOVE_STATEMENT"
    READ_ALERTS = "READ_ALERTS"
    ALERTS_ON = "ALERTS_ON"
    ALERTS_OFF = "ALERTS_OFF"
    # Of a lender, about many persons.
    READ_TODAY = "READ_TODAY"
    READ_QUALITY = "READ_QUALITY"
    # A file is held against the rules, and sent; ``about`` holds counts of its rows.
    CHECK_FILE = "CHECK_FILE"
    REPORT_FILE = "REPORT_FILE"
    SAVE_REJECTED = "SAVE_REJECTED"
    SCREEN = "SCREEN"
    READ_SCREENING = "READ_SCREENING"
    SAVE_SCREENING = "SAVE_SCREENING"
    FORGET_WATCH_LIST = "FORGET_WATCH_LIST"
    # Of programs that come with a token.
    PREVIEW_REPORT = "PREVIEW_REPORT"
    START_JOB = "START_JOB"
    STOP_JOB = "STOP_JOB"
    READ_RECEIPT = "READ_RECEIPT"
    READ_STATISTICS = "READ_STATISTICS"


class ActResult(StrEnum):
    """What a line says of its act."""

    BEGUN = "BEGUN"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line.

    Attributes:
        number: from 1.
        at: when, UTC, ISO 8601 with milliseconds.
        who: name of the person; ``token:`` and a name for a program that comes with a token; ``-`` for the desk itself.
        act: kind of act.
        about: ids of records (ISSUER/UUID), inquiries, proposals or requests for approval (hexadecimal), or jobs;
            counts of the rows of a file, a digest, or ``officer:`` and the name of a person for whom a program asks.
        result: whether the act begins here, is done, or has failed.
        reason: why it failed, a stable word; where it begins the purpose of an inquiry, the reason of a withdrawal, the
            outcome of a dispute, or the act that waits for an approver.
        to: number of the line that this one ends; 0 for none.
        previous: SHA-256 of the line before, hexadecimal.
    """

    number: int
    at: str
    who: str
    act: str
    about: tuple[str, ...]
    result: str
    reason: str
    to: int
    previous: str

    def encode(self) -> bytes:
        """Return the bytes of the line, line feed included."""
        content = {name: getattr(self, name) for name in JournalLine.__slots__}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the line of some bytes.

        Raises:
            ValueError: it is no line in exactly this form.
        """
        content = json.loads(data)
        if (
            not isinstance(content, dict)
            or set(content) != set(cls.__slots__)
            or not isinstance(content["about"], list)
        ):
            raise ValueError("no line of a journal")
        line = cls(**{**content, "about": tuple(content["about"])})
        if line.encode() != data:
            raise ValueError("written in another form")
        return line


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a verified journal comes to.

    Attributes:
        lines: how many.
        last: SHA-256 of the last line, hexadecimal; zeros without one.
        size: bytes of the whole lines.
        torn: bytes after the last whole line, as a crash leaves them.
    """

    lines: int
    last: str
    size: int
    torn: bytes


def read_journal(file: Path) -> Iterator[tuple[JournalLine, JournalState]]:
    """Yield each whole line with the state up to it, the chain verified.

    Raises:
        ConfigError: the file cannot be read, or a line is not in order; the message has its number.
    """
    state = JournalState(0, _FIRST, 0, b"")
    try:
        with file.open("rb") as opened:
            while data := opened.readline(_MOST_LINE_BYTES + 1):
                if not data.endswith(b"\n"):
                    if len(data) > _MOST_LINE_BYTES:
                        raise ConfigError(f"{file}: line {state.lines + 1} is longer than any line of a journal")
                    break
                line = _checked(data, state, file)
                state = JournalState(state.lines + 1, hashlib.sha256(data).hexdigest(), state.size + len(data), b"")
                yield line, state
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error


def verify_journal(file: Path) -> JournalState:
    """Verify a whole journal, and return what it comes to.

    Raises:
        ConfigError: as ``read_journal``.
    """
    state = JournalState(0, _FIRST, 0, b"")
    for _, reached in read_journal(file):
        state = reached
    try:
        with file.open("rb") as opened:
            opened.seek(state.size)
            torn = opened.read(_MOST_LINE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    return JournalState(state.lines, state.last, state.size, torn)


def _checked(data: bytes, state: JournalState, file: Path) -> JournalLine:
    """Return the line that follows a state."""
    place = f"{file}: line {state.lines + 1}"
    try:
        line = JournalLine.parse(data)
    except (ValueError, RecursionError, TypeError):
        raise ConfigError(f"{place} is no line of a journal: it was changed") from None
    if line.number != state.lines + 1:
        raise ConfigError(f"{place} has the number {line.number}: lines were left out or put in")
    if line.previous != state.last:
        raise ConfigError(f"{place} does not follow the line before it: one of the two was changed")
    return line


@dataclass(slots=True)
class ActEntry:
    """An act under way.

    Attributes:
        who: acts.
        act: its kind.
        begun: number of the line with which it began.
        about: ids that its last line names; the act adds those that it learns.
    """

    who: str
    act: DeskAct
    begun: int
    about: list[str]


class _UnchainedLine(NamedTuple):
    """A line without its place in the chain; the attributes are those of ``JournalLine``."""

    act: DeskAct
    who: str
    about: list[str]
    result: ActResult
    reason: str
    to: int

    def line(self, number: int, previous: str) -> JournalLine:
        """Return the line that has a place in the chain, without anything that may not be in a journal."""
        return JournalLine(
            number=number,
            at=_now(),
            who=self.who,
            act=self.act.value,
            about=tuple(item if _is_id(item) else _LEFT_OUT for item in self.about[:_MOST_ABOUT]),
            result=self.result.value,
            # A reason may come from another machine.
            reason=self.reason if _WORD.fullmatch(self.reason) and not _NUMBER.search(self.reason) else _LEFT_OUT,
            to=self.to,
            previous=previous,
        )


class Journal:
    """The journal of a home, to be appended to; thread-safe. One process has it open, which holds the desk's lock.

    Args:
        file: of the journal; made where there is none, mode 0600.

    Raises:
        ConfigError: it cannot be read or written, or is not in order.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        # Of all lines that are written at the same time, one way to the disk.
        self._writing: SharedWriting[_UnchainedLine, int | OSError] = SharedWriting(self._write)
        self._is_broken = False
        try:
            # O_APPEND: whatever else writes to the file, nothing that stands there is written over.
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(file, error) from error
        try:
            state = verify_journal(file)
            self._lines, self._last, self._size = state.lines, state.last, state.size
            #: Length of the torn line that was cut off; 0 for none.
            self.mended = len(state.torn)
            if state.torn:
                os.ftruncate(self._descriptor, state.size)
                self.note(DeskAct.MENDED, about=[hashlib.sha256(state.torn).hexdigest()])
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    @property
    def last(self) -> str:
        """SHA-256 of the last line, hexadecimal."""
        return self._last

    def note(self, act: DeskAct, who: str = NOBODY, *, about: list[str] | None = None, reason: str = "") -> None:
        """Write one line of an act that is done.

        Raises:
            ConfigError: it cannot be written.
        """
        self._append(act, who, about or [], ActResult.DONE, reason, 0)

    @contextmanager
    def act(self, who: str, act: DeskAct, *, about: list[str] | None = None, reason: str = "") -> Iterator[ActEntry]:
        """Write that an act begins, let the block do it, and write how it ended.

        Raises:
            ConfigError: a line cannot be written; before the block nothing was done then, and the text says where the
                block was done.
        """
        entry = self.begin(who, act, about=about, reason=reason)
        try:
            yield entry
        except BaseException as error:
            self.end(entry, error)
            raise
        self.end(entry)

    def begin(self, who: str, act: DeskAct, *, about: list[str] | None = None, reason: str = "") -> ActEntry:
        """Write that an act begins, which ``end`` ends, in any thread.

        Raises:
            ConfigError: it cannot be written.
        """
        begun = self._append(act, who, about or [], ActResult.BEGUN, reason, 0)
        return ActEntry(who, act, begun, list(about or []))

    def end(self, entry: ActEntry, error: BaseException | None = None) -> None:
        """Write that an act is done, or by which error it has failed.

        Raises:
            ConfigError: it cannot be written; the text says where the act was done.
        """
        if error is not None:
            self._append(entry.act, entry.who, entry.about, ActResult.FAILED, _reason_of(error), entry.begun)
            return
        try:
            self._append(entry.act, entry.who, entry.about, ActResult.DONE, "", entry.begun)
        except ConfigError:
            raise ConfigError(
                f"{self.file} cannot be written: the act was done, and its end is not in the journal; "
                "look before you do it again"
            ) from None

    def _append(self, act: DeskAct, who: str, about: list[str], result: ActResult, reason: str, to: int) -> int:
        """Write a line, and return its number once it is on the disk."""
        written = self._writing.put(_UnchainedLine(act, who, about, result, reason, to))
        if isinstance(written, OSError):
            raise _unwritable(self.file, written) from written
        return written

    def _write(self, unchained: Sequence[_UnchainedLine]) -> Sequence[int | OSError]:
        """Write lines, and return their numbers once all of them are on the disk; or why they are not."""
        if self._is_broken:
            return [OSError(5, "an earlier line did not reach the disk") for _ in unchained]
        data, lines, last = bytearray(), self._lines, self._last
        for one in unchained:
            lines += 1
            encoded = one.line(lines, last).encode()
            data += encoded
            last = hashlib.sha256(encoded).hexdigest()
        try:
            if os.write(self._descriptor, data) != len(data):
                raise OSError(28, "no space left on device")  # noqa: TRY301 - treated as the system's own
        except OSError as error:
            self._cut_off()
            return [error for _ in unchained]
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # What is on the disk is not known any more: the next start reads it, and nothing is done before.
            self._is_broken = True
            return [error for _ in unchained]
        numbers = range(self._lines + 1, lines + 1)
        self._lines, self._last, self._size = lines, last, self._size + len(data)
        return numbers

    def _cut_off(self) -> None:
        """Cut off what stands half there, which would break the chain for the next line."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._is_broken = True


def _is_id(text: str) -> bool:
    """Whether a text may name what an act is about: never what was typed into an address or a form."""
    issuer, _, _ = text.rpartition("/")
    if _RANDOM.fullmatch(text):
        return not _LONG_NUMBER.search(issuer)
    return _ID.fullmatch(text) is not None and _NUMBER.search(text) is None


def _reason_of(error: BaseException) -> str:
    """Return a stable word for an error: never its text, which may hold anything."""
    reason = getattr(error, "reason", "") if isinstance(error, CreditRegistryError) else ""
    return str(reason) or type(error).__name__


def _now() -> str:
    ms = clock_ms()
    moment = datetime.fromtimestamp(ms // 1_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1_000:03d}Z"


def _unwritable(file: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{file} cannot be written: {error.strerror}; nothing is done without the journal")
