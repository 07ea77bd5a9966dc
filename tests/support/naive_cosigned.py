"""A second reader of cosigned checkpoints, from the text of proto/README.md 5 and 8 and the C2SP texts alone."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.naive_parts import Wrong, require, sha

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["naive_replayed", "naive_witnessed"]


def _verify(key: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        raise Wrong("signature") from None


def _lines(note: bytes) -> tuple[bytes, dict[tuple[bytes, bytes], bytes]]:
    """The text of a note, and its signatures by name and key id."""
    text, _, below = note.rpartition(b"\n\n")
    found: dict[tuple[bytes, bytes], bytes] = {}
    for line in below.removesuffix(b"\n").split(b"\n"):
        dash, name, blob = line.split(b" ")
        raw = b64decode(blob, validate=True)
        require(dash == "\u2014".encode() and b64encode(raw) == blob, "line")
        require((name, raw[:4]) not in found, "twice")
        found[name, raw[:4]] = raw[4:]
    return text + b"\n", found


def _subtree(path: list[bytes], m: int, n: int, *, known: bytes | None) -> tuple[bytes, bytes]:
    """Roots of the first m and of all n leaves by RFC 9162 2.1.4.1 read backwards; ``known`` is the root of the m."""
    if m == n:
        root = known if known is not None else path.pop(0)
        return root, root
    middle = 1
    while middle * 2 < n:
        middle *= 2
    if m <= middle:
        older, left = _subtree(path, m, middle, known=known)
        return older, sha(b"\x01", left, path.pop(0))
    older, right = _subtree(path, m - middle, n - middle, known=None)
    left = path.pop(0)
    return sha(b"\x01", left, older), sha(b"\x01", left, right)


_Lines = dict[tuple[bytes, bytes], bytes]


def _one_history(
    cosigned: bytes, consistency: bytes, checkpoint: bytes, log: tuple[bytes, bytes]
) -> tuple[bytes, _Lines, int]:
    """Text, lines and size of a cosigned checkpoint that is of one history with another one."""
    text, lines = _lines(cosigned)
    origin, size, root, *more = text.removesuffix(b"\n").split(b"\n")
    own = log[0], sha(log[0], b"\n\x01", log[1])[:4]
    require(origin == log[0] and not more and next(iter(lines)) == own, "log")
    _verify(log[1], lines[own], text)
    answered = checkpoint.split(b"\n")
    (m, older), (n, newer) = sorted([(int(size), b64decode(root)), (int(answered[1]), b64decode(answered[2]))])
    path = [consistency[at : at + 32] for at in range(0, len(consistency), 32)]
    require(m > 0, "empty")
    try:
        found = _subtree(path, m, n, known=older)
    except IndexError:
        raise Wrong("missing") from None
    require(found == (older, newer) and not path, "history")
    return text, lines, int(size)


def _seconds(text: bytes, lines: _Lines, name: bytes, key: bytes) -> int | None:
    """The time of a key's line; None where it has none."""
    at = name, sha(name, b"\n\x04", key)[:4]
    if at not in lines:
        return None
    seconds, signature = int.from_bytes(lines[at][:8], "big"), lines[at][8:]
    _verify(key, signature, f"cosignature/v1\ntime {seconds}\n".encode() + text)
    return seconds


def naive_witnessed(
    cosigned: bytes, consistency: bytes, checkpoint: bytes, log: tuple[bytes, bytes], policy: Sequence[str]
) -> tuple[int, int] | None:
    """Return size and time up to which an answer is witnessed; None for not at all.

    Args:
        cosigned: the note in the place of the evidence.
        consistency: beside it.
        checkpoint: of the answer, whose signature is not looked at again.
        log: name and key.
        policy: lines of a rulebook.
    """
    text, lines, size = _one_history(cosigned, consistency, checkpoint, log)
    times: dict[str, list[int]] = {}
    at_least: dict[str, int] = {}
    for line in policy:
        word, name, *rest = line.split(" ")
        if word == "witness":
            key_name, _, blob = rest[0].split("+", 2)
            key = b64decode(blob)[1:]
            seconds = _seconds(text, lines, key_name.encode(), key)
            times[name] = [] if seconds is None else [seconds]
        elif word == "group":
            at_least[name] = int(rest[0])
            met = sorted((max(times[member]) for member in rest[1:] if times[member]), reverse=True)
            times[name] = met[at_least[name] - 1 : at_least[name]]
        elif times[name]:
            return size, times[name][0]
    return None


def naive_replayed(
    shown: Sequence[tuple[bytes, bytes]], checkpoint: bytes, log: tuple[bytes, bytes], policy: Sequence[str]
) -> tuple[int, int] | None:
    """Return size and time up to which auditors have replayed the log of an answer; None for not at all.

    Args:
        shown: notes in the place of the evidence, each with its consistency proof.
        checkpoint: of the answer, whose signature is not looked at again.
        log: name and key.
        policy: lines of a rulebook.
    """
    require(len(shown) <= 8, "many")
    newest: dict[str, tuple[int, int]] = {}
    for cosigned, consistency in shown:
        text, lines, size = _one_history(cosigned, consistency, checkpoint, log)
        for line in policy:
            word, name, *rest = line.split(" ")
            if word == "witness":
                key_name, _, blob = rest[0].split("+", 2)
                seconds = _seconds(text, lines, key_name.encode(), b64decode(blob)[1:])
                if seconds is not None:
                    newest[name] = max(newest.get(name, (0, 0)), (seconds, size))

    def met(least: int, leaves: int) -> bool:
        held = {name: at >= least and size >= leaves for name, (at, size) in newest.items()}
        for line in policy:
            word, name, *rest = line.split(" ")
            if word == "group":
                held[name] = sum(held.get(member, False) for member in rest[1:]) >= int(rest[0])
            elif word == "quorum":
                return held.get(name, False)
        raise Wrong("quorum")

    times = [at for at, _ in newest.values() if met(at, 0)]
    if not times:
        return None
    return max(size for _, size in newest.values() if met(max(times), size)), max(times)
