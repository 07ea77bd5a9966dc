"""Free text inside facts: the approver's name, a court, a cause."""

from __future__ import annotations

from client_sdk.kernel.formats.lasting_text import NO_LONG_NUMBER, holds_long_number
from client_sdk.kernel.formats.readable import flaw_of
from client_sdk.kernel.formats.rewritten import rewritten
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = ["MAX_STATEMENT_CHARACTERS", "check_statement", "check_text", "one_line"]

# Of a subject's statement (FCRA 611(b) has 100 words).
MAX_STATEMENT_CHARACTERS = 500


def check_text(text: str, field: str, most: int, *, required: bool = False) -> None:
    """Check a text that is shown to others as it was written.

    Args:
        text: of the facts.
        field: for the error.
        most: characters.
        required: whether it must show something.

    Raises:
        RuleError: FACTS_INVALID; too long, nothing to be seen, a character that misleads, shows nothing or that Unicode
            14.0 does not assign, not in NFC, or what a spreadsheet puts where it has no text.
    """
    if len(text) > most or (required and not text.strip()):
        raise _refused(field, "text.length", got=f"{len(text)} characters", want=f"{int(required)} to {most}")
    if flaw := flaw_of(text):
        raise _refused(field, flaw.rule, got=flaw.got, want=flaw.want)
    if kind := rewritten(text):
        raise _refused(field, "text.rewritten", got=kind, want="the text as your own systems have it")


def one_line(text: str) -> str:
    """Return a text that was typed over several lines as one, as it stands in tables and files."""
    return " ".join(text.split())


def check_statement(text: str) -> None:
    """Check the statement of a subject, which everybody reads who may see the record.

    It is sealed on its way, so who reads it checks it again.

    Raises:
        RuleError: FACTS_INVALID; as for ``check_text``, or it holds what looks like an identity number.
    """
    check_text(text, "text", MAX_STATEMENT_CHARACTERS, required=True)
    if holds_long_number(text):
        got, want = "15 or more digits in a row", NO_LONG_NUMBER
        raise _refused("text", "statement.number", got=got, want=want)


def _refused(field: str, rule: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, field, rule, got=got, want=want)
