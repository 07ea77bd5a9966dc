"""Output files named by options.

A target is made before the verb asks or sends anything, so that a name that is taken, or a folder that takes no file,
is reported before anything is done. What goes wrong with the file afterwards never hides the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.errors import ConfigError
from client_sdk.new_file import NewFile
from client_sdk.texts import recognised

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from client_sdk.cli.ui.output import Output

__all__ = ["OutputFile"]


class OutputFile:
    """The output file of a verb, if one is wanted.

    Args:
        path: of a file that does not exist; None where the option was left out.

    Attributes:
        written: its path as text, once it is written; None before, and where there is none.
        code: with which the verb ends: OK, or SETUP where the file could not be written.

    Raises:
        ConfigError: something exists there, or the folder takes no file.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else NewFile(path)
        self.written: str | None = None
        self.code = ExitCode.OK

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.discard()

    def __bool__(self) -> bool:
        return self._file is not None

    def write(self, output: Output, data: bytes) -> None:
        """Write the content, where a file is wanted; a failure is printed on standard error and kept in ``code``."""
        if self._file is None:
            return
        try:
            self._file.write(data)
        except ConfigError as error:
            output.tell(f"FILE: {recognised(str(error))}")
            self.code = ExitCode.SETUP
        else:
            self.written = str(self._file.path)
