"""``python -m demo [--keep]``: the whole registry on this machine, step by step, in ``.demo``."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.errors import CreditRegistryError
from client_sdk.invented.parties import ADMINISTRATORS, AUDITOR, LENDERS, OFFICE
from client_sdk.testing.desks import Desks
from client_sdk.testing.folder import empty, reserved
from client_sdk.testing.interrupting import interruptible
from client_sdk.testing.programs import Programs
from client_sdk.testing.site import Site
from demo.asking import WrongAnswerError
from demo.ceremony import make_site
from demo.console import Narrator
from demo.play import play
from demo.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.testing.desks import DeskPlace

FOLDER = Path(".demo")
_INTERRUPTED = 130
# Members whose desks run where the demo is left running.
_AT_DESKS = (*LENDERS, OFFICE, AUDITOR, ADMINISTRATORS[0])
# A record whose dispute was not answered is restricted within a second of the registry's start, not within a minute.
_ENVIRONMENT = {"REGISTRY_HOUSEKEEPING_INTERVAL_SECONDS": "1"}


def main() -> int:
    """Play the demo; return 0 only if everything turned out as it should."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="The whole registry on this machine.")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything goes; it is emptied first")
    options = parser.parse_args()
    narrator = Narrator()
    folder: Path = options.folder.resolve()
    try:
        with interruptible(), reserved(folder, Site.FILE), Programs(folder, _ENVIRONMENT) as programs:
            _run(programs, narrator, keep=options.keep)
    except KeyboardInterrupt:
        narrator.end("Interrupted; every program was stopped.")
        return 0 if options.keep and (folder / "summary.json").exists() else _INTERRUPTED
    except (WrongAnswerError, CreditRegistryError) as error:
        narrator.failed(
            str(error), f"Every program was stopped. The folders are in {folder}, with the logs beside them."
        )
        return 1
    return 0


def _run(programs: Programs, narrator: Narrator, *, keep: bool) -> None:
    folder = programs.folder
    empty(folder)
    narrator.title(
        "A credit registry on this machine",
        f"Everything is in {folder}; the commands below are run there.",
        "By its clock the demo begins five weeks ago, so that a dispute can run its course before today's loans.",
    )
    summary = play(make_site(folder), Shell(programs, narrator), narrator)
    programs.check()
    narrator.end(f"Done in {summary.seconds:.0f} s. What it came to is in {folder / 'summary.json'}.")
    if keep:
        desks = Desks(programs)
        places = desks.start(*(party.name for party in _AT_DESKS))
        _invite(narrator, folder, summary.trust_root, summary.evidence.listed)
        _show_desks(narrator, places)
        narrator.say("Ctrl-C stops everything.")
        desks.wait(narrator.say)


def _invite(narrator: Narrator, folder: Path, trust_root: str, evidence: str) -> None:
    lender = LENDERS[1].name
    number = next((folder / lender).glob("applicant-*.txt")).relative_to(folder)
    asked = f"--purpose LOAN_APPROVAL --officer you --consent-date 2026-01-01 --identity-file {number}"
    narrator.step("It is still running", f"cd {folder}; then, for instance:")
    for command in (
        f". {shlex.quote(str(Path(sys.prefix) / 'bin' / 'activate'))}",
        f"credit-registry --home {lender} status",
        f"credit-registry --home {lender} check {asked} --consent-file {number.with_suffix('.consent')}",
        f"credit-registry --home {lender} records",
        f"credit-registry verify --trust-root {trust_root} {evidence}",
        f"credit-registry --home {AUDITOR.name} audit",
        "credit-registry --home admin-1 act show",
    ):
        narrator.command(command)


def _show_desks(narrator: Narrator, places: Sequence[DeskPlace]) -> None:
    narrator.step(
        "Each member has its desk",
        "Pages for its people, on this machine. A link lets one browser in, once: Chrome, Edge or Firefox.",
    )
    for party, place in zip(_AT_DESKS, places, strict=True):
        narrator.say(f"{party.title} ({party.name})  {place.address}")
        narrator.say(f"  {place.link}")


if __name__ == "__main__":
    sys.exit(main())
