"""Running a sandbox: it is founded and filled or started again, shown to the person who tries it, and ended."""

from __future__ import annotations

import contextlib
import shlex
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.invented.parties import ADMINISTRATORS, AUDITOR, LENDERS, OFFICE
from client_sdk.invented.synthetic import Story, borrowers
from client_sdk.models import Role
from client_sdk.sandbox.filling import MEMBERS, PEOPLE, disputed, fill, of_the_first
from client_sdk.testing import TestRegistry
from client_sdk.testing.folder import LOCK, delete_left, empty, reserved
from client_sdk.testing.interrupting import interruptible
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from client_sdk.testing.desks import DeskPlace

__all__ = ["SHOWN", "run"]

_NAME = "sandbox"
_PREFIX = "credit-registry-sandbox-"
# Made last, once everything has happened that people find there.
_READY = "sandbox-ready"
_CONSENT = "consent.txt"
_REQUEST = "request.txt"
_ROLES = {
    Role.LENDER: N_("lender"),
    Role.REPRESENTATIVE: N_("representative"),
    Role.AUDITOR: N_("auditor"),
    Role.ADMINISTRATOR: N_("administrator"),
}
# What people have signed.
_SIGNED = {
    _CONSENT: "I agree that you ask the registry about me for this loan.",
    _REQUEST: "I ask the consumer office for my own report, and to speak for me.",
}
# Histories of whom a newcomer may ask about.
SHOWN = (Story.STAYED, Story.OVERDUE, Story.ARRANGED, Story.CURED_LONG_AGO, Story.PAID_ALWAYS)


def run(keep: Path | None, tell: Callable[[str], None]) -> None:
    """Run a sandbox; see ``client_sdk.sandbox.run_sandbox``."""
    began = time.monotonic()
    ready = False
    try:
        with interruptible(), _folder(keep) as folder:
            tell(say("A sandbox: everything in it is invented. It is not for real persons: keep their data out of it."))
            fresh = not (folder / _READY).exists()
            with _registry(folder) as registry:
                if fresh:
                    fill(registry)
                    for name, words in _SIGNED.items():
                        (folder / name).write_text(f"{words}\n")
                    (folder / _READY).touch()
                desks = registry.start_desks(*(member.name for member in MEMBERS))
                for line in (*_desks(desks, time.monotonic() - began), *_to_try(folder, fresh=fresh)):
                    tell(line)
                ready = True
                registry.wait(tell)
    except KeyboardInterrupt:
        if not ready:
            raise
        kept = say("Everything was stopped; it is kept in {keep}.", keep=keep)
        tell(say("Everything was stopped and deleted.") if keep is None else kept)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder of everything: a temporary one, or one that is kept.

    Raises:
        ConfigError: the folder that is kept holds something else, or is used by another run.
    """
    if keep is None:
        delete_left(Path(tempfile.gettempdir()), _PREFIX)
        with (
            tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as temporary,
            reserved(Path(temporary), _READY),
        ):
            yield Path(temporary)
        return
    folder = keep.absolute()
    try:
        with reserved(folder, _READY):
            held = {path.name for path in folder.iterdir()} - {LOCK}
            if held and _READY not in held:
                text = "holds something else, or a sandbox that never became ready"
                raise ConfigError(f"{folder} {text}: name another folder, or delete it")
            try:
                yield folder
            except KeyboardInterrupt:
                # The same command begins anew.
                if not (folder / _READY).exists():
                    empty(folder)
                raise
    except OSError as error:
        raise ConfigError(f"{folder} cannot be used: {error.strerror}") from error


def _registry(folder: Path) -> TestRegistry:
    lenders = [lender.name for lender in LENDERS if lender in MEMBERS]
    return TestRegistry(
        folder=folder,
        name=_NAME,
        lenders=lenders,
        representatives=(OFFICE.name,),
        display_names={party.name: party.title for party in (*LENDERS, AUDITOR, OFFICE, *ADMINISTRATORS)},
    )


def _desks(desks: Sequence[DeskPlace], seconds: float) -> Iterator[str]:
    ready = say(
        "Ready after {seconds} s. Open a link once, in Chrome, Edge or Firefox on this machine:",
        seconds=f"{seconds:.0f}",
    )
    yield f"\n{ready}"
    for desk, (member, role) in zip(desks, MEMBERS.items(), strict=True):
        yield f"\n  {member.title} ({say(_ROLES[role])}, {member.name})"
        yield f"    {say('desk')}  {desk.address}"
        yield f"    {say('link')}  {desk.link or say('none: people sign in by name')}"


def _to_try(folder: Path, *, fresh: bool) -> Iterator[str]:
    first, second = (lender.name for lender in LENDERS if lender in MEMBERS)
    agreed = say(
        "People for {lender} to ask about, who agreed yesterday ({consent} is the signed consent):",
        lender=second,
        consent=folder / _CONSENT,
    )
    yield f"\n{agreed}\n"
    people = borrowers(PEOPLE)
    for story in SHOWN:
        person = of_the_first(people, story)[0]
        verdict, outcome = story.expected
        yield f"  {person.identity.number}  {verdict}, {outcome}: {say(story.title)}"
    number = disputed(people).identity.number
    signed = say(
        "A person for {office} to serve, who signed a request today ({request}):",
        office=OFFICE.name,
        request=folder / _REQUEST,
    )
    yield f"\n{signed}\n  {number}  {say('disputes a record of {lender}', lender=first)}"
    if fresh:
        yield "\n" + say("Waiting: a dispute for {lender} to answer, about {number};", lender=first, number=number)
        yield say("a correction for {lender} to read; an act for admin-1 to approve.", lender=second)
    status = f"credit-registry --home {shlex.quote(str(folder / second))} status"
    yield "\n" + say("In a terminal: {command}", command=status)
    yield say("Ctrl-C ends it.")
