"""Check characters of identity numbers: ISO 7064 MOD 11-2, GB 32100 MOD 31, ISO 7064 MOD 97-10.

Shared by the numbers of persons and enterprises and by the code of a debt's first creditor. Each function takes text
whose alphabet was checked and says whether its last characters fit the rest.
"""

from __future__ import annotations

import re
from operator import mul

from client_sdk.kernel.formats.digits import plain_digits

__all__ = ["holds_resident_number", "lei_fits", "resident_check_digit", "uscc_fits"]

# GB 11643: weights of the first 17 digits, and the check character for each remainder modulo 11.
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECK = "10X98765432"
# With a date of birth that may be one; blanks and dashes are left out before.
_RESIDENT = re.compile(
    r"(?<![0-9])([1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3})([0-9Xx])(?![0-9])"
)
_BLANKS = re.compile(r"[\s-]+")

# GB 32100: letters I, O, S, V and Z are not used; characters 3 to 8 are the code of a region.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# A code of zeros has a valid check character and is a common placeholder; no region has the code 000000.
_USCC = re.compile(rf"[{_USCC_ALPHABET}]{{2}}(?!000000)[0-9]{{6}}(?!0{{9}})[{_USCC_ALPHABET}]{{10}}")

# Likewise one character eighteen times with the check digits that it would have.
_LEI = re.compile(r"(?!(.)\1{17})[0-9A-Z]{18}[0-9]{2}")


def resident_check_digit(body: str) -> str:
    """Return the check character, "0" to "9" or "X", of the first 17 digits of a resident number (GB 11643)."""
    return _RESIDENT_CHECK[sum(map(mul, _RESIDENT_WEIGHTS, map(int, body))) % 11]


def holds_resident_number(text: str) -> bool:
    """Whether a text holds what is a resident number by date and check character, in digits of any script and form.

    Blanks and dashes may stand between them.
    """
    found = _RESIDENT.finditer(_BLANKS.sub("", plain_digits(text)))
    return any(resident_check_digit(number[1]) == number[2].upper() for number in found)


def uscc_fits(code: str) -> bool | None:
    """Say whether an 18-character unified social credit code has the right check character (GB 32100).

    The organisation code inside has a check character of its own, which codes in use do not always keep.

    Returns:
        None if the text does not have the form of a code at all.
    """
    if not _USCC.fullmatch(code):
        return None
    total = sum(weight * _USCC_ALPHABET.index(char) for weight, char in zip(_USCC_WEIGHTS, code[:17], strict=True))
    return _USCC_ALPHABET[-total % 31] == code[17]


def lei_fits(code: str) -> bool | None:
    """Say whether a 20-character LEI has the right check digits (ISO 17442, ISO 7064 MOD 97-10).

    Returns:
        None if the text does not have the form of an LEI at all.
    """
    if not _LEI.fullmatch(code):
        return None
    return int("".join(str(int(char, 36)) for char in code)) % 97 == 1
