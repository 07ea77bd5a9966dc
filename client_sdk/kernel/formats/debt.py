"""The reference of a debt: equal for two lenders of one debt, and meaningless to anyone else (proto/README.md 3).

    debt_ref = HMAC-SHA256(seal key, "creditregistry/debt/v1" || lp(original creditor) || lp(contract))

The original creditor is the 18-character unified social credit code of the first lender, else its LEI; the contract
is written in NFKC, upper case, letters and digits only. Both are UTF-8; lp is a length of 4 bytes before the value.
"""

from __future__ import annotations

import hmac
import unicodedata
from functools import lru_cache

from client_sdk.kernel.formats.check_digits import lei_fits, uscc_fits
from client_sdk.kernel.formats.encoding import label, lp
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.folding import without_separators
from client_sdk.kernel.formats.rewritten import rewritten

__all__ = [
    "DEBT_REF_BYTES",
    "MAX_CONTRACT_CHARACTERS",
    "SEAL_KEY_BYTES",
    "canonical_contract",
    "check_creditor",
    "debt_ref",
    "fold_code",
]

SEAL_KEY_BYTES = 32
DEBT_REF_BYTES = 32
MAX_CONTRACT_CHARACTERS = 64
_LABEL = label("creditregistry/debt/v1")


def canonical_contract(text: str) -> str:
    """Return the number of a contract as ``debt_ref`` takes it: NFKC, upper case, letters and digits only.

    Letters are the Unicode categories L*, digits Nd. Applying it again changes nothing.

    Raises:
        FormatError: nothing is left, or more than 64 characters are, or a spreadsheet wrote it anew.
    """
    _check_own(text)
    contract = "".join(filter(str.isalnum, text.upper())) if text.isascii() else _fold(text)
    if not 0 < len(contract) <= MAX_CONTRACT_CHARACTERS:
        raise FormatError(
            "contract",
            "contract.length",
            got=f"{len(contract)} letters and digits",
            want=f"1 to {MAX_CONTRACT_CHARACTERS}",
        )
    _check_own(contract)
    return contract


def _check_own(text: str) -> None:
    kind = rewritten(text)
    if kind:
        want = "the number as the contract has it; format the column as text"
        raise FormatError("contract", "contract.rewritten", got=kind, want=want)


def check_creditor(code: str) -> str:
    """Return the code of a debt's first creditor whose form is right.

    Raises:
        FormatError: neither a unified social credit code nor an LEI, in capitals and with the right check character.
    """
    if not _is_creditor(code):
        raise FormatError("creditor", "creditor.code", want="a unified social credit code, else an LEI")
    return code


def fold_code(text: str) -> str:
    """Return the code of a creditor as typed, in capitals and without what separates groups of characters."""
    return without_separators(text).upper()


def debt_ref(seal_key: bytes, original_creditor: str, contract: str) -> bytes:
    """Return the 32-byte reference of a debt of the subject whose seal key it is.

    Args:
        seal_key: 32 bytes, derived with the pseudonym (proto/README.md 4).
        original_creditor: unified social credit code of the first lender, else its LEI.
        contract: number of the contract, as written anywhere.

    Raises:
        FormatError: the key has another length, or creditor or contract are not what they should be.
    """
    if len(seal_key) != SEAL_KEY_BYTES:
        raise FormatError("debt_ref", "seal-key.length", got=f"{len(seal_key)} bytes", want=f"{SEAL_KEY_BYTES} bytes")
    message = _LABEL + lp(check_creditor(original_creditor)) + lp(canonical_contract(contract))
    return hmac.digest(seal_key, message, "sha256")


@lru_cache(maxsize=1024)  # many debts, few creditors
def _is_creditor(code: str) -> bool:
    return bool(uscc_fits(code) or lei_fits(code))


def _fold(text: str) -> str:
    # Upper case may leave a form that NFKC changes, and dropping marks may let letters join: repeat until it is stable.
    while True:
        upper = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
        folded = "".join(char for char in upper if _is_letter_or_digit(char))
        if folded == text:
            return folded
        text = folded


def _is_letter_or_digit(char: str) -> bool:
    category = unicodedata.category(char)
    return category.startswith("L") or category == "Nd"
