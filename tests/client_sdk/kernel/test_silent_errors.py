"""No exception of the kernel carries a secret: in its text, arguments, attributes or notes, or in what it came from.

Every public function and method of the kernel is called with marked values; what it raises is walked through.
"""

from __future__ import annotations

from itertools import islice
from random import Random
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.kernel.formats import seal
from client_sdk.kernel.formats.errors import CreditRegistryError, FormatError
from tests.support.marked_values import SECRET, TEXT, Marker, UnbuildableError, callables, needles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 40
NEEDLES = needles()
FUNCTIONS = {name: (function, owner) for name, function, owner in callables()}
# What is not called: each with the reason.
EXCUSED = {
    "formats.canonical.encode": "is called by all that encodes",
    "formats.canonical.parse": "is called by all that parses",
    "formats.words.word": "is called by all that parses",
    "formats.plain.Plain.to_dict": "has nothing of its own",
    "formats.tls_key.spki_hash": "takes a public key of the cryptography library",
    "ledger.answer_reading.Reading.check_inquiry": "is called by Verifier.check",
    "ledger.answer_reading.Reading.read_persons": "is called by Verifier.check",
    "ledger.answer_reading.Reading.check_nothing_unused": "is called by Verifier.check",
    "ledger.answer_reading.Reading.check_proofs": "is called by Verifier.check",
    "formats.tiles.tiles_of": "takes numbers alone, and yields a tile for each of them",
}


def links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it came from, also what is not shown in a traceback."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [one for one in (link.__cause__, link.__context__) if one is not None]


def texts(value: object, depth: int = 0) -> Iterator[bytes]:
    """Yield what a logger could write of a value: its text, its representation, and those of its parts."""
    if isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value)
    yield repr(value).encode("utf-8", "replace")
    yield str(value).encode("utf-8", "replace")
    if depth < 3:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from texts(key, depth + 1)
                yield from texts(item, depth + 1)
        elif isinstance(value, list | tuple | set | frozenset):
            for item in value:
                yield from texts(item, depth + 1)


def told(error: BaseException) -> set[str]:
    """Return the names of the secrets that an exception carries."""
    written: set[bytes] = set()
    for link in links(error):
        # What decoding fails on stands in attributes of its own.
        own = [getattr(link, name, b"") for name in ("object", "doc")]
        notes = getattr(link, "__notes__", [])
        for part in (link, link.args, vars(link), notes, own, getattr(link, "complaint", "")):
            written.update(texts(part))
    # Joined: what is the same in several places is searched through once.
    return NEEDLES.found(b"\0".join(sorted(written)))


def raised(function: Callable[..., Any], owner: type | None, seed: str) -> list[Exception]:
    """Call it with marked values, many times; return what it raises."""
    marker = Marker(Random(seed))  # noqa: S311 - the same values at each run
    errors: list[Exception] = []
    for _ in range(CALLS):
        try:
            positional, named = marker.arguments(function, owner)
            result = function(*positional, **named)
            if isinstance(result, GeneratorType):
                list(islice(result, 20))
        except UnbuildableError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be silent
            errors.append(error)
    return errors


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - set(EXCUSED)))
def test_what_it_raises_carries_no_secret(name: str) -> None:
    function, owner = FUNCTIONS[name]
    for error in raised(function, owner, name):
        assert told(error) == set(), type(error).__name__


def test_only_what_there_is_is_excused() -> None:
    assert set(EXCUSED) <= set(FUNCTIONS)
    assert len(FUNCTIONS) > 300


def test_the_marks_would_be_found() -> None:
    def fails() -> None:
        try:
            TEXT.encode().decode("ascii") + int(TEXT)  # type: ignore[operator]  # fails before
        except ValueError:
            raise CreditRegistryError("nothing to see") from None

    with pytest.raises(CreditRegistryError) as caught:
        fails()
    assert told(caught.value) == {"text"}
    noted = CreditRegistryError("nothing to see")
    noted.add_note(TEXT)
    assert told(noted) == {"text"}


def test_a_sealed_text_that_is_none_carries_no_secret() -> None:
    """The clear text stood in the library's error, which was reachable and not shown."""
    commitment = bytes(32)
    for content in (TEXT.encode() + b"\xff", TEXT.encode()):
        sealed = seal._seal(SECRET, seal._TEXT + commitment, SECRET, content)
        with pytest.raises(FormatError) as caught:
            seal.open_text(SECRET, commitment, sealed)
        assert told(caught.value) == set()
