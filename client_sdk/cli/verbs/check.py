"""``check``: is a person listed? One, or many from a file; every answer is proved before it is shown."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.consent_input import consent_as_options, read_consent
from client_sdk.cli.ui.criteria_input import read_criteria
from client_sdk.cli.ui.demands import ReplayMaxLagOption
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identities
from client_sdk.cli.ui.options import (
    IdentityFileOption,
    IdTypeOption,
    IssuingStateOption,
    OfficerOption,
    day,
    digest,
    word_option,
    words_of,
)
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import answer_lines, assessment_lines
from client_sdk.cli.ui.verb import verb
from client_sdk.errors import ConfigError
from client_sdk.models import ConsentForm, Criteria, IdType, Purpose, WitnessDemand
from client_sdk.models.answer import Answer, Verdict, person_file
from client_sdk.models.assessment import Outcome
from client_sdk.new_file import NewFile, output_folder
from client_sdk.reassessing import keep_assessment, kept_file
from client_sdk.texts import recognised, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk.cli.ui.output import Json

__all__ = ["register"]

_PURPOSES = [name for name in words_of(Purpose) if name != Purpose.REPORTING.name]

PurposeOption = Annotated[
    Purpose,
    word_option(Purpose, "Why you ask (征信业管理条例 Art. 18, 20).", words=_PURPOSES),
]
ConsentDateOption = Annotated[
    date,
    typer.Option(
        parser=day, metavar="YYYY-MM-DD", help="When the person agreed to be asked about, or gave the mandate."
    ),
]
ConsentFormOption = Annotated[
    ConsentForm,
    word_option(ConsentForm, "Form of the consent.", default=ConsentForm.WRITTEN.name),
]
ConsentFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The signed consent, or under SUBJECT_ACCESS the mandate; only its SHA-256 is used.",
        show_default=False,
    ),
]
ConsentDigestOption = Annotated[
    bytes | None,
    typer.Option(parser=digest, metavar="HEX", help="Or its SHA-256 itself.", show_default=False),
]
ConsentPurposeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PURPOSE",
        help="For which the consent was given, as it says; may be repeated. Without it, for the one asked for.",
        show_default=False,
    ),
]
SaveOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR/",
        help="Write the evidence to a new file; of several persons one file each, into a folder.",
        show_default=False,
    ),
]
WithIdentityOption = Annotated[
    bool,
    typer.Option("--with-identity", help="Also write FILE.person.json, which names the person (mode 0600)."),
]
WithAssessmentOption = Annotated[
    bool,
    typer.Option(
        "--with-assessment",
        help="Also write FILE.assessment.json, from which `reassess FILE` recomputes the assessment; it holds "
        "keys that open the facts (mode 0600).",
    ),
]
HistoryOption = Annotated[
    bool, typer.Option("--history", help="Also show what is known of each month; --json always has it.")
]
CriteriaOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE.toml", help="Your own criteria; without it the defaults.", show_default=False),
]
WitnessedOption = Annotated[
    WitnessDemand | None,
    typer.Option(help="What is demanded of witnesses; without it what config.toml says.", show_default=False),
]
ExitCodeOption = Annotated[bool, typer.Option("--exit-code", help="End with 1 where an assessment is not NOT_ADVERSE.")]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "check",
        examples=[
            "check --purpose LOAN_APPROVAL --officer clerk-7 --consent-date 2026-03-01 --consent-file consent.pdf",
            "check … --identity-file number.txt --save loan-4711.evidence",
            "check … --identity-file applicants.txt --save evidence/ --json",
        ],
    )
    def check(
        session: Run,
        /,
        *,
        purpose: PurposeOption,
        officer: OfficerOption,
        consent_date: ConsentDateOption,
        consent_form: ConsentFormOption = ConsentForm.WRITTEN,
        consent_file: ConsentFileOption = None,
        consent_digest: ConsentDigestOption = None,
        consent_purpose: ConsentPurposeOption = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        save: SaveOption = None,
        with_identity: WithIdentityOption = False,
        with_assessment: WithAssessmentOption = False,
        history: HistoryOption = False,
        criteria: CriteriaOption = None,
        witnessed: WitnessedOption = None,
        replay_max_lag: ReplayMaxLagOption = None,
        exit_code: ExitCodeOption = False,
    ) -> ExitCode:
        """Ask whether a person has live records; show verdict, assessment with reasons, and totals.

        The identity number is asked for, hidden, or read from a file or standard input, never from the command line.
        LISTED and CLEAR are proved, and end with 0; what does not verify is UNVERIFIABLE and ends with 4.
        """
        if save is None and (with_identity or with_assessment):
            name = "--with-identity" if with_identity else "--with-assessment"
            raise UsageError(say("{name} is about what --save writes", name=name), say("give --save FILE too."))
        lends = purpose is not Purpose.SUBJECT_ACCESS
        if not lends and (criteria is not None or exit_code or with_assessment):
            text = say("--criteria, --exit-code and --with-assessment are about lending")
            raise UsageError(text, say("leave them out under SUBJECT_ACCESS."))
        what = say("consent") if lends else say("mandate")
        consent = read_consent(consent_form, consent_date, consent_digest, consent_file, what, consent_purpose or ())
        own = read_criteria(criteria) if lends else None
        identities = read_identities(session, identity_file, id_type, issuing_state)
        beside = [person_file] if with_identity else []
        beside += [kept_file] if with_assessment else []
        folder = save is not None and (len(identities) > 1 or save.is_dir())
        with output_folder(save) if save is not None and folder else nullcontext():
            _try_writing(save, beside, folder=folder)
            with session.client(witnessed, replay_max_lag) as client, consent_as_options():
                answers = client.check_many(identities, purpose=purpose, consent=consent, officer=officer)
        failed: list[ConfigError] = []
        files: list[Path | None] = [None] * len(answers)
        if save is not None:
            kept = answers if with_identity else [replace(answer, identity=None) for answer in answers]
            kept_by = own if with_assessment else None
            files = [
                _save(answer, save, place if folder else 0, failed, kept_by)
                for place, answer in enumerate(kept, start=1)
            ]
        _show(session, answers, files, own, history=history)
        session.output.tell(*(f"FILE: {recognised(str(error))}" for error in failed))
        code = _code(answers, own if exit_code else None)
        return ExitCode.SETUP if failed and code is not ExitCode.UNVERIFIABLE else code


def _try_writing(save: Path | None, beside: "Sequence[Callable[[Path], Path]]", *, folder: bool) -> None:
    """Check before the inquiry that evidence can be written.

    Raises:
        ConfigError: a file exists there already, or cannot be written.
    """
    if save is None:
        return
    if folder:
        NewFile(save / "evidence.try").discard()
        return
    NewFile(save).discard()
    for name in beside:
        NewFile(name(save)).discard()


def _save(answer: Answer, save: Path, place: int, failed: list[ConfigError], criteria: Criteria | None) -> Path | None:
    """Write the evidence of an answer that has one, into a folder where it has a place there, and return where.

    With criteria, what recomputes the assessment is written beside it.
    """
    if not answer.evidence:
        return None
    try:
        file = answer.save(save / f"{place:04d}-{answer.inquiry_id.hex()[:8]}.evidence" if place else save)
        if criteria is not None:
            keep_assessment(answer, file, criteria)
        return file  # noqa: TRY300 - what is written is what is returned
    except ConfigError as error:
        failed.append(error)
        return None


def _show(
    session: Run, answers: list[Answer], files: list[Path | None], criteria: Criteria | None, *, history: bool
) -> None:
    content: list[Json] = []
    for place, (answer, file) in enumerate(zip(answers, files, strict=True), start=1):
        # An office that speaks for the person lends nothing.
        assessment = None if criteria is None else answer.assess(criteria)
        content.append(
            {
                "place": place,
                **answer.to_dict(),
                "assessment": None if assessment is None else assessment.to_dict(),
                "evidence": None if file is None else str(file),
            }
        )
        session.output.note(
            *([say("Person {place} of {count}", place=place, count=len(answers))] if len(answers) > 1 else [])
        )
        if not session.output.as_json:
            assessed = [] if assessment is None else ["", *assessment_lines(assessment)]
            inquiry, saved = _inquiry(answer), _saved(session, file)
            session.output.result(None, *answer_lines(answer, history=history), *assessed, *inquiry, *saved, "")
    if session.output.as_json:
        session.output.result(content[0] if len(content) == 1 else {"answers": content})


def _inquiry(answer: Answer) -> list[str]:
    return [say("  inquiry: {inquiry_id}", inquiry_id=answer.inquiry_id.hex())] if answer.inquiry_id else []


def _saved(session: Run, file: Path | None) -> list[str]:
    if file is None:
        return []
    root = session.home / "trust-root.bin"
    return [
        say("  evidence: {file}", file=file),
        say("  anybody verifies it: credit-registry verify --trust-root {root} {file}", root=root, file=file),
    ]


def _code(answers: list[Answer], criteria: Criteria | None) -> ExitCode:
    """Return how the verb ends; by the assessments where there are criteria for that."""
    if any(answer.verdict is Verdict.UNVERIFIABLE for answer in answers):
        return ExitCode.UNVERIFIABLE
    adverse = criteria is not None and any(
        answer.assess(criteria).outcome is not Outcome.NOT_ADVERSE for answer in answers
    )
    return ExitCode.FOUND if adverse else ExitCode.OK
