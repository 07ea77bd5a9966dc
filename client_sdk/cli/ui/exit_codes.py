"""Exit codes of the command: stable, distinct, and listed by every ``--help``."""

from enum import IntEnum

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
    ExitCode.OK: "done, and nothing is wrong",
    ExitCode.FOUND: "something was found, rejected or refused",
    ExitCode.USAGE: "wrong usage or wrong input",
    ExitCode.UNREACHABLE: "the registry or a key service does not answer",
    ExitCode.UNVERIFIABLE: "an answer does not verify; rely on nothing",
    ExitCode.SETUP: "settings, keys or files of this machine are not in order",
    ExitCode.MISBEHAVIOUR: "it is proved that the log's key has signed two histories",
    ExitCode.INTERNAL: "a mistake of this program",
    ExitCode.INTERRUPTED: "interrupted",
}
