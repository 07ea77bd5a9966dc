"""Free text inside facts: the approver's name, a court, a cause."""

from __future__ import annotations

import unicodedata

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.lasting_text import NO_LONG_NUMBER, holds_long_number, is_visible
from client_sdk.kernel.formats.rewritten import rewritten
from client_sdk.kernel.formats.shapeless import is_shapeless
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = ["MAX_STATEMENT_CHARACTERS", "check_statement", "check_text"]

# Of a subject's statement (FCRA 611(b) has 100 words).
MAX_STATEMENT_CHARACTERS = 500
# Control characters and halves of surrogate pairs, which canonical protobuf does not hold, and what breaks a line.
_NO_TEXT = frozenset(("Cc", "Cs", "Zl", "Zp"))
# Bidirectional control characters: the text shown could differ from the text signed.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The replacement character of a failed decoding.
_REPLACEMENT = "\ufffd"


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
    if any(unicodedata.category(char) in _NO_TEXT for char in text if not char.isprintable()):
        want = "no control characters, no line breaks and no half of a surrogate pair"
        raise _refused(field, "text.characters", want=want)
    if not is_assigned(text):
        raise _refused(field, "text.assigned", want="characters that Unicode 14.0 assigns")
    if _REPLACEMENT in text:
        raise _refused(field, "text.decoded", got="U+FFFD", want="the text as it was before a wrong decoding")
    if not _DIRECTION.isdisjoint(text):
        raise _refused(field, "text.direction", got="a direction mark", want="text without marks that turn it round")
    if is_shapeless(text):
        raise _refused(field, "text.shapeless", got="a character that shows nothing", want="characters that are seen")
    if text and not is_visible(text):
        raise _refused(field, "text.visible", got="nothing that can be seen", want="text that can be read")
    if not unicodedata.is_normalized("NFC", text):
        raise _refused(field, "text.nfc", want="text in Unicode's form NFC")
    if kind := rewritten(text):
        raise _refused(field, "text.rewritten", got=kind, want="the text as your own systems have it")


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
