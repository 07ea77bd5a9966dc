"""Decorator of verbs: ``--home`` and ``--json`` everywhere, one way to fail, exit codes in every ``--help``.

Modules of verbs are without ``from __future__ import annotations``: typer reads the types of parameters at run time.
"""

import inspect
import os
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import typer

from client_sdk.cli.ui.exit_codes import EXIT_CODES, ExitCode
from client_sdk.cli.ui.failures import CommandFailure, failure_of
from client_sdk.cli.ui.group import Verb
from client_sdk.cli.ui.identity_input import refuse_on_command_line
from client_sdk.cli.ui.options import worded
from client_sdk.cli.ui.output import Output
from client_sdk.cli.ui.said_before import Globals, HomeOption, JsonOption, LangOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.spoken_help import without_markup
from client_sdk.texts import Language, say, spoken_language

__all__ = ["verb"]

P = ParamSpec("P")

DEBUG_VARIABLE = "CREDIT_REGISTRY_DEBUG"


def verb(
    app: typer.Typer, name: str, *, examples: Sequence[str], options: Sequence[inspect.Parameter] = ()
) -> Callable[[Callable[Concatenate[Run, P], ExitCode | None]], Callable[Concatenate[Run, P], ExitCode | None]]:
    """Make a function a verb of an application.

    Args:
        app: which it belongs to.
        name: of the verb; empty for what a group of verbs does where none is named.
        examples: shown by ``--help``, without the name of the program.
        options: further ones, which the function takes as ``**cells``.

    Returns:
        A decorator that leaves the function as it is. It takes the session first, then its options, and returns the
        exit code; None for success. Its docstring is the help.
    """

    def register(
        function: Callable[Concatenate[Run, P], ExitCode | None],
    ) -> Callable[Concatenate[Run, P], ExitCode | None]:
        @wraps(function)
        def run(
            ctx: typer.Context,
            home: Path | None,
            as_json: bool,  # noqa: FBT001 - typer passes it by name
            lang: Language | None,
            *args: P.args,
            **kwargs: P.kwargs,
        ) -> None:
            del lang  # the program has read it before anything else
            before = ctx.obj if isinstance(ctx.obj, Globals) else Globals(None, as_json=False)
            said = ctx.obj = Globals(home or before.home, as_json=as_json or before.as_json)
            if ctx.invoked_subcommand is None:
                session = Run(Output(as_json=said.as_json), said.home)
                raise typer.Exit(_attempt(session, ctx.args, lambda: function(session, *args, **kwargs)))

        _declare(run, function, options)
        help_ = inspect.cleandoc(function.__doc__ or "")
        if name:
            # Refused by us: typer would repeat the word, which may be an identity number.
            settings = {"allow_extra_args": True}
            app.command(name, cls=Verb, help=help_, epilog=_epilog(examples), context_settings=settings)(run)
        else:
            app.callback(invoke_without_command=True, help=help_, epilog=_epilog(examples))(run)
        return function

    return register


def _attempt(session: Run, stray: Sequence[str], work: Callable[[], ExitCode | None]) -> int:
    """Run a verb; an exception becomes a message and an exit code."""
    output = session.output
    try:
        refuse_on_command_line(stray)
        code = work() or ExitCode.OK
        output.end()
        return int(code)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        message = say("running the same command again is safe")
        CommandFailure(code=ExitCode.INTERRUPTED, reason="INTERRUPTED", message=message).show(output)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Standard output was closed by its reader: avoid BrokenPipeError at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return int(ExitCode.OK)
    except typer.Exit:
        raise
    except Exception as error:  # noqa: BLE001 - the one place where nothing may pass, so that nobody meets a traceback
        failure = failure_of(error, session.address) or _unforeseen(error)
        failure.show(output)
        return int(failure.code)


def _unforeseen(error: Exception) -> CommandFailure:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    # The message of an unforeseen error may hold anything, so it is not shown.
    return CommandFailure(
        code=ExitCode.INTERNAL,
        reason="INTERNAL",
        message=say("a mistake of this program ({name})", name=type(error).__name__),
        hint=say("run it again with {debug_variable}=1 and report what it prints.", debug_variable=DEBUG_VARIABLE),
    )


def _declare(run: Callable[..., None], function: Callable[..., object], options: Sequence[inspect.Parameter]) -> None:
    """Give a verb the parameters of its function, with those that every verb has in place of the session."""
    own = [
        parameter
        for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    common = [
        inspect.Parameter("home", keyword, default=None, annotation=HomeOption),
        inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
        inspect.Parameter("lang", keyword, default=None, annotation=LangOption),
    ]
    parameters = [context, *(_keyword(parameter) for parameter in own), *options, *common]
    # typer reads the signature for order and defaults, and the annotations for types.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions may carry one
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # type: ignore[attr-defined]  # set by wraps; it would lead back to the function's own types


def _keyword(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=worded(parameter.annotation))


def _epilog(examples: Sequence[str]) -> str:
    lines = [say("Examples:"), *(f"  credit-registry {example}" for example in examples)]
    lines += ["", say("Exit codes:"), *(f"  {int(code)}  {say(text)}" for code, text in EXIT_CODES.items())]
    if spoken_language() is not Language.ENGLISH:
        return "\n".join(lines)
    return without_markup("\n".join(lines))
