"""The demo as a play: a registry is founded, lenders report, one asks, anybody verifies, an auditor checks it all."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from client_sdk.invented.parties import AUDITOR, CHINA, KEY_SERVICES, LENDERS, OFFICE
from client_sdk.invented.synthetic import Expected, Story, borrowers, portfolio
from client_sdk.lending.files import write_portfolio
from client_sdk.models import Outcome, Verdict
from client_sdk.signing import write_private
from client_sdk.testing.site import REGISTRY
from demo.asking import ask_about_all, check
from demo.ceremony import enrol, found, install_key_services, make_keys
from demo.dispute import PASSING, Dispute, play_dispute
from demo.litigation import JUDGMENTS, judgments
from demo.rebuilding import Rebuilt, play_rebuilding
from demo.witnesses import Fork, appoint_witnesses, play_fork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from client_sdk.invented.synthetic import Borrower
    from client_sdk.testing.site import Site
    from demo.asking import Survey
    from demo.console import Narrator
    from demo.shell import Shell

__all__ = ["Evidence", "Summary", "play"]

# The lender that asks. It could be any: the answer does not depend on who reported.
_ASKER = LENDERS[1].name
_SHOWN = (Story.STAYED, Story.CURED_LATELY, Story.CURED_LONG_AGO, Story.PAID_ALWAYS)
_REFUSED = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence files, relative to the demo's folder."""

    listed: str
    clear: str


@dataclass(slots=True)
class Summary:
    """Results of the demo; written as ``summary.json``.

    Attributes:
        borrowers: invented.
        records: reported by all lenders.
        versions: reported by all lenders.
        judgments: reported under one signature.
        signatures: made for them.
        chains: from default through judgment and enforcement to payment.
        dispute: what a lender was shown of a record that was disputed, and restricted by silence.
        verdicts: answers by verdict.
        assessments: answers by assessment.
        fingerprint: of the trust root.
        trust_root: file, relative to the demo's folder.
        evidence: files, relative to the demo's folder.
        rebuilt: what the auditor found, and what an answer says of it.
        fork: what two lenders saw of a registry that showed them two histories, and the file that proves it.
        seconds: from beginning to end.
    """

    borrowers: int = 0
    records: int = 0
    versions: int = 0
    judgments: int = 0
    signatures: int = 0
    chains: int = 0
    dispute: Dispute = field(default_factory=Dispute)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    assessments: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    trust_root: str = ""
    evidence: Evidence = Evidence("", "")
    rebuilt: Rebuilt = field(default_factory=Rebuilt)
    fork: Fork = field(default_factory=Fork)
    seconds: float = 0.0

    def write(self, path: Path) -> None:
        """Write it for programs."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(slots=True)
class _Stage:
    """What every act of the play needs."""

    site: Site
    shell: Shell
    narrator: Narrator
    people: Sequence[Borrower]
    today: date
    summary: Summary


def play(site: Site, shell: Shell, narrator: Narrator) -> Summary:
    """Play everything from the first key to the last audit.

    Args:
        site: an empty folder with ports.
        shell: runs commands in it.
        narrator: tells people.

    Returns:
        The summary, also written to ``summary.json``.

    Raises:
        ConfigError: a command or a server failed.
        WrongAnswerError: an answer is not what was reported.
    """
    stage = _Stage(site, shell, narrator, borrowers(), datetime.now(CHINA).date(), Summary())
    # What is started from here on lives in the past, until the dispute has brought the registry to today.
    shell.programs.behind = PASSING
    _found(stage)
    appoint_witnesses(site, shell, narrator)
    stage.summary.dispute = play_dispute(site, shell, narrator, stage.today)
    _report(stage)
    _ask(stage)
    _litigate(stage)
    _survey(stage)
    _show_the_person(stage)
    _verify(stage)
    _audit(stage)
    stage.summary.fork = play_fork(site, shell, narrator, stage.today)
    stage.summary.seconds = round(narrator.seconds, 1)
    stage.summary.write(site.folder / "summary.json")
    return stage.summary


def _found(stage: _Stage) -> None:
    tell, site, shell = stage.narrator, stage.site, stage.shell
    tell.step(
        "Keys",
        "Three administrators and the operators of two key services make their keys, each on a machine of their own",
        "(here: each in a folder of its own). What they hand over holds no secret.",
    )
    make_keys(site, shell)
    tell.step(
        "Genesis",
        "The registry writes the act that everything rests on; two of the three administrators sign it. From now on",
        "everyone who knows its fingerprint can verify everything that the registry will ever say.",
    )
    fingerprint = found(site, shell)
    tell.good(f"fingerprint {fingerprint}")
    tell.step("The registry starts", "A program of its own; who talks to it shows a certificate, on every connection.")
    shell.programs.start(site.server(REGISTRY))
    tell.good(f"listens on {site.address()}")
    tell.step(
        "Four lenders, an auditor and a consumer office are enrolled",
        "One administrator proposes, another approves: each enrolment is an act in the log that anybody can verify.",
    )
    enrol(site, shell, (*LENDERS, AUDITOR, OFFICE), fingerprint)
    tell.step(
        "The key services start",
        "They turn a blinded identity number into one factor of a pseudonym, and learn nothing. They believe the",
        "signed acts alone: neither the registry nor its certificates could make them answer a stranger.",
    )
    install_key_services(site, shell)
    shell.programs.start(*map(site.server, KEY_SERVICES))
    tell.good(" and ".join(f"{name} on {site.address(name)}" for name in KEY_SERVICES))
    stage.summary.fingerprint = fingerprint
    stage.summary.trust_root = str(site.trust_root.relative_to(site.folder))


def _report(stage: _Stage) -> None:
    tell, people, summary = stage.narrator, stage.people, stage.summary
    tell.step(
        f"The lenders report {len(people):,} borrowers, all four at once",
        "Rules are checked before anything is sent. Facts travel sealed; the statement that stays in the log for ever",
        "holds two commitments and a signature, and leads to nobody.",
    )
    stories = Counter(borrower.story for borrower in people)
    tell.table(("what became of the loan", "borrowers"), [(story.title, str(stories[story])) for story in Story])
    for place, lender in enumerate(LENDERS):
        reports = portfolio(people, place, LENDERS, stage.today)
        write_portfolio(stage.site.folder / lender.name / "portfolio.csv", reports)
        summary.versions += len(reports)
        summary.records += len({report.name for report in reports})
    command = ("credit-registry", "--home", LENDERS[0].name, "report", f"{LENDERS[0].name}/portfolio.csv", "--yes")
    tell.command(" ".join(command))
    with ThreadPoolExecutor(len(LENDERS)) as pool:
        done = list(pool.map(lambda lender: _report_portfolio(stage, lender.name), LENDERS))
    for lender, report in zip(LENDERS, done, strict=True):
        tell.good(f"{lender.name} ({lender.title}): {report['accepted']} versions of {report['records']} records")
    summary.borrowers, summary.chains = len(people), stories[Story.SATISFIED]
    tell.say(f"{summary.chains} loans went the whole way: default, suit, judgment, enforcement, payment.")


def _report_portfolio(stage: _Stage, lender: str) -> Mapping[str, int]:
    words = ("credit-registry", "--home", lender, "--json", "report", f"{lender}/portfolio.csv", "--yes")
    report: Mapping[str, int] = json.loads(stage.shell.programs.run(words))
    return report


def _ask(stage: _Stage) -> None:
    tell = stage.narrator
    tell.step(
        f"{_ASKER} asks about four people who want a loan",
        "The number stays on its machine. The registry proves its answer, LISTED or CLEAR, and the lender's own",
        "criteria make an assessment of the facts that only somebody who knows the number can open.",
    )
    files: dict[Verdict, str] = {}
    for story in _SHOWN:
        borrower = next(person for person in stage.people if person.story is story)
        answer, saved = check(
            stage.site, stage.shell, _ASKER, f"applicant-{borrower.number}", borrower.identity, stage.today
        )
        verdict, outcome = Verdict(answer["verdict"]), Outcome(answer["assessment"]["outcome"])
        reasons = Counter(reason["id"] for reason in answer["assessment"]["reasons"])
        why = ", ".join(f"{count} × {reason}" for reason, count in reasons.items())
        tell.good(f"{verdict}, {outcome} ({why}): {story.title}")
        files.setdefault(verdict, saved)
    stage.summary.evidence = Evidence(files[Verdict.LISTED], files[Verdict.CLEAR])


def _litigate(stage: _Stage) -> None:
    tell, lender = stage.narrator, LENDERS[0]
    tell.step(
        f"{lender.name} reports {JUDGMENTS} judgments under one signature",
        "It sued many borrowers on one day, and signs once for all of them. Each judgment carries a short path that",
        "leads to what was signed: it is proved, corrected and forgotten by itself, and shows none of the others.",
    )
    reports = judgments(lender, stage.today)
    file = f"{lender.name}/judgments.csv"
    write_portfolio(stage.site.folder / file, reports)
    report = ("credit-registry", "--home", lender.name, "--json", "report", file, "--one-signature", "--yes")
    done = json.loads(stage.shell(*report))
    stage.summary.judgments, stage.summary.signatures = done["accepted"], done["signatures"]
    tell.good(f"{done['accepted']} judgments logged, {done['signatures']} signature made")
    tell.say(f"{_ASKER} asks about one of these borrowers, and keeps the proof of that one judgment:")
    answer, saved = check(stage.site, stage.shell, _ASKER, "sued", reports[-1].identity, stage.today)
    stage.shell("credit-registry", "verify", "--trust-root", stage.summary.trust_root, saved)
    tell.good(f"{answer['verdict']}, {answer['assessment']['outcome']}; verified offline without the other judgments")


def _survey(stage: _Stage) -> None:
    tell = stage.narrator
    tell.step(
        f"{_ASKER} asks about all {len(stage.people):,}, through the SDK",
        "100 people an inquiry. Every answer is verified, opened, weighed, and here held against what was reported.",
    )
    survey = ask_about_all(stage.site.folder / _ASKER, stage.people, _ASKER, stage.today)
    tell.table(("verdict", "assessment", "borrowers"), _rows(survey))
    stage.summary.verdicts, stage.summary.assessments = survey.by_verdict(), survey.by_assessment()


def _rows(survey: Survey) -> list[tuple[str, str, str]]:
    return [
        (answer.verdict.value, answer.outcome.value, str(survey.by_answer[answer]))
        for answer in sorted(survey.by_answer, key=_severity, reverse=True)
    ]


def _severity(answer: Expected) -> tuple[bool, int]:
    return answer.verdict is Verdict.LISTED, list(Outcome).index(answer.outcome)


def _show_the_person(stage: _Stage) -> None:
    tell = stage.narrator
    tell.step(
        "A borrower asks what is held about her",
        "She signs a request at the consumer office, which speaks for her and never reports. Her own report, in",
        "Chinese and English, holds every record with its history, until when it is kept, and who asked about her.",
    )
    borrower = next(person for person in stage.people if person.story is _SHOWN[0])
    number, request = f"{OFFICE.name}/borrower.txt", f"{OFFICE.name}/request.txt"
    write_private(stage.site.folder / number, f"{borrower.identity.number}\n".encode())
    (stage.site.folder / request).write_text("Show me what is held about me.\n")
    mandate = ("--mandate-date", stage.today.isoformat(), "--mandate-file", request)
    who = ("--officer", "desk-1", *mandate, "--identity-file", number, "-o", f"{OFFICE.name}/report")
    report = json.loads(stage.shell("credit-registry", "--home", OFFICE.name, "--json", "subject", "report", *who))
    fee = "chargeable" if report["chargeable"] else "free of charge"
    tell.good(f"{len(report['records'])} records, asked about {len(report['asked'])} times, {fee}")
    tell.say("What she takes home, and the evidence that proves it:")
    for file in report["files"]:
        tell.good(file)


def _verify(stage: _Stage) -> None:
    tell, folder, evidence = stage.narrator, stage.site.folder, stage.summary.evidence
    tell.step(
        "Anybody verifies the answers, offline",
        "No account, no network: the trust root and the evidence file are enough.",
    )
    verify = ("credit-registry", "verify", "--trust-root", stage.summary.trust_root)
    for file in (evidence.listed, evidence.clear):
        stage.shell(*verify, file)
        tell.good(f"verified, {(folder / file).stat().st_size:,} bytes")
    tell.say("Now one bit in the middle of it is changed:")
    changed = bytearray((folder / evidence.listed).read_bytes())
    changed[len(changed) // 2] ^= 1
    forged = f"{evidence.listed}.changed"
    (folder / forged).write_bytes(changed)
    said = stage.shell("credit-registry", "--json", *verify[1:], forged, expected=_REFUSED)
    tell.good(f"refused: {json.loads(said)['part']} does not verify")


def _audit(stage: _Stage) -> None:
    tell, summary = stage.narrator, stage.summary
    clear = next(person.identity for person in stage.people if person.story is Story.PAID_ALWAYS)
    summary.rebuilt = play_rebuilding(stage.site, stage.shell, tell, _ASKER, clear, stage.today)
    tell.say("The operator checks what is stored, down to the last commitment, while the registry runs:")
    tell.good(stage.shell("registry-server", "fsck", "--home", REGISTRY).strip())
