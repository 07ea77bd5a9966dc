"""edwards25519 in plain integers, slow and simple (RFC 8032 5.1), and the edge cases that are pinned with it.

It says for each case which of the two equations of RFC 8032 5.1.7 holds: the one without the cofactor, S B = R + h A,
and the one with it, 8 S B = 8 R + 8 h A. What the project accepts is a rule of its own, stricter than both.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha512
from itertools import count, product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Point: TypeAlias = tuple[int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
IDENTITY: Point = (0, 1)


class Case(NamedTuple):
    """One public key, message and signature."""

    name: str
    public_key: bytes
    message: bytes
    signature: bytes


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    product_ = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + product_, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - product_, -1, P) % P


def times(scalar: int, point: Point) -> Point:
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def root(square: int) -> int | None:
    """Return the even square root modulo P, if there is one."""
    for candidate in (pow(square, (P + 3) // 8, P), pow(square, (P + 3) // 8, P) * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == square % P:
            return candidate if candidate % 2 == 0 else -candidate % P
    return None


@cache
def decode(encoded: bytes) -> Point | None:
    """Return the point of an encoding, canonical or not; None off the curve."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    x = root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
    if x is None:
        return None
    return (-x % P if x % 2 != sign else x), y % P


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert _BASE is not None
BASE: Point = _BASE


def small_order_points() -> list[Point]:
    """Return the eight points whose order divides 8, the multiples of one of order 8."""
    for y in count(2):
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            generator = times(L, point)
            if times(4, generator) != IDENTITY:
                return [times(i, generator) for i in range(8)]
    raise AssertionError


def small_order_encodings() -> dict[str, bytes]:
    """Return every encoding of a small-order point: y may be written plus P, and x = 0 with either sign."""
    encodings: dict[str, bytes] = {}
    for i, (x, y) in enumerate(small_order_points()):
        for spelling, number in (("canonical", y), ("y plus p", y + P)):
            for sign in (0, 1) if x == 0 else (x & 1,):
                if number < 2**255:
                    name = f"{i}T {spelling}" + (" negative zero" if x == 0 and sign else "")
                    encodings[name] = (number | sign << 255).to_bytes(32, "little")
    return encodings


def challenge(r: bytes, public_key: bytes, message: bytes) -> int:
    """Return h, reduced modulo L as every implementation does it; with a key of mixed order that matters."""
    return int.from_bytes(sha512(r + public_key + message).digest(), "little") % L


def holds(case: Case, *, cofactor: int) -> bool:
    """Return whether the verification equation holds, each encoding and each S taken as it comes."""
    r, s = case.signature[:32], int.from_bytes(case.signature[32:], "little")
    key_point, r_point = decode(case.public_key), decode(r)
    if key_point is None or r_point is None:
        return False
    h = challenge(r, case.public_key, case.message)
    if times(8, key_point) == IDENTITY:
        h %= 8
    left = times(cofactor * s % L, BASE)
    right = add(r_point, times(h, key_point))
    return left == times(cofactor, right)


def _scalar(text: str) -> int:
    return int.from_bytes(sha512(text.encode()).digest(), "little") % L


def _signature(r: bytes, s: int) -> bytes:
    return r + s.to_bytes(32, "little")


def _messages(text: str) -> Iterator[bytes]:
    for i in count():
        yield f"{text} {i}".encode()


def _small_keys_and_rs() -> Iterator[Case]:
    """Small-order A and R with S = 0, over a message for which the equation without cofactor holds where one exists."""
    encodings = small_order_encodings()
    for (a_name, a), (r_name, r) in product(encodings.items(), encodings.items()):
        cases = (Case(f"A = {a_name}, R = {r_name}, S = 0", a, m, _signature(r, 0)) for m in _messages("small"))
        tried = [next(cases) for _ in range(40)]
        yield next((case for case in tried if holds(case, cofactor=1)), tried[0])


def _small_r_with_honest_key(secret: int, public_key: bytes) -> Iterator[Case]:
    for name, r in small_order_encodings().items():
        message = b"an honest key"
        s = challenge(r, public_key, message) * secret % L
        yield Case(f"A honest, R = {name}", public_key, message, _signature(r, s))


def _spellings_of_s(secret: int, public_key: bytes) -> Iterator[Case]:
    nonce = _scalar("nonce")
    r, message = encode(times(nonce, BASE)), b"spellings of S"
    s = (nonce + challenge(r, public_key, message) * secret) % L
    for i in range((2**256 - s) // L + 1):
        yield Case(f"S + {i} L", public_key, message, _signature(r, s + i * L))
    yield Case("S with its highest bit set", public_key, message, _signature(r, s | 1 << 255))
    for value, name in ((0, "0"), (L - 1, "L - 1"), (L, "L"), (2**256 - 1, "2^256 - 1")):
        yield Case(f"S = {name}", public_key, message, _signature(r, value))
    yield Case("-S", public_key, message, _signature(r, L - s))


def _mixed_order(secret: int, public_key: bytes) -> Iterator[Case]:
    torsion = small_order_points()
    nonce = _scalar("mixed nonce")
    honest_r = times(nonce, BASE)
    for i in range(1, 8):
        r = encode(add(honest_r, torsion[i]))
        message = b"mixed order"
        s = (nonce + challenge(r, public_key, message) * secret) % L
        yield Case(f"A honest, R of mixed order + {i}T", public_key, message, _signature(r, s))
        mixed = encode(add(times(secret, BASE), torsion[i]))
        r = encode(honest_r)
        for divisible in (True, False):
            wanted = next(m for m in _messages("mixed key") if (challenge(r, mixed, m) % 8 == 0) == divisible)
            s = (nonce + challenge(r, mixed, wanted) * secret) % L
            where = "divisible by 8" if divisible else "not divisible by 8"
            yield Case(f"A of mixed order + {i}T, challenge {where}", mixed, wanted, _signature(r, s))


def _no_keys(public_key: bytes) -> Iterator[Case]:
    nonce = encode(times(_scalar("nonce"), BASE))
    for y in range(P, 2**255):
        encoded = y.to_bytes(32, "little")
        yield Case(f"A with y = p + {y - P}", encoded, b"", _signature(nonce, 1))
        yield Case(f"R with y = p + {y - P}", public_key, b"", _signature(encoded, 1))
    off_curve = next(e for e in (y.to_bytes(32, "little") for y in count(2)) if decode(e) is None)
    yield Case("A off the curve", off_curve, b"", _signature(nonce, 1))
    yield Case("R off the curve", public_key, b"", _signature(off_curve, 1))


def edge_cases() -> Iterator[Case]:
    """Every edge case, always the same."""
    secret = _scalar("secret")
    public_key = encode(times(secret, BASE))
    yield from _small_keys_and_rs()
    yield from _small_r_with_honest_key(secret, public_key)
    yield from _spellings_of_s(secret, public_key)
    yield from _mixed_order(secret, public_key)
    yield from _no_keys(public_key)
