"""Characters that show nothing: refused everywhere but where writing has them, and the same under every Python."""

from __future__ import annotations

import sys
from hashlib import sha256

import pytest

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.shapeless import is_shapeless
from tests.support.assigned_codes import assigned_codes
from tests.support.naive_acts import hides

HAN, ZWNJ, ZWJ, SEPARATOR = "\u8fba", "\u200c", "\u200d", "\u180e"
# Of Unicode 14.0: those of the category Cf, blanks, marks and selectors, in order.
COUNT, DIGEST = 434, "ba27d938df75ea88092815f780af6589ee3eb4bcc1f1189c38b6ae9182103c9b"


@pytest.mark.parametrize(
    "text",
    [
        *(f"法{char}院" for char in "\u034f\u115f\u1160\u2800\u3164\uffa0\u00ad\u2060\ufeff\u17b4"),
        # Bits that nobody sees.
        *(f"法{''.join(bits)}院" for bits in ((ZWNJ,), (ZWJ,), (ZWNJ, ZWJ, ZWJ), (SEPARATOR,))),
        *(f"court{one}house" for one in (ZWNJ, ZWJ, SEPARATOR, "\ufe0f", "\U000e0100")),
        # A selector of no Han character, a second one, one that picks no form of Han, one in front.
        "\u3042\ufe00",
        f"{HAN}\U000e0100\U000e0101",
        f"{HAN}\ufe0f",
        f"\U000e0100{HAN}",
        "\u260e\ufe0f",
        # Joiners in a row, at an end, and between two scripts.
        f"\u0645{ZWNJ}{ZWNJ}\u062e",
        f"\u0645{ZWNJ}{ZWJ}\u062e",
        f"\u0645{ZWNJ}",
        f"{ZWJ}\u0937",
        f"\u0645{ZWNJ}\u0937",
        f"\u0645{ZWNJ}法",
        f"\u0645{SEPARATOR}\u062e",
        "\u0915\u180b\u0937",
        "\u1820\u180b\u180c",
    ],
)
def test_what_shows_nothing_is_found(text: str) -> None:
    assert is_shapeless(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "杭州市中级人民法院",
        f"渡{HAN}\U000e0101",
        f"{HAN}\ufe00{HAN}\ufe01",
        f"\u0645\u06cc{ZWNJ}\u062e\u0648\u0627\u0647\u0645",
        f"\u0915\u094d{ZWJ}\u0937",
        f"\u0d28\u0d4d{ZWNJ}\u0d2e",
        f"\u182e\u1823\u1829\u182d\u1823\u182f{SEPARATOR}\u1820",
        "\u1820\u180b\u1821\u180d",
        "한국 은행",
        "e\u0301",
    ],
)
def test_what_writing_needs_is_none_of_it(text: str) -> None:
    assert not is_shapeless(text)


def test_the_same_characters_are_found_under_every_python() -> None:
    found = [char for char in map(chr, range(sys.maxunicode + 1)) if is_assigned(char) and is_shapeless(char)]
    assert (len(found), sha256("".join(found).encode()).hexdigest()) == (COUNT, DIGEST)


def test_the_text_of_the_formats_says_the_same_of_each_character() -> None:
    """``hides`` is written from proto/README.md 1 alone."""
    for code in assigned_codes():
        assert is_shapeless(chr(code)) == hides(chr(code)), f"U+{code:04X}"


@pytest.mark.parametrize(
    "frame", ["x{0}x", "\u0645{0}\u062e", "\u0915{0}\u0937", "\u1820{0}\u1821", f"{HAN}{{0}}{HAN}"]
)
def test_the_text_of_the_formats_says_the_same_between_others(frame: str) -> None:
    for code in assigned_codes(every=61):
        assert is_shapeless(frame.format(chr(code))) == hides(frame.format(chr(code))), f"U+{code:04X}"
