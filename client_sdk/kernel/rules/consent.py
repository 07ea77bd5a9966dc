"""The person's consent: written, dated, given before it is used.

征信业管理条例 Art. 13, 18 and 29 (C03, C10, C20); an e-document is written (电子签名法 Art. 4). Information that is
public by law needs none to be supplied; asking about a person always needs one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.evidence import is_digest_of_nothing
from client_sdk.kernel.rules.fact_words import ConsentForm, LegalBasis

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.fact_parts import Consent

__all__ = ["check_consent", "check_inquiry_consent"]


def check_consent(consent: Consent | None, legal_basis: LegalBasis, *, today: date) -> None:
    """Check the consent that a record is supplied on (C03, C20).

    Args:
        consent: of the facts.
        legal_basis: of the facts.
        today: date of the submission in the registry's legal time zone.

    Raises:
        RuleError: CONSENT_MISSING; none, not written, or dated after the submission.
    """
    if legal_basis is not LegalBasis.LEGALLY_PUBLIC:
        _check(consent, today, "facts.consent", "C20")


def check_inquiry_consent(consent: Consent | None, *, today: date) -> None:
    """Check the consent that an inquiry is made on (C10).

    Raises:
        RuleError: CONSENT_MISSING; none, not written, the digest of no document, or dated after the inquiry.
    """
    _check(consent, today, "inquiry.consent", "C10")
    if consent is not None and is_digest_of_nothing(consent.digest):
        raise RuleError(
            RuleReason.CONSENT_MISSING,
            "inquiry.consent.digest",
            "digest.document",
            got="that of an empty document",
            want="the SHA-256 of the consent as it was signed",
        )


def _check(consent: Consent | None, today: date, field: str, rule: str) -> None:
    if consent is None:
        raise RuleError(RuleReason.CONSENT_MISSING, field, "C03", want="the person's written consent")
    if consent.form is not ConsentForm.WRITTEN:
        raise RuleError(RuleReason.CONSENT_MISSING, f"{field}.form", rule, got=consent.form.name, want="WRITTEN")
    if consent.date > today:
        raise RuleError(
            RuleReason.CONSENT_MISSING,
            f"{field}.date",
            rule,
            got=consent.date.isoformat(),
            want=f"not after {today.isoformat()}",
        )
