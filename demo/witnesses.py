"""Three lenders run witnesses, and a registry that shows two histories is caught."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from client_sdk.invented.histories import Loan, overdue
from client_sdk.invented.parties import ADMINISTRATORS, LENDERS
from client_sdk.invented.people import invented_person
from client_sdk.lending.files import write_portfolio
from client_sdk.models import CollectionStage, Product, Verdict
from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Server
from client_sdk.testing.site import REGISTRY
from demo.asking import WrongAnswerError, check

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from client_sdk.invented.parties import Lender
    from client_sdk.models import Report
    from client_sdk.testing.site import Command, Site
    from demo.console import Narrator
    from demo.shell import Shell

__all__ = ["Fork", "appoint_witnesses", "play_fork"]

_RUN_BY = LENDERS[:3]
_POLICY = "witnesses.policy"
# Behind the borrowers of the other stories.
_BORROWER, _OTHER = 30_002, 30_003
# Folders of the notes that members exchange, and of the second registry.
_FOLDER, _COPY = "two-histories", "registry-copy"
_UNVERIFIABLE, _MISBEHAVIOUR = 4, 6
_REPORTS = 3


@dataclass(frozen=True, slots=True)
class Fork:
    """What became of a registry that showed two histories.

    Attributes:
        verdicts: of the same question, asked by one lender and by another.
        whole: whether witnesses had confirmed the whole log of each answer.
        proof: file that proves it, relative to the demo's folder.
    """

    verdicts: tuple[str, ...] = ()
    whole: tuple[bool, ...] = ()
    proof: str = ""


def appoint_witnesses(site: Site, shell: Shell, tell: Narrator) -> None:
    """Let three lenders run witnesses, and the administrators demand two; the registry asks them once restarted.

    Raises:
        ConfigError: a command or a server failed.
    """
    tell.step(
        "Three lenders run witnesses",
        "A witness signs that the log has only grown since it last looked. It sees sizes and hashes, and no record.",
        "The administrators write into the rulebook that two of the three must sign: each answer then tells how far",
        "they have come, so that nobody is shown a log of his own unnoticed.",
    )
    ports = {lender.name: free_port() for lender in _RUN_BY}
    told = shell.alike([_init(name, port) for name, port in ports.items()])
    # They look at the clock of today already: the registry comes to it when the dispute is over.
    behind, shell.programs.behind = shell.programs.behind, timedelta()
    serve = ("credit-registry", "witness", "serve")
    shell.programs.start(*(Server(f"{name}-witness", (*serve, f"{name}/witness"), ports[name]) for name in ports))
    shell.programs.behind = behind
    lines = [
        f"witness {name} {said.splitlines()[-1]} http://{HOST}:{ports[name]}"
        for name, said in zip(ports, told, strict=True)
    ]
    lines += [f"group lenders 2 {' '.join(ports)}", "quorum lenders"]
    (site.folder / REGISTRY / _POLICY).write_text("\n".join(lines) + "\n")
    with (site.folder / REGISTRY / "registry.toml").open("a") as settings:
        settings.write(f'\nwitness_policy = "{_POLICY}"\n')
    proposer, approver = (("credit-registry", "--home", party.name) for party in ADMINISTRATORS[:2])
    policy = ("--witness-quorum", f"{REGISTRY}/{_POLICY}")
    proposed = shell(*proposer, "--json", "act", "propose", "rulebook", *policy, "--yes")
    shell(*approver, "act", "approve", json.loads(proposed)["id"], "--yes")
    tell.good("two of three witnesses must sign; they are run by " + ", ".join(lender.title for lender in _RUN_BY))


def play_fork(site: Site, shell: Shell, tell: Narrator, today: date) -> Fork:
    """Serve a copy of the registry beside it, let two lenders ask about one person, and let them compare.

    Args:
        site: whose registry, key services and witnesses run.
        shell: runs commands.
        tell: tells people.
        today: day on which it happens.

    Raises:
        ConfigError: a command or a server failed.
        WrongAnswerError: nobody noticed.
    """
    furnisher, one, two = LENDERS[0], LENDERS[2].name, LENDERS[3].name
    tell.step(
        "A registry that tells two stories is caught",
        f"Its operator copies the registry, and serves {two} from the copy. {furnisher.name} reports a borrower to the",
        f"registry; the copy never hears of it. Both {one} and {two} then ask about that borrower.",
    )
    folder = site.folder / _FOLDER
    folder.mkdir()
    port = free_port()
    _copy(site.folder / REGISTRY, folder / _COPY)
    homes = [f"{_FOLDER}/{name}" for name in (one, two)]
    for name, home in zip((one, two), homes, strict=True):
        shutil.copytree(site.folder / name, site.folder / home, ignore=shutil.ignore_patterns("*.lock", "evidence"))
    config = folder / two / "config.toml"
    config.write_text(config.read_text().replace(site.address(), f"{HOST}:{port}"))
    strict = ("--witnessed", "strict")
    _report(site, shell, furnisher, furnisher.name, _BORROWER, today)
    answers = [_ask(site, shell, homes[0], today, *strict)]
    # Only now: a copy that grows before the witnesses have signed the registry's own log could have them sign its own.
    serve = ("registry-server", "serve", "--home", f"{_FOLDER}/{_COPY}", "--listen", f"{HOST}:{port}")
    shell.programs.start(Server(_COPY, serve, port))
    _report(site, shell, LENDERS[3], homes[1], _OTHER, today)
    answers.append(_ask(site, shell, homes[1], today))
    for name, answer in zip((one, two), answers, strict=True):
        tell.good(f"{name} gets {answer['verdict']}; {_seen(answer)}")
    tell.say(f"Both answers are signed and proved. But the witnesses signed one log alone, as {two} reads in its")
    tell.say("answer; with --witnessed strict it would have got none. It sends what it was shown to another lender:")
    note = f"{_FOLDER}/{two}.note"
    shell("credit-registry", "--home", homes[1], "checkpoint", "save", note)
    compared = ("credit-registry", "--home", homes[0], "--json", "compare", note, "--out", _FOLDER)
    found = json.loads(shell(*compared, expected=_MISBEHAVIOUR))
    proof = str((site.folder / found["file"]).relative_to(site.folder))
    tell.say("Two signatures of one key that contradict each other: anybody checks that offline, with the trust root.")
    root = ("--trust-root", str(site.trust_root.relative_to(site.folder)))
    shell("credit-registry", "verify", *root, proof, expected=_MISBEHAVIOUR)
    tell.good(f"proved: {found['proves']}")
    shell("credit-registry", "--home", homes[0], "status", expected=_UNVERIFIABLE)
    tell.good(f"{one} takes no further answer of this registry, until a person has looked and moved that file away")
    shell.programs.stop(_COPY)
    fork = Fork(
        tuple(answer["verdict"] for answer in answers),
        tuple(answer["witnessed"]["whole"] for answer in answers),
        proof,
    )
    if fork.verdicts != (Verdict.LISTED, Verdict.CLEAR) or fork.whole != (True, False):
        raise WrongAnswerError(f"the two lenders saw {fork}")
    return fork


def _init(name: str, port: int) -> Command:
    key, root = ("--name", f"{name}/witness"), ("--trust-root", f"{REGISTRY}/public/trust-root.bin")
    return ("credit-registry", "witness", "init", f"{name}/witness", *key, *root, "--listen", f"{HOST}:{port}")


def _ask(site: Site, shell: Shell, home: str, today: date, *more: str) -> Any:
    """Ask about the borrower who was reported to one of the two registries; return the answer as JSON has it."""

    def run(*command: str) -> str:
        return shell(*command, *more)

    answer, _ = check(site, run, home, "applicant", invented_person(_BORROWER), today)
    return answer


def _seen(answer: dict[str, dict[str, object]]) -> str:
    """Return in words how far witnesses had confirmed the log of an answer."""
    seen, size = answer["witnessed"], answer["size"]
    return f"witnesses have signed {'all' if seen['whole'] else seen['size']} of the {size} leaves of its log"


def _copy(registry: Path, copy: Path) -> None:
    """Copy a registry that runs, with a checkpoint register of its own."""
    # The register first: a database that is older than the register would be refused.
    shutil.copytree(registry, copy, ignore=shutil.ignore_patterns("*.lock", "registry.sqlite*"))
    name = "registry.sqlite"
    with closing(sqlite3.connect(registry / name)) as running, closing(sqlite3.connect(copy / name)) as copied:
        running.backup(copied)
    (copy / name).chmod(0o600)


def _report(site: Site, shell: Shell, lender: Lender, home: str, borrower: int, today: date) -> None:
    """Report the loan of a borrower; three versions to the registry, so that its log outgrows the copy's."""
    count = _REPORTS if home == lender.name else 1
    file = f"{home}/late.csv"
    write_portfolio(site.folder / file, [_late(lender, borrower, today, months) for months in range(count, 0, -1)])
    shell.quietly("credit-registry", "--home", home, "report", file, "--yes")


def _late(lender: Lender, borrower: int, today: date, months: int) -> Report:
    """Return that a loan was overdue so many months ago."""
    loan = Loan(
        lender=lender,
        identity=invented_person(borrower),
        contract=f"{lender.name}-late",
        product=Product.CONSUMER_LOAN,
        principal=2_000_000,
        signed_on=today - timedelta(days=400),
        since=today - timedelta(days=150),
    )
    return overdue(loan, today - timedelta(days=30 * months - 29), CollectionStage.REMINDED)
