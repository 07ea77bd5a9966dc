"""The name of the member of staff who asks: a person's name or a staff number, and never an identity number.

The registry keeps it with the inquiry, and journals and lists show it (征信业管理条例 Art. 22). SDK and registry hold
it to one rule, so that no other program brings in what the SDK refuses.
"""

from __future__ import annotations

from client_sdk.kernel.formats.digits import plain_digits
from client_sdk.kernel.formats.readable import is_visible
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.text import check_text

__all__ = ["MAX_OFFICER_CHARACTERS", "MOST_NAME_DIGITS", "check_officer", "digits_in"]

MAX_OFFICER_CHARACTERS = 200
# No identity number has so few.
MOST_NAME_DIGITS = 6


def digits_in(name: str) -> int:
    """Return how many digits a name has, of whatever script and form."""
    return sum(map(str.isdecimal, plain_digits(name)))


def check_officer(name: str, field: str) -> None:
    """Check the name of the member of staff who asks.

    Raises:
        RuleError: FACTS_INVALID; nothing can be seen of it, it is too long, holds a character that no text may hold, or
            has too many digits.
    """
    if not is_visible(name) or len(name) > MAX_OFFICER_CHARACTERS:
        got, want = f"{len(name)} characters", f"1 to {MAX_OFFICER_CHARACTERS} that can be seen"
        raise RuleError(RuleReason.FACTS_INVALID, field, "officer.present", got=got, want=want)
    check_text(name, field, MAX_OFFICER_CHARACTERS)
    if digits_in(name) > MOST_NAME_DIGITS:
        want = f"the name of a member of staff, with at most {MOST_NAME_DIGITS} digits: no identity number"
        raise RuleError(RuleReason.FACTS_INVALID, field, "officer.digits", got=f"{digits_in(name)} digits", want=want)
