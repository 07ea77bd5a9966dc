"""Inquiries as an auditor sees them: the signed question with its leaf of the inquiry tree (proto/README.md 9).

Nothing in it leads to a person. Its asker signed it, could ask at that time, and, where it was answered, says in clear
of its consent that it was given before and for that purpose.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, purposes_of
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.kernel.rules.consent import check_consent_terms
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["DirectoryTimes", "ShownInquiry", "check_shown_inquiry"]

_PART = "inquiry"
# Between what an inquiry says and when it was kept: five minutes in which it is good, and as long until it is written.
_LATE_MS = 2 * MAX_OFF_MS


class ShownInquiry(NamedTuple):
    """An inquiry as the registry shows it to an auditor.

    Attributes:
        leaf: of the inquiry tree.
        payload: that was signed.
        key_id: which key signed.
        signature: over the payload.
    """

    leaf: bytes
    payload: bytes
    key_id: bytes
    signature: bytes


class _Stretch:
    """A part of a log in which its time only rises, and the directories that counted in it."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.directories: list[Directory] = []
        # Time of its last leaf, ms; None while it goes on.
        self.end: int | None = None

    def around(self, received_at: int) -> Sequence[Directory]:
        if self.end is not None and received_at > self.end + _LATE_MS:
            return ()
        first = max(0, bisect_left(self.starts, received_at - _LATE_MS) - 1)
        return self.directories[first : bisect_right(self.starts, received_at + _LATE_MS)][::-1]


class DirectoryTimes:
    """The directories of a log, by the time from which each counted."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []

    def add(self, logged_at: int, directory: Directory, before: int) -> None:
        """Take the directory that the newest act makes.

        Args:
            logged_at: time of its leaf, ms.
            directory: after it.
            before: time of the leaf before it, ms; a later one where the act sets the log's time back, so that the
                same times come once more.
        """
        if not self._stretches or logged_at < before:
            if self._stretches:
                self._stretches[-1].end = before
            self._stretches.append(_Stretch())
        self._stretches[-1].starts.append(logged_at)
        self._stretches[-1].directories.append(directory)

    def around(self, received_at: int) -> Sequence[Directory]:
        """Return those that counted within minutes of a time, ms, the newest first; which one did then is not known."""
        found = [one for stretch in reversed(self._stretches) for one in stretch.around(received_at)]
        # Before the genesis nobody asked: its directory says what is wrong.
        return found or [stretch.directories[0] for stretch in self._stretches[:1]]


def check_shown_inquiry(shown: ShownInquiry, directories: Sequence[Directory]) -> bytes:
    """Check everything about an inquiry but its signature; return the public key that it must verify under.

    Args:
        shown: by the registry.
        directories: that counted when it was received, at least one.

    Raises:
        FormatError: it is not the inquiry of its leaf, is of another registry, is signed by no key of its asker, or was
            answered although its asker could not ask it.
        RuleError: CONSENT_MISSING; it was answered, and its consent is younger, too old, or for another purpose.
    """
    leaf = InquiryLeaf.parse(shown.leaf)
    if leaf != InquiryLeaf.of(leaf.received_at, leaf.outcome, shown.payload, shown.signature):
        raise FormatError(_PART, "inquiry.shown", want="the signed inquiry that its leaf stands for")
    inquiry = Inquiry.parse(shown.payload)
    refused: FormatError | RuleError | None = None
    for directory in directories:
        try:
            return _judged(inquiry, leaf, shown.key_id, directory)
        except (FormatError, RuleError) as error:
            refused = refused or error
    raise refused or FormatError(_PART, "inquiry.shown", want="an inquiry after the genesis")


def _judged(inquiry: Inquiry, leaf: InquiryLeaf, key_id: bytes, directory: Directory) -> bytes:
    """Return the public key, if the inquiry is in order by one directory."""
    asker = directory.institutions.get(inquiry.asker)
    key = None if asker is None else asker.key(key_id)
    if asker is None or key is None:
        raise FormatError(_PART, "inquiry.key", want="an inquiry that a key of its asker signed")
    # What a member asks in another registry's name, or after the last day, is refused, and kept as refused.
    if leaf.outcome != ANSWERED:
        return key.public_key
    if inquiry.registry != directory.state.registry:
        raise FormatError(_PART, "inquiry.registry", want="an inquiry of this registry")
    last = day_of(max(leaf.received_at - _LATE_MS, 0), directory.rulebook.time_zone).isoformat()
    if is_over(directory.closing, last):
        raise FormatError(_PART, "closing.last-day", got=last, want="no answer after the registry has closed")
    if key.usage is not KeyUsage.INQUIRE or not key.running or asker.status is not InstitutionStatus.ACTIVE:
        raise FormatError(_PART, "inquiry.asker", want="a running INQUIRE key of an active member")
    if inquiry.purpose not in purposes_of(asker.roles):
        raise FormatError(_PART, "inquiry.purpose", got=inquiry.purpose.name, want="a purpose of the asker's roles")
    if not -_LATE_MS <= leaf.received_at - inquiry.issued_at <= _LATE_MS:
        raise FormatError(_PART, "inquiry.age", want="an inquiry that was received when it was signed")
    _check_consent(inquiry, leaf.received_at, directory)
    return key.public_key


def _check_consent(inquiry: Inquiry, received_at: int, directory: Directory) -> None:
    """Check the consent as of the day on which the inquiry was kept, or of that on which it came."""
    rulebook = directory.rulebook
    today, before = (day_of(at, rulebook.time_zone) for at in (received_at, max(received_at - _LATE_MS, 0)))
    try:
        check_consent_terms(inquiry.consent_terms, inquiry.purpose, rulebook, today=today)
    except RuleError:
        if before == today:
            raise
        check_consent_terms(inquiry.consent_terms, inquiry.purpose, rulebook, today=before)
