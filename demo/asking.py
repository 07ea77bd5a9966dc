"""Asking: about one person by a command, and about all through the SDK, each answer held against what was reported."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from client_sdk.client import Client
from client_sdk.invented.parties import consent_to
from client_sdk.invented.synthetic import Expected
from client_sdk.models import Criteria, Outcome, Purpose, Verdict
from client_sdk.signing import write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from client_sdk.invented.synthetic import Borrower
    from client_sdk.models import Identity
    from client_sdk.testing.site import Site

__all__ = ["Survey", "WrongAnswerError", "ask_about_all", "check"]


class WrongAnswerError(RuntimeError):
    """An answer is not what was reported."""


@dataclass(slots=True)
class Survey:
    """Results of the inquiries about all borrowers.

    Attributes:
        by_answer: how many answers of each verdict and assessment.
    """

    by_answer: Counter[Expected] = field(default_factory=Counter)

    def by_verdict(self) -> dict[str, int]:
        """Count answers by verdict; every verdict has its count."""
        return {verdict.value: self._count(verdict=verdict) for verdict in Verdict}

    def by_assessment(self) -> dict[str, int]:
        """Count answers by assessment; every outcome has its count."""
        return {outcome.value: self._count(outcome=outcome) for outcome in Outcome}

    def _count(self, *, verdict: Verdict | None = None, outcome: Outcome | None = None) -> int:
        return sum(
            count
            for answer, count in self.by_answer.items()
            if verdict in (None, answer.verdict) and outcome in (None, answer.outcome)
        )


def check(
    site: Site, run: Callable[..., str], lender: str, name: str, identity: Identity, today: date
) -> tuple[Any, str]:
    """Ask about a person who wants a loan, by a command.

    Args:
        site: with the lender's home.
        run: runs a command, which is given word by word.
        lender: that asks.
        name: of the files that are made for this inquiry.
        identity: of the person.
        today: day of the consent.

    Returns:
        The answer as JSON has it, and where its evidence is.
    """
    file, evidence = f"{lender}/{name}", f"{lender}/evidence"
    (site.folder / evidence).mkdir(mode=0o700, exist_ok=True)
    write_private(site.folder / f"{file}.txt", f"{identity.number}\n".encode())
    (site.folder / f"{file}.consent").write_text("I agree that you ask the registry about me for this loan.\n")
    consent = ("--consent-date", today.isoformat(), "--consent-file", f"{file}.consent")
    who = ("--purpose", "LOAN_APPROVAL", "--officer", "clerk-7", *consent, "--identity-file", f"{file}.txt")
    saved = f"{evidence}/{name}.evidence"
    return json.loads(run("credit-registry", "--home", lender, "--json", "check", *who, "--save", saved)), saved


def ask_about_all(home: Path, people: Sequence[Borrower], lender: str, today: date) -> Survey:
    """Ask about every borrower in one lender's name, verify each answer and weigh it.

    Args:
        home: of the lender that asks.
        people: to ask about.
        lender: its institution id.
        today: day of the consents.

    Raises:
        WrongAnswerError: an answer is not what the lenders reported.
    """
    survey = Survey()
    criteria = Criteria()
    consent = consent_to(lender, "portfolio review", today)
    with Client.from_home(home) as client:
        answers = client.check_many(
            [borrower.identity for borrower in people],
            purpose=Purpose.POST_LOAN_REVIEW,
            consent=consent,
            officer=f"{lender} credit desk",
        )
    for borrower, answer in zip(people, answers, strict=True):
        assessment = answer.assess(criteria)
        given = Expected(answer.verdict, assessment.outcome)
        if given != borrower.story.expected:
            told, want = " ".join(given), " ".join(borrower.story.expected)
            raise WrongAnswerError(f"borrower {borrower.number} ({borrower.story.title}): {told}, want {want}")
        survey.by_answer[given] += 1
    return survey
