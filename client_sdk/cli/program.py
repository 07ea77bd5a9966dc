"""The program: its verbs, and one JSON document under ``--json`` however it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TextIO

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.spoken_help import paragraphs, say_help
from client_sdk.cli.verbs.table import VERBS
from client_sdk.texts import Language, language_named, language_of_user, say, speak, spoken_language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Program"]

JSON_FLAG = "--json"
LANG_FLAG = "--lang"


class Program(Verbs):
    """The command credit-registry."""

    later = VERBS

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - the library's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - likewise
        **extra: Any,
    ) -> Any:
        """Run the program and end the process."""
        words = sys.argv[1:] if args is None else list(args)
        as_json = JSON_FLAG in _options(words)
        # JSON is for programs, and English like every reason and name in it.
        speak(Language.ENGLISH if as_json else _language(_options(words)))
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        if not as_json:
            return self._main_of_people(args, prog_name, complete_var, windows_expand_args, extra)
        # Questions leave a blank on standard output, and help and version are text.
        with contextlib.redirect_stdout(io.StringIO()) as said:
            try:
                code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            except ClickException as error:
                message = error.format_message() or say("a verb is missing")
                # The message of a missing verb is the help, which the library prints instead of returning it.
                said.truncate(said.seek(0))
                code = _tell(ExitCode.USAGE, "USAGE", message, hint=_help_of(error))
            except typer.Abort:
                code = ExitCode.INTERRUPTED
            if not said.getvalue().strip() and code == ExitCode.INTERRUPTED:
                _tell(ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted")
        _print(said.getvalue().strip())
        sys.exit(code)

    def _main_of_people(
        self,
        args: Sequence[str] | None,
        prog_name: str | None,
        complete_var: str | None,
        windows_expand_args: bool,  # noqa: FBT001 - the library's signature
        extra: Mapping[str, Any],
    ) -> Any:
        """Run the program with text for people; what the library has to say of a command line is said as theirs."""
        if spoken_language() is Language.ENGLISH:
            return super().main(args, prog_name, complete_var, True, windows_expand_args, **extra)
        say_help(self)
        self.epilog = "\n\n".join(map(say, paragraphs(self.epilog or "")))
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except ClickException as error:
            code = _tell(ExitCode.USAGE, "USAGE", error.format_message(), hint=_help_of(error), as_json=False)
        except typer.Abort:
            code = _tell(ExitCode.INTERRUPTED, "INTERRUPTED", say("Aborted."), as_json=False)
        sys.exit(code)


def _language(words: Sequence[str]) -> Language:
    """Return the language of a run: that of ``--lang``, else of the user; English where the console has no Chinese."""
    named = [after for word, after in pairwise((*words, "")) if word == LANG_FLAG]
    named += [word.removeprefix(f"{LANG_FLAG}=") for word in words if word.startswith(f"{LANG_FLAG}=")]
    language = (language_named(named[-1]) if named else None) or language_of_user(os.environ)
    return language if all(_writes_chinese(stream) for stream in (sys.stdout, sys.stderr)) else Language.ENGLISH


def _writes_chinese(stream: TextIO) -> bool:
    """Whether the encoding of a stream has Chinese characters; one in ASCII would get a number for each."""
    try:
        "中文".encode(stream.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _options(words: Sequence[str]) -> Sequence[str]:
    """Return the words that may be options: those before ``--``."""
    return words[: words.index("--")] if "--" in words else words


def _help_of(error: ClickException) -> str:
    """Return where the command that was typed wrong says how it is used."""
    context = getattr(error, "ctx", None)
    return say("see `{command} --help`.", command=context.command_path if context else "credit-registry")


def _tell(code: ExitCode, reason: str, message: str, *, hint: str = "", as_json: bool = True) -> ExitCode:
    """Print an error as the verbs print theirs."""
    from client_sdk.cli.ui.failures import CommandFailure  # noqa: PLC0415 - loads the kernel, which help does not need
    from client_sdk.cli.ui.output import Output  # noqa: PLC0415 - likewise

    CommandFailure(code=code, reason=reason, message=message, hint=hint).show(Output(as_json=as_json))
    return code


def _print(said: str) -> None:
    """Print the document that a verb wrote; help and version become one."""
    if not said.startswith("{"):
        said = json.dumps({"text": said}, ensure_ascii=False, indent=2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 whatever the console has.
        sys.stdout.reconfigure(encoding="utf-8")
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
