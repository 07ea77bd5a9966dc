"""``doctor``: the member's checklist."""

from typing import TYPE_CHECKING

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.doctor import examine
from client_sdk.models.examined import Grade
from client_sdk.texts import recognised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.models.examined import Examined

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "doctor", examples=["doctor", "doctor --json"])
    def doctor(session: Run) -> ExitCode:
        """Walk the checklist of this home: files, keys, certificate, clock, registry, key services; change nothing.

        Ends with 1 where a check fails.
        """
        examined = examine(session.config())
        counts = {grade.value: sum(item.grade is grade for item in examined) for grade in Grade}
        session.output.result(
            {"checks": [item.to_dict() for item in examined], "counts": counts},
            *(line for item in examined for line in _lines(item)),
            ", ".join(f"{count} {grade}" for grade, count in counts.items()),
        )
        return ExitCode.FOUND if counts[Grade.FAIL] else ExitCode.OK


def _lines(item: "Examined") -> "Iterator[str]":
    yield f"{item.grade}  {item.check}: {recognised(item.found)}"
    if item.advice:
        yield f"      {recognised(item.advice)}"
