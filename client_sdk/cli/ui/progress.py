"""The bar that shows how far work has come, on a terminal alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.cli.ui.session import Run

__all__ = ["ShowProgress", "progress_bar"]


class ShowProgress(Protocol):
    """Shows how far work has come."""

    def __call__(self, done: int, total: int | None, description: str = "", unit: str = "") -> None:
        """Show it.

        Args:
            done: so many.
            total: of so many; None where that is not known.
            description: what is done now; empty for the same as before.
            unit: what is counted now; empty for the same as before.
        """


@contextmanager
def progress_bar(session: Run, description: str, unit: str) -> Iterator[ShowProgress | None]:
    """Show progress, if standard error is a terminal; None where it is none.

    Args:
        session: whose output it is.
        description: what is done first, as the user reads it.
        unit: what is counted first, likewise.
    """
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=session.output.err, transient=True) as bar:
        task = bar.add_task(description, total=None, unit=unit)

        def show(done: int, total: int | None, description: str = "", unit: str = "") -> None:
            if unit:
                bar.update(task, unit=unit)
            bar.update(task, completed=done, total=total, description=description or None)

        yield show
