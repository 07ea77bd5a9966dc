"""Write the code points that Unicode 14.0 assigns into client_sdk/kernel/formats/assigned.py.

Runs under CPython 3.11, whose character data are those of that version.

    python proto/assigned.py
"""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "14.0.0"
TARGET = Path(__file__).resolve().parent.parent / "client_sdk" / "kernel" / "formats" / "assigned.py"
BEGIN, END = '_RANGES = """\\\n', '"""\n'
# Not assigned, and halves of surrogate pairs, which UTF-8 does not write.
NONE = ("Cn", "Cs")


def ranges() -> Iterator[str]:
    """Yield each run of assigned code points as FIRST-LAST in hexadecimal, a run of one as its number alone."""
    first = None
    for code in range(sys.maxunicode + 2):
        assigned = code <= sys.maxunicode and unicodedata.category(chr(code)) not in NONE
        if assigned and first is None:
            first = code
        elif not assigned and first is not None:
            yield f"{first:X}" if first == code - 1 else f"{first:X}-{code - 1:X}"
            first = None


def main() -> None:
    """Put the ranges in the place of those that are there."""
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"this Python has Unicode {unicodedata.unidata_version}; {VERSION} is needed (CPython 3.11)")
    before, _, rest = TARGET.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    table = textwrap.fill(" ".join(ranges()), width=118, break_on_hyphens=False)
    TARGET.write_text(f"{before}{BEGIN}{table}\n{END}{after}")


if __name__ == "__main__":
    main()
