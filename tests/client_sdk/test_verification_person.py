"""The person of an evidence: the given one, another one, or one that cannot be checked any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats import canonical
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.subjects.pseudonym import Pseudonym
from client_sdk.verification import verify_with
from tests.support.evidence_maker import make_evidence, pseudonyms
from tests.support.handmade_log import seed
from tests.support.lies import honest_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.models.answer import Answer

LOG = honest_log()
PERSON, OTHER = "clear", "listed"


def names(person: str, first_version: int = 1) -> dict[int, Pseudonym]:
    """What key services answer about a person, by versions that may be later ones."""
    told = pseudonyms(LOG, person)
    return {at: Pseudonym(at, subject, seed("seal")) for at, (_, subject) in enumerate(told, start=first_version)}


def verified(told: Mapping[int, Pseudonym]) -> tuple[Answer, ...]:
    evidence = canonical.encode(make_evidence(LOG, "lender-2", [PERSON]))
    return verify_with(Verifier(LOG.trust_root), evidence, None, told)


def test_evidence_about_the_person_verifies() -> None:
    assert len(verified(names(PERSON))) == 1


def test_evidence_about_another_person_is_refused() -> None:
    with pytest.raises(VerificationError, match="another person"):
        verified(names(OTHER))


def test_evidence_under_subject_keys_that_are_served_no_more_is_not_called_another_persons() -> None:
    with pytest.raises(ConfigError, match="do not serve version 1 of the subject keys"):
        verified(names(PERSON, 2))
