"""A dispute from its opening to the automatic restriction of the record: the registry goes on five weeks later."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.invented.histories import Loan, overdue
from client_sdk.invented.parties import KEY_SERVICES, LENDERS, OFFICE
from client_sdk.invented.people import invented_person
from client_sdk.lending.files import write_portfolio
from client_sdk.models import AnnotationFlag, CollectionStage, NoticeReason, Product
from client_sdk.testing.site import REGISTRY
from demo.asking import WrongAnswerError, check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from client_sdk.models import Report
    from client_sdk.testing.site import Site
    from demo.console import Narrator
    from demo.shell import Shell

__all__ = ["PASSING", "Dispute", "play_dispute"]

# More than the 20 days for an answer and what a holiday may add to them.
PASSING = timedelta(weeks=5)
# Behind the borrowers of the other stories.
_BORROWER = 30_001
_FURNISHER, _ASKER = LENDERS[0], LENDERS[1].name
# Seconds.
_LAPSE_LIMIT = 60.0
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Dispute:
    """What the lender that asks was shown of the record.

    Attributes:
        shown: flags of the record in its three answers: before the dispute, while it waits, and after the period.
        assessments: by its own criteria, of the same answers.
        notices: reasons of the notices in its inbox.
    """

    shown: Sequence[Sequence[str]] = ()
    assessments: Sequence[str] = ()
    notices: Sequence[str] = ()


def play_dispute(site: Site, shell: Shell, tell: Narrator, today: date) -> Dispute:
    """Play it; the programs are set back by ``PASSING`` when it begins, and no more when it ends.

    Args:
        site: whose registry and key services run.
        shell: runs commands.
        tell: tells people.
        today: day on which it ends.

    Raises:
        ConfigError: a command or a server failed.
        WrongAnswerError: an answer or the inbox is not what it should be.
    """
    began = today - PASSING
    tell.step(
        "A borrower disputes what is said about her",
        f"{_FURNISHER.name} reports her; {_ASKER} asks and is shown the record. She says that she paid in time: the",
        "consumer office disputes the record for her, and every answer from now on says so.",
    )
    file = f"{_FURNISHER.name}/disputed.csv"
    write_portfolio(site.folder / file, [_disputed_debt(began)])
    shell.quietly("credit-registry", "--home", _FURNISHER.name, "report", file, "--yes")
    before, record = _ask(site, shell, "before-dispute", began)
    (site.folder / OFFICE.name / "receipt.txt").write_text("Paid on the day on which it fell due.\n")
    paper = ("--code", "paid-in-time", "--evidence", f"{OFFICE.name}/receipt.txt")
    shell("credit-registry", "--home", OFFICE.name, "subject", "dispute", "open", record, *paper)
    waiting, _ = _ask(site, shell, "disputed", began)
    _expect(AnnotationFlag.DISPUTED, before, waiting)
    tell.good(f"{_ASKER} saw {_said(before)}; asked again it sees {_said(waiting)}")
    mine = ("credit-registry", "--home", _FURNISHER.name, "--json", "dispute", "list")
    (dispute,) = json.loads(shell(*mine))["disputes"]
    tell.good(f"{_FURNISHER.name} has until {dispute['due_on']} to answer; today is {began} by the demo's clock")
    tell.step(
        f"Five weeks pass, and {_FURNISHER.name} does not answer",
        "The registry and the key services are stopped, and started again with today's clock. Nobody gives an order:",
        "silence restricts the record by itself, and who was shown it finds a notice in the inbox.",
    )
    shell.programs.stop(REGISTRY, *KEY_SERVICES)
    shell.programs.behind = timedelta()
    shell.programs.start(site.server(REGISTRY))
    shell.programs.start(*map(site.server, KEY_SERVICES))
    notices = _await_notices(shell, record)
    tell.good(f"today is {today}; {_ASKER} has a notice: {', '.join(notices)}")
    after, _ = _ask(site, shell, "restricted", today)
    _expect(AnnotationFlag.RESTRICTED, waiting, after)
    tell.good(f"asked once more it sees {_said(after)}")
    told = (before, waiting, after)
    return Dispute([flags for flags, _ in told], [outcome for _, outcome in told], notices)


def _disputed_debt(on: date) -> Report:
    loan = Loan(
        lender=_FURNISHER,
        identity=invented_person(_BORROWER),
        contract=f"{_FURNISHER.name}-disputed",
        product=Product.CONSUMER_LOAN,
        principal=3_000_000,
        signed_on=on - timedelta(days=400),
        since=on - timedelta(days=120),
    )
    return overdue(loan, on - timedelta(days=1), CollectionStage.REMINDED)


def _ask(site: Site, shell: Shell, name: str, on: date) -> tuple[tuple[Sequence[str], str], str]:
    """Ask about her; return flags and assessment of the answer, and the record."""
    answer, _ = check(site, shell.quietly, _ASKER, name, invented_person(_BORROWER), on)
    (record,) = answer["records"]
    return (record["flags"], answer["assessment"]["outcome"]), f"{record['issuer']}/{record['record_id']}"


def _said(answer: tuple[Sequence[str], str]) -> str:
    flags, outcome = answer
    return f"{' and '.join(flags) or 'no remark'} ({outcome})"


def _expect(flag: AnnotationFlag, before: tuple[Sequence[str], str], after: tuple[Sequence[str], str]) -> None:
    if flag.name in before[0] or flag.name not in after[0]:
        raise WrongAnswerError(f"the record has {_said(before)}, then {_said(after)}; want {flag.name} in the second")


def _await_notices(shell: Shell, record: str) -> list[str]:
    """Return the reasons of the notices about a record, once there is one that it is restricted."""
    deadline = time.monotonic() + _LAPSE_LIMIT
    inbox = ("credit-registry", "--home", _ASKER, "--json", "inbox")
    shell.show(*inbox)
    while True:
        notices = json.loads(shell.quietly(*inbox))["notices"]
        reasons = [one["reason"] for one in notices if f"{one['issuer']}/{one['record_id']}" == record]
        if NoticeReason.RESTRICTED.name in reasons:
            return reasons
        if time.monotonic() > deadline:
            raise WrongAnswerError(f"{_ASKER} has no notice that the record is restricted after {_LAPSE_LIMIT:.0f} s")
        time.sleep(_LOOK)
