"""Finds secrets in bytes, in every form in which a program may have written them.

    needles = Needles()
    needles.add("approver", "clerk-4711")
    needles.found(path.read_bytes())          names of what is there

A needle of 7 bytes or more contains four bytes that begin at a multiple of four wherever it stands; so one look at
every fourth byte finds thousands of needles at once, and each find is compared in full.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import client_sdk
import registry_server
from client_sdk.kernel.formats.encoding import lp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = ["Needles", "format_labels", "forms", "number_digests"]

STEP = 4
SHORTEST = 2 * STEP - 1
# Longer runs of zeros are looked at as runs of this length; no needle holds one.
_ZEROS = re.compile(rb"\x00{64,}")
_LABEL = re.compile(r"creditregistry/[a-z0-9/-]+")
# Truncated digests are found as well.
_DIGEST_BYTES = 16


class Needles:
    """What must not be found, by name."""

    def __init__(self) -> None:
        self._windows: dict[bytes, list[tuple[int, bytes, str]]] = {}
        self._names: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """Of everything that is searched for."""
        return frozenset(self._names)

    def add(self, name: str, secret: bytes | str) -> None:
        """Search for a secret in all its forms."""
        self._names.add(name)
        for needle in forms(secret):
            if len(needle) < SHORTEST:
                raise ValueError(f"{name} is too short to be told from chance")
            for offset in range(len(needle) - STEP + 1):
                self._windows.setdefault(needle[offset : offset + STEP], []).append((offset, needle, name))

    def add_slices(self, name: str, secret: bytes, length: int = 16, stride: int = 8) -> None:
        """Search for every part of a secret that is as long: values of a few bits are found by their neighbours."""
        last = max(0, len(secret) - length)
        for start in (*range(0, last, stride), last):
            self.add(name, secret[start : start + length])

    def found(self, data: bytes) -> set[str]:
        """Return the names of what the bytes hold."""
        data = _ZEROS.sub(bytes(64), data)
        windows, names = self._windows, set[str]()
        for start in range(0, len(data) - STEP + 1, STEP):
            for offset, needle, name in windows.get(data[start : start + STEP], ()):
                begin = start - offset
                if begin >= 0 and data.startswith(needle, begin):
                    names.add(name)
        return names


def forms(secret: bytes | str) -> Iterator[bytes]:
    """Yield a secret raw, in hex and in base64 of every alignment; a text also in capitals, small, and escaped."""
    if isinstance(secret, str):
        for text in dict.fromkeys((secret, secret.upper(), secret.lower())):
            yield from _encoded(text.encode())
        yield secret.encode("utf-16-le")
        escaped = json.dumps(secret)[1:-1]
        if escaped != secret:
            yield escaped.encode()
    else:
        yield from _encoded(secret)


def _encoded(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for before in range(3):
        # Characters that also carry bits of a neighbour are left out.
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield from {code(bytes(before) + raw)[first:last] for code in (b64encode, urlsafe_b64encode)}


def format_labels() -> list[bytes]:
    """Return every label that the source knows."""
    packages = [Path(str(package.__file__)).parent for package in (client_sdk, registry_server)]
    sources = [path.read_text() for package in packages for path in package.rglob("*.py")]
    return sorted({label.encode() for source in sources for label in _LABEL.findall(source)})


def number_digests(identity: Identity) -> Iterator[tuple[str, bytes]]:
    """Yield digests of an identity number with and without the labels of the formats, by the names of the functions."""
    labels = format_labels()
    for content in (identity.number.encode(), identity.number.lower().encode(), identity.voprf_input()):
        messages = [content, lp(content), b"\x00" + content, b"\x01" + content]
        for label in labels:
            messages += [label + content, label + b"\x00" + content, label + b"\x00" + lp(content)]
        for message in messages:
            for name in ("sha256", "sha1", "md5", "sm3", "blake2b", "blake2s"):
                yield name, hashlib.new(name, message).digest()[:_DIGEST_BYTES]
            for size in (16, 20, 32):
                yield "blake2b", hashlib.blake2b(message, digest_size=size).digest()[:_DIGEST_BYTES]
        for label in labels:
            for name in ("sha256", "sha1", "md5", "sm3"):
                yield f"hmac-{name}", hmac.digest(label, content, name)[:_DIGEST_BYTES]
