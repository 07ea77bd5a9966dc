"""Exit codes of the command: stable, distinct, and listed by every ``--help``."""

from enum import IntEnum

from client_sdk.texts import N_

__all__ = ["EXIT_CODES", "ExitCode"]


class ExitCode(IntEnum):
    """Exit code of a verb."""

    OK = 0
    # Something was found, or the user declined.
    FOUND = 1
    USAGE = 2
    UNREACHABLE = 3
    # Neither yes nor no may be relied on.
    UNVERIFIABLE = 4
    # Settings, keys or files of this machine.
    SETUP = 5
    # The log's key has signed two trees that contradict each other, and a file proves it.
    MISBEHAVIOUR = 6
    # A mistake of this program.
    INTERNAL = 70
    # 128 + SIGINT, as shells have it.
    INTERRUPTED = 130


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.OK: N_("done, and nothing is wrong"),
    ExitCode.FOUND: N_("something was found, rejected or refused"),
    ExitCode.USAGE: N_("wrong usage or wrong input"),
    ExitCode.UNREACHABLE: N_("the registry or a key service does not answer"),
    ExitCode.UNVERIFIABLE: N_("an answer does not verify; rely on nothing"),
    ExitCode.SETUP: N_("settings, keys or files of this machine are not in order"),
    ExitCode.MISBEHAVIOUR: N_("it is proved that the log's key has signed two histories"),
    ExitCode.INTERNAL: N_("a mistake of this program"),
    ExitCode.INTERRUPTED: N_("interrupted"),
}
