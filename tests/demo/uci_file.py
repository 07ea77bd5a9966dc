"""A small file in the form of the real one, with the shapes that the real one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADER = ",".join(["ID", *(f"column_{place}" for place in range(2, 26))])

# Months late from April to September; names say what is special.
NEVER = (-1, 0, -2, -1, 0, 0)
OPEN_SINCE_JULY = (-1, 0, 0, 2, 2, 3)
CURED_IN_JUNE = (1, 2, 0, 0, -1, -1)
TWO_EPISODES = (2, 0, 0, 0, 2, 2)
FALLS_WITHOUT_ENDING = (0, 3, 2, 2, 1, 0)
ALWAYS = (1, 2, 3, 4, 5, 6)


def line(
    number: int, late: Sequence[int], billed: Sequence[int] = (), paid: Sequence[int] = (), *, defaulted: bool = True
) -> str:
    """One client; months are given oldest first, as people think, and written newest first, as the file has them."""
    billed = billed or (5000, 4000, 3000, 2000, 1000, 0)
    paid = paid or (100, 100, 100, 100, 100, 100)
    personal = (20000, 2, 2, 1, 24)
    cells = (number, *personal, *reversed(late), *reversed(billed), *reversed(paid), int(defaulted))
    return ",".join(map(str, cells))


def file(lines: Iterable[str]) -> bytes:
    """The whole file."""
    return "".join(f"{text}\r\n" for text in (HEADER, *lines)).encode()
