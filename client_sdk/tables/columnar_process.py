"""The process that reads one file of columns: ``python -m client_sdk.tables.columnar_process PARQUET < FILE``.

The library that reads it ends the process where some bytes are damaged, and takes the memory that a file asks for. So
it is given no more than it needs, opens nothing, and says what it reads as ``columnar_lines`` has it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from typing import IO

from client_sdk.tables.columnar import ColumnarKind, file_batches
from client_sdk.tables.columnar_lines import ENDED, ERRNO, NAMES, line_of, refused_line, rows_line
from client_sdk.tables.values import TableError

__all__ = ["MEMORY_BYTES", "main"]

# Of the process, the library itself included, which is some 300 MiB.
MEMORY_BYTES = 2 * 1024**3
# Of a processor. The program that wants the rows ends this one, unless it was killed itself.
_MOST_SECONDS = 3_600


def main() -> None:
    """Read the file that is standard input, and say on standard output what it holds."""
    _bound()
    out = sys.stdout.buffer
    # The program that wants the rows may want no more of them.
    with suppress(BrokenPipeError):
        try:
            table = file_batches(_sought(sys.stdin.buffer), ColumnarKind[sys.argv[1]])
            out.write(line_of({NAMES: table.names}))
            for part in table.parts():
                out.write(rows_line(part))
                out.flush()
            out.write(line_of(ENDED))
        except TableError as error:
            out.write(refused_line(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            out.write(line_of({ERRNO: error.errno}))
        out.flush()


def _bound() -> None:
    """Take no more memory and time than a portfolio needs; write no image of the memory: it holds facts of people."""
    # An interrupt at a terminal reaches the whole group: the program that reads the rows decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not on every system

        limits = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_AS: MEMORY_BYTES,
            resource.RLIMIT_CPU: _MOST_SECONDS,
        }
        for limit, most in limits.items():
            # Some systems do not know each of them, or have set a lower one.
            with suppress(OSError, ValueError):
                resource.setrlimit(limit, (most, most))


def _sought(file: IO[bytes]) -> IO[bytes]:
    """Return a file that can be sought in; what comes by a pipe is kept in memory."""
    return file if file.seekable() else io.BytesIO(file.read())


if __name__ == "__main__":
    main()
    # Everything was said. What the library would take apart now may be damaged.
    os._exit(0)
