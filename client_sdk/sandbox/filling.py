"""Data of a sandbox: reports, inquiries, a correction, a dispute and an act that waits, made through the SDK."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.home import create_home
from client_sdk.invented.parties import ADMINISTRATORS, AUDITOR, CHINA, LENDERS, OFFICE, consent_to
from client_sdk.invented.people import holders
from client_sdk.invented.synthetic import Story, borrowers, portfolio
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.models import DefaultReport, Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from client_sdk.invented.parties import Lender, Party
    from client_sdk.invented.synthetic import Borrower
    from client_sdk.models import Report
    from client_sdk.testing import TestRegistry

__all__ = ["MEMBERS", "PEOPLE", "disputed", "fill", "of_the_first"]

REPORTING = LENDERS[:2]
# Members that have a desk: a party each, with its role.
MEMBERS: dict[Party, Role] = {
    **dict.fromkeys(REPORTING, Role.LENDER),
    OFFICE: Role.REPRESENTATIVE,
    AUDITOR: Role.AUDITOR,
    ADMINISTRATORS[0]: Role.ADMINISTRATOR,
}
# Enough for every story at either lender.
PEOPLE = 100
_APPLICANT = LENDERS[2]
_FEN_TOO_MUCH = 100_000


def fill(registry: TestRegistry) -> None:
    """Let the members do what they do, each through the SDK.

    Raises:
        ConfigError: not every report was taken.
        CreditRegistryError: the registry or a key service does not do what was asked.
    """
    people, today = borrowers(PEOPLE), datetime.now(CHINA).date()
    with ThreadPoolExecutor(len(REPORTING)) as pool:
        reported = list(pool.map(lambda lender: _report(registry, lender, people, today), REPORTING))
    _ask(registry, people, today)
    _correct(registry, reported[0])
    _dispute(registry, people)
    _propose(registry)


def _report(registry: TestRegistry, lender: Lender, people: Sequence[Borrower], today: date) -> Sequence[Report]:
    reports = portfolio(people, REPORTING.index(lender), REPORTING, today)
    with registry.client(lender.name) as client:
        done = client.report_many(reports)
    if not done.complete:
        raise ConfigError(f"{lender.name} reported {len(reports)} versions, and {done.rejected_rows} were rejected")
    return reports


def _ask(registry: TestRegistry, people: Sequence[Borrower], today: date) -> None:
    """Let the second lender look at all its customers, so that it hears of what becomes of their records."""
    asker = REPORTING[1].name
    with registry.client(asker) as client:
        client.check_many(
            [borrower.identity for borrower in people],
            purpose=Purpose.POST_LOAN_REVIEW,
            consent=consent_to(asker, "review", today),
            officer="credit-desk",
        )


def _correct(registry: TestRegistry, reported: Sequence[Report]) -> None:
    """Let the first lender find that it has reported too much: who was shown it has a notice."""
    newest = {report.name: report for report in reported}
    wrong = next(
        report
        for report in newest.values()
        if isinstance(report, DefaultReport) and report.facts is not None and report.facts.ended_on is None
    )
    assert wrong.facts is not None  # noqa: S101 - looked at above
    amounts = replace(wrong.facts.amounts, principal=wrong.facts.amounts.principal - _FEN_TOO_MUCH)
    with registry.client(REPORTING[0].name) as client:
        client.correct(replace(wrong, facts=replace(wrong.facts, amounts=amounts)))


def _dispute(registry: TestRegistry, people: Sequence[Borrower]) -> None:
    """Let the consumer office dispute a record of the first lender, which has to answer."""
    paper = hashlib.sha256(b"Paid on the day on which it fell due.").digest()
    with registry.client(REPORTING[0].name) as client:
        record = next(client.records(identity=disputed(people).identity))
    with registry.client(OFFICE.name) as client:
        client.open_dispute(REPORTING[0].name, record.record_id, code="paid-in-time", evidence=[paper])


def of_the_first(people: Sequence[Borrower], story: Story) -> list[Borrower]:
    """Return those with a story whom the first lender alone has lent to: strangers to the second one, which asks."""
    return [one for one in people if one.story is story and holders(one.number, len(REPORTING)) == (0,)]


def disputed(people: Sequence[Borrower]) -> Borrower:
    """Return the person for whom a record of the first lender is disputed."""
    return of_the_first(people, Story.OVERDUE)[-1]


def _propose(registry: TestRegistry) -> None:
    """Let the second administrator propose a further lender, so that the first one has something to approve."""
    file = create_home(
        registry.home(_APPLICANT.name),
        institution=_APPLICANT.name,
        registry=registry.address,
        name=registry.name,
        licence_number=_APPLICANT.licence,
        display_name=_APPLICANT.title,
        roles=[Role.LENDER],
    )
    with registry.client(ADMINISTRATORS[1].name) as client:
        client.propose(InstitutionBody(file.enrolment))
