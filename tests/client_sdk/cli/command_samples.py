"""Words that several tests type."""

from __future__ import annotations

from hashlib import sha256

from client_sdk.lending.rows import row_of
from tests.client_sdk.sdk_samples import default_report, person

DIGEST = "ab" * 32
CONSENT_DAY = "2026-01-01"
ASKING = (
    *("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-7", "--consent-date", CONSENT_DAY),
    *("--consent-digest", DIGEST, "--identity-file", "-"),
)


def id_number(number: int) -> str:
    """The identity number of a made-up person."""
    return person(number).number


def digest_of(number: int) -> str:
    """Of the request that the person signed: each has a document of its own."""
    return sha256(id_number(number).encode()).hexdigest()


def report_words(number: int, **changes: str) -> tuple[str, ...]:
    """One report by options; the identity number comes on standard input."""
    cells = {name: text for name, text in row_of(default_report(number)).items() if not name.startswith(("id_", "iss"))}
    given = cells | changes
    options = [word for name, text in given.items() for word in (f"--{name.replace('_', '-')}", text)]
    return ("report", *options, "--identity-file", "-")


def name_words(number: int) -> tuple[str, ...]:
    """How a lender names that record."""
    return ("--kind", "DEFAULT", "--reference", f"loan-{number}", "--first-day", "2025-03-31")
