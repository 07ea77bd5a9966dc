"""Running the command credit-registry in this process, as a person or a program would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from client_sdk.cli import app

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Command", "Ended"]


class Ended:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def content(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content

    @property
    def reason(self) -> str:
        """Reason of the error that ``--json`` tells."""
        return str(self.content["error"]["reason"])


class Command:
    """Runs verbs in one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: str, given: str | None = None, code: int | None = 0) -> Ended:
        """Run a verb with JSON output and standard input; demand an exit code unless None."""
        return self.said("--json", *words, given=given, code=code)

    def said(self, *words: str, given: str | None = None, code: int | None = 0) -> Ended:
        """Run a verb with text output."""
        result = CliRunner().invoke(app, ["--home", str(self.home), *words], input=given)
        ended = Ended(result.exit_code, result.stdout, result.stderr)
        assert "Traceback" not in ended.out + ended.err
        if code is not None:
            assert ended.code == code, f"{words}: {ended.code}\n{ended.out}\n{ended.err}"
        return ended
