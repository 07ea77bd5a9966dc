"""``reassess``: recompute an assessment from its evidence, and name what differs."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.criteria_input import read_criteria
from client_sdk.cli.ui.demands import (
    Demanded,
    ReplayMaxLagOption,
    ReplayQuorumOption,
    TrustRootOption,
    WitnessQuorumOption,
    trust_root_of,
)
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import answer_lines, assessment_lines
from client_sdk.cli.ui.verb import verb
from client_sdk.models import IdType
from client_sdk.reassessing import Reassessment, compare, kept_file, read_kept
from client_sdk.reassessing import reassess as reassess_offline
from client_sdk.texts import N_, say

__all__ = ["register"]

# What to make of each input that differs.
_MEANINGS = {
    "question": N_("another person, asker or purpose was asked about"),
    "head": N_("the evidence rests on another state of the log"),
    "rulebook": N_("another rulebook was in force"),
    "criteria": N_("it is weighed by other criteria"),
    "records": N_("other records are shown, or their facts do not open as they did"),
    "outcome": N_("every input is the same: this version of the program weighs otherwise"),
}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "reassess",
        examples=[
            "reassess --trust-root trust-root.bin loan-4711.evidence",
            "--home lender-1 reassess loan-4711.evidence --criteria criteria-2027.toml",
            "--home lender-1 reassess loan-4711.evidence --identity-file number.txt",
        ],
    )
    def reassess(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Evidence that `check --save` wrote.")],
        kept: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="The kept assessment; without it FILE.assessment.json, as `check --with-assessment` wrote it.",
                show_default=False,
            ),
        ] = None,
        trust_root: TrustRootOption = None,
        witness_quorum: WitnessQuorumOption = None,
        replay_quorum: ReplayQuorumOption = None,
        replay_max_lag: ReplayMaxLagOption = None,
        criteria: Annotated[
            Path | None,
            typer.Option(metavar="FILE.toml", help="Other criteria than the kept ones.", show_default=False),
        ] = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> ExitCode:
        """Recompute the assessment of an answer from its evidence file, offline, and name each input that differs.

        The same question at the same head under the same rulebook and criteria gives the same digest. Ends with 0
        where it does, with 1 where it does not, with 4 where the evidence does not verify. With --identity-file the
        key services are asked for what opens the facts, instead of taking the kept keys.
        """
        own = None if criteria is None else read_criteria(criteria)
        demanded = Demanded(session, trust_root, witness_quorum, replay_quorum, replay_max_lag)
        if identity_file is None:
            root = trust_root_of(session, trust_root)
            reassessed = reassess_offline(file, root, kept, own, demanded.of(root))
        else:
            demanded.refuse_files()
            remembered = read_kept(kept_file(file) if kept is None else kept)
            identity = read_identity(session, identity_file, id_type, issuing_state)
            with session.client(replay_max_lag=replay_max_lag) as client:
                (answer,) = client.verify(file, identity)
            reassessed = compare(answer, answer.assess(remembered.criteria if own is None else own), remembered)
        _show(session, file, reassessed, namer=demanded.namer)
        return ExitCode.OK if reassessed.matches else ExitCode.FOUND


def _show(session: Run, file: Path, reassessed: Reassessment, *, namer: str) -> None:
    assessment = reassessed.assessment
    said = "SAME" if reassessed.matches else "DIFFERENT"
    session.output.result(
        {
            "file": str(file),
            "matches": reassessed.matches,
            "differing": list(reassessed.differing),
            "digest": assessment.digest.hex(),
            "kept": reassessed.kept.hex(),
            "assessment": assessment.to_dict(),
        },
        *answer_lines(reassessed.answer, namer=namer),
        "",
        *assessment_lines(assessment),
        "",
        say("{said}: the kept assessment has the digest {kept}.", said=said, kept=reassessed.kept.hex()),
        *(f"  {name}: {say(_MEANINGS[name])}" for name in reassessed.differing),
    )
