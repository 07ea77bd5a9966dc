"""Complaint: why something is refused, is not well-formed or does not verify, in five parts and one text.

    NOTICE_LATE at facts.notice.sent_at: C06 (got 2026-01-02, want before 2026-01-01)
    head: inclusion.root (want the root of the checkpoint)

Every error, refusal, violation and finding of kernel, server and SDK that names a broken rule holds one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Complaining", "Complaint"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and where.

    Attributes:
        reason: stable word of an error catalogue, e.g. ``NOTICE_LATE``; empty for bytes and proofs, where the rule says
            it all.
        field: path of the field inside what was sent, or the part of an evidence or a format; empty where all of it is
            meant.
        rule: stable id of the broken rule, e.g. ``C06`` or ``note.signature-line``.
        got: what was found: a date, a length, a count, the name of an enum value; never an identity number, a name, an
            amount or any other fact, a pseudonym, an opening or a key.
        want: what the rule asks for.
    """

    reason: str = ""
    field: str = ""
    rule: str = ""
    got: str = ""
    want: str = ""

    @property
    def found(self) -> str:
        """What was found and what is wanted, as far as both are known: ``got 3 bytes, want 32 bytes``."""
        got, want = self.got and f"got {self.got}", self.want and f"want {self.want}"
        return ", ".join(filter(None, (got, want)))

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Names and values of field, rule, got and want, as far as they are known."""
        named = (("field", self.field), ("rule", self.rule), ("got", self.got), ("want", self.want))
        return tuple((name, value) for name, value in named if value)

    def __str__(self) -> str:
        where = " at ".join(filter(None, (self.reason, self.field)))
        text = ": ".join(filter(None, (where, self.rule)))
        return f"{text} ({self.found})" if self.found else text


class Complaining:
    """Base of exceptions that hold a complaint: its parts can be read from the exception.

    Attributes:
        complaint: what is wrong.
    """

    complaint: Complaint

    @property
    def reason(self) -> str:
        """Stable word of an error catalogue; empty for bytes and proofs."""
        return self.complaint.reason

    @property
    def field(self) -> str:
        """Path of the field, or the part of an evidence or a format."""
        return self.complaint.field

    @property
    def rule(self) -> str:
        """Stable id of the broken rule."""
        return self.complaint.rule

    @property
    def got(self) -> str:
        """What was found; never a secret."""
        return self.complaint.got

    @property
    def want(self) -> str:
        """What the rule asks for."""
        return self.complaint.want

    def __str__(self) -> str:
        return str(self.complaint)
