"""A text in the editor of the person: VISUAL or EDITOR, in a private draft that is gone once it was used.

with editing(session.home, text) as draft:
value = draft.read(parse)       # the editor; opened again with the broken rules until the text is right
...                             # use it: where that fails the draft is kept, and the error says where
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.record_form import annotated, without_notes
from client_sdk.errors import ConfigError, PreflightError
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.cli.ui.output import Output

__all__ = ["FormDraft", "discard_kept", "editing"]

T = TypeVar("T")

_NAME, _PREFIX = "record.toml", "draft-"
_VARIABLES = ("VISUAL", "EDITOR")
_USUAL = "vi"
_STANDARD_INPUT, _STANDARD_OUTPUT, _STANDARD_ERROR = 0, 1, 2


class FormDraft:
    """A form while it is edited, mode 0600 in a folder of its own, where editors put their copies too.

    Attributes:
        path: of the draft.
    """

    def __init__(self, home: Path, text: str) -> None:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        except OSError as error:
            raise ConfigError(f"{home} takes no draft: {error.strerror}") from error
        self.path = self._folder / _NAME
        self._first = text
        self._write(text)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether a person wrote something into it."""
        try:
            text = without_notes(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return self.path.exists()
        return text.strip() not in ("", self._first.strip())

    def read(self, parse: Callable[[str], T]) -> T:
        """Return what a parser makes of the text once it is saved; with broken rules the editor is opened again.

        Raises:
            PreflightError: the text was saved unchanged although the broken rules stood in it.
            UsageError: there is no editor, or the text was emptied.
            ConfigError: the editor failed.
        """
        before: str | None = None
        while True:
            self._edit()
            text = self._text()
            if not text.strip():
                raise UsageError(say("the form was emptied: nothing was sent"))
            try:
                return parse(text)
            except PreflightError as error:
                if text == before:
                    raise
                noted = annotated(text, error.violations)
                before = without_notes(noted)
                self._write(noted)

    def discard(self) -> None:
        """Remove the draft and what the editor left beside it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _text(self) -> str:
        try:
            return without_notes(self.path.read_text("utf-8"))
        except UnicodeDecodeError:
            raise UsageError(say("what the editor saved is no UTF-8 text")) from None
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}") from error

    def _write(self, text: str) -> None:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written: {error.strerror}") from error

    def _edit(self) -> None:
        command = _editor()
        # Standard output may be a file or a pipe for the result.
        output = None if os.isatty(_STANDARD_OUTPUT) else _STANDARD_ERROR
        try:
            process = subprocess.Popen([*command, str(self.path)], stdout=output)
        except OSError as error:
            raise UsageError(
                say("the editor {command} cannot be started: {strerror}", command=command[0], strerror=error.strerror),
                _hint(),
            ) from None
        # An interrupt from the keyboard is for the editor.
        interrupts = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = process.wait()
        finally:
            signal.signal(signal.SIGINT, interrupts)
        if code:
            raise ConfigError(f"the editor {command[0]} ended with {code}")


@contextmanager
def editing(output: Output, home: Path, text: str, again: str = "report") -> Iterator[FormDraft]:
    """Yield a draft with a text; it is removed at the end, and kept where that is an error and something was written.

    SIGTERM and SIGHUP end the program and leave no draft.

    Args:
        output: prints where a draft is kept.
        home: of the member; the draft is below it.
        text: to begin with.
        again: verb that goes on with a draft.

    Raises:
        ConfigError: the home takes no draft.
    """
    draft = FormDraft(home, text)
    ends = {number: signal.signal(number, _ended_by) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield draft
    except _EndedError:
        # Nobody is there to be told where a number of a person is left.
        draft.discard()
        raise
    except BaseException:
        if draft.is_worth_keeping:
            output.tell(
                say("What you wrote is kept in {path}", path=draft.path),
                say("  Go on with: {again} --edit --from {path}", again=again, path=draft.path),
            )
        else:
            draft.discard()
        raise
    finally:
        for number, handler in ends.items():
            signal.signal(number, handler)
    draft.discard()


def discard_kept(home: Path, form: Path) -> None:
    """Remove a draft that was kept in a home, once its record is reported; another file is left as it is."""
    folder = form.resolve().parent
    if folder.parent == home.resolve() and folder.name.startswith(_PREFIX) and form.name == _NAME:
        shutil.rmtree(folder, ignore_errors=True)


class _EndedError(SystemExit):
    """The program was told to end by a signal."""


def _ended_by(number: int, _frame: object) -> None:
    raise _EndedError(128 + number)


def _editor() -> list[str]:
    for name in _VARIABLES:
        try:
            words = shlex.split(os.environ.get(name, ""))
        except ValueError:
            raise UsageError(say("{name} is no command line: a quote is open", name=name), _hint()) from None
        if words:
            return words
    # It would wait for keys that nobody can press.
    if not os.isatty(_STANDARD_INPUT):
        hint = say(
            "set {variables} to one that needs none, or use --template and then --from.",
            variables=say(" or ").join(_VARIABLES),
        )
        raise UsageError(say("there is no terminal for the editor {usual}", usual=_USUAL), hint)
    return [_USUAL]


def _hint() -> str:
    return say(
        "set {variables} to an editor that returns when the file is closed.", variables=say(" or ").join(_VARIABLES)
    )
