"""Maximum difference between a HEAD's time and a clock, shared by clients, servers and auditors."""

from __future__ import annotations

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.rules.errors import RuleError

__all__ = ["AHEAD", "CLOCKS_DIFFER_MS", "MAX_OFF_MS", "OLD", "check_correction", "check_head_time"]

# Maximum difference between the newest HEAD and the reader's clock, in both directions.
MAX_OFF_MS = 300_000
# Clocks of machines that keep theirs differ by so much at most.
CLOCKS_DIFFER_MS = 60_000
# The rules that are broken: the HEAD lies in the future of this clock, or too far in its past.
AHEAD = "head.ahead"
OLD = "head.age"


def check_head_time(logged_at: int, now_ms: int, max_off_ms: int = MAX_OFF_MS) -> None:
    """Check that the newest HEAD is recent.

    Args:
        logged_at: time of the HEAD, ms since 1970 UTC.
        now_ms: the reader's clock, in the same unit.
        max_off_ms: how far the two may be apart.

    Raises:
        FormatError: they are further apart; rule ``head.ahead`` or ``head.age``.
    """
    off = logged_at - now_ms
    if off > max_off_ms:
        got = f"this machine's clock {span(off)} behind the registry's newest HEAD"
        raise FormatError("head", AHEAD, got=got, want=f"at most {span(max_off_ms)} behind")
    if -off > max_off_ms:
        got = f"this machine's clock {span(off)} ahead of the registry's newest HEAD"
        raise FormatError("head", OLD, got=got, want=f"at most {span(max_off_ms)} ahead")


def check_correction(not_before: int, logged_at: int) -> None:
    """Check that the leaf of an act that corrects the log's time carries one that the act allows.

    Raises:
        RuleError: CORRECTION_INVALID; its time is before the one that the act names.
    """
    if logged_at < not_before:
        got, want = f"{span(not_before - logged_at)} before", "no earlier time than the act names"
        raise RuleError("CORRECTION_INVALID", "not_before", "clock.not-before", got=got, want=want)
