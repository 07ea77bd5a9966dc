"""The person's consent: written, dated, given before it is used.

征信业管理条例 Art. 13, 18 and 29 (C03, C10, C20); an e-document is written (电子签名法 Art. 4). Information that is
public by law needs none to be supplied; asking about a person always needs one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.encoding import is_digest_of_nothing
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.rules.dates import required_date
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_words import ConsentForm, LegalBasis
from client_sdk.kernel.rules.withholding import consent_days

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.rules.fact_parts import Consent

__all__ = [
    "RequestUse",
    "check_consent",
    "check_consent_terms",
    "check_inquiry_consent",
    "check_own_request",
    "check_signer",
    "for_purpose",
    "terms_of",
]


def check_consent(consent: Consent | None, legal_basis: LegalBasis, *, today: date) -> None:
    """Check the consent that a record is supplied on (C03, C20).

    Args:
        consent: of the facts.
        legal_basis: of the facts.
        today: date of the submission in the registry's legal time zone.

    Raises:
        RuleError: CONSENT_MISSING; none, not written, dated after the submission, or for other purposes alone.
    """
    if legal_basis is LegalBasis.LEGALLY_PUBLIC:
        return
    _check_written(consent, "facts.consent", "C20")
    if consent is None:
        return
    if consent.date > today:
        got, want = consent.date.isoformat(), f"not after {today.isoformat()}"
        raise _missing("facts.consent.date", "C20", got, want)
    if consent.purposes and Purpose.REPORTING not in consent.purposes:
        raise _missing("facts.consent.purposes", "D03", ", ".join(sorted(consent.purposes)), "REPORTING among them")


def for_purpose(consent: Consent, purpose: Purpose) -> Consent:
    """Return the consent as an inquiry signs it: one that names no purpose is said to be for that of the inquiry."""
    return consent if consent.purposes else replace(consent, purposes=(purpose,))


def terms_of(consents: Iterable[Consent]) -> ConsentTerms:
    """Return what an inquiry says in clear of its consents, of which there is at least one."""
    first, *others = consents
    oldest = newest = first.date
    purposes = set(first.purposes)
    for consent in others:
        oldest, newest = min(oldest, consent.date), max(newest, consent.date)
        purposes &= set(consent.purposes)
    return ConsentTerms(oldest.isoformat(), newest.isoformat(), tuple(sorted(purposes)))


def check_inquiry_consent(consent: Consent | None, purpose: Purpose, rulebook: Rulebook, *, today: date) -> None:
    """Check the consent that an inquiry is made on (C10, C12).

    Args:
        consent: as the inquiry signs it.
        purpose: of the inquiry.
        rulebook: in force.
        today: date of the inquiry in the registry's legal time zone.

    Raises:
        RuleError: CONSENT_MISSING; none, not written, the digest of no document, or as ``check_consent_terms``.
    """
    _check_written(consent, "inquiry.consent", "C10")
    if consent is None:
        return
    check_consent_terms(terms_of([consent]), purpose, rulebook, today=today)
    if is_digest_of_nothing(consent.digest):
        want = "the SHA-256 of the consent as it was signed"
        raise _missing("inquiry.consent.digest", "digest.document", "that of an empty document", want)


def check_consent_terms(terms: ConsentTerms, purpose: Purpose, rulebook: Rulebook, *, today: date) -> None:
    """Check what an inquiry says of its consents: all that a registry sees of a screening's, and an auditor of any.

    Args:
        terms: of the inquiry.
        purpose: of the inquiry.
        rulebook: in force.
        today: date of the inquiry in the registry's legal time zone.

    Raises:
        RuleError: CONSENT_MISSING; for another purpose, given after the inquiry, or longer ago than the rulebook lets a
            consent, or a person's own request, count.
    """
    if purpose not in terms.purposes:
        raise _missing("inquiry.consent.purposes", "C12", ", ".join(terms.purposes), purpose.name)
    if terms.last_given_on > today.isoformat():
        raise _missing("inquiry.consent.date", "C10", terms.last_given_on, f"not after {today.isoformat()}")
    days = consent_days(purpose, rulebook)
    oldest = required_date(terms.first_given_on, "inquiry.consent.date")
    if days and today - oldest > timedelta(days=days):
        rule = "request.days" if purpose is Purpose.SUBJECT_ACCESS else "consent.days"
        want = f"at most {days} days before {today.isoformat()}"
        raise _missing("inquiry.consent.date", rule, terms.first_given_on, want)


class RequestUse(NamedTuple):
    """For whom a person's signed request is used.

    Attributes:
        subject: pseudonym of the person who is asked about.
        signed_on: day on which it was signed.
    """

    subject: bytes
    signed_on: date

    def __repr__(self) -> str:
        return "RequestUse(...)"


def check_own_request(use: RequestUse, before: RequestUse | None) -> None:
    """Check that a request serves the person who signed it, under the day on which it was signed.

    Args:
        use: of it that is to be made.
        before: an earlier one under the same subject keys; None where there was none.

    Raises:
        RuleError: CONSENT_MISSING; it has served another person, or was used with another day.
    """
    if before is None:
        return
    check_signer(use.subject, before.subject, "inquiry.consent.digest")
    if before.signed_on != use.signed_on:
        want = f"{before.signed_on}, as this document was used with before"
        raise _missing("inquiry.consent.date", "request.one-day", use.signed_on.isoformat(), want)


def check_signer(subject: bytes, before: bytes, field: str) -> None:
    """Check that a request serves the person who signed it.

    Args:
        subject: pseudonym of the person for whom it is to be used.
        before: of the person for whom it was used before, under the same subject keys.
        field: that names it.

    Raises:
        RuleError: CONSENT_MISSING; that was another person.
    """
    if before != subject:
        raise _missing(field, "request.one-person", "one used for another", "a request that this person signed")


def _check_written(consent: Consent | None, field: str, rule: str) -> None:
    if consent is None:
        raise _missing(field, "C03", "", "the person's written consent")
    if consent.form is not ConsentForm.WRITTEN:
        raise _missing(f"{field}.form", rule, consent.form.name, "WRITTEN")


def _missing(field: str, rule: str, got: str, want: str) -> RuleError:
    return RuleError(RuleReason.CONSENT_MISSING, field, rule, got=got, want=want)
