"""Next steps: what an operator does about an error that ended a command, by its kind and reason."""

from __future__ import annotations

from client_sdk._shared_work import ExecutorError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RegistryError
from registry_server.serving.given_settings import CORRECT_IT
from registry_server.serving.hinted import HintedError

__all__ = ["lines_of", "next_step"]

_WRONG_FORM = "give the file that this asks for, whole and unchanged: what was given is another one, or was changed."
_BY_REASON = {
    "ACT_SIGNATURE": (
        "a signature is by none of the act's administrators, or the file was changed: begin with an unchanged copy of "
        "it, and let them approve that one."
    ),
    "ACT_THRESHOLD": (
        "let as many administrators as are wanted run `credit-registry --home THEIRS act approve FILE` with this "
        "registry's genesis.act, one after the other; then run the same command again."
    ),
    "ADMINISTRATION_INVALID": "give --administrator for each of them, and a --threshold that they can reach.",
    "CERTIFICATE_REQUEST_INVALID": (
        "its holder makes the file anew, for the address at which it is reached, and hands that one over."
    ),
    "CLOSING_INVALID": (
        "wait until the last day of the closing act is over, and give the document that it names; administrators "
        "decide another act by `act propose closing`."
    ),
    "KEY_NOT_POSSESSED": (
        "an enrolment file was made for another registry, or changed since: compare --registry with the "
        "`--registry-name` that its administrator gave `credit-registry init`."
    ),
}


def next_step(error: Exception) -> str:
    """Return what to do about an error, a whole sentence; empty where its text says it already."""
    match error:
        case HintedError():
            return error.hint
        case RuleError() | RegistryError():
            return _BY_REASON.get(str(error.reason), CORRECT_IT)
        case FormatError():
            return _WRONG_FORM
        case ExecutorError():
            return "nothing was concluded: look at the cluster and run the same command again, or leave out --dask."
        case _:
            return ""


def lines_of(program: str, error: Exception, text: str) -> str:
    """Return what a command writes to standard error: what is wrong and, in a second line, what to do.

    Args:
        program: name of the command.
        error: that ended it.
        text: what it means.
    """
    hint = next_step(error)
    return f"{program}: {text}" + (f"\nWhat to do: {hint}" if hint else "")
