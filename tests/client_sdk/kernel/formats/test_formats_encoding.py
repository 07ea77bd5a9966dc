from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.encoding import H, label, leaf_hash, lp, u32, u64
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_label_ends_in_a_zero_byte() -> None:
    assert label("creditregistry/key/v1") == b"creditregistry/key/v1\x00"


@pytest.mark.parametrize("text", ["a\0b", "é"])
def test_a_label_is_ascii_without_a_zero_byte(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        label(text)
    assert refused.value.rule == "label.ascii"


@given(st.integers(0, 2**64 - 1))
def test_integers_are_eight_bytes_big_endian(number: int) -> None:
    assert u64(number) == bytes.fromhex(f"{number:016x}")


@pytest.mark.parametrize(("encode", "number"), [(u64, -1), (u64, 2**64), (u32, -1), (u32, 2**32)])
def test_an_integer_that_does_not_fit_is_refused(encode: Callable[[int], bytes], number: int) -> None:
    with pytest.raises(FormatError) as refused:
        encode(number)
    assert refused.value.rule == "integer.range"


def test_variable_values_carry_their_length_in_bytes() -> None:
    assert lp("逾期") == b"\x00\x00\x00\x06\xe9\x80\xbe\xe6\x9c\x9f"
    assert lp(b"") == b"\x00\x00\x00\x00"
    with pytest.raises(FormatError) as refused:
        lp("\ud800")
    assert refused.value.rule == "text.utf-8"


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_no_two_lists_of_values_are_joined_to_the_same_bytes(one: list[bytes], two: list[bytes]) -> None:
    joined = (b"".join(map(lp, one)), b"".join(map(lp, two)))
    assert (joined[0] == joined[1]) == (one == two)


def test_hashes_are_sha256_of_the_concatenation() -> None:
    assert H() == sha256().digest()
    assert H(b"a", b"bc") == sha256(b"abc").digest()
    assert leaf_hash(b"x") == sha256(b"\x00x").digest()
