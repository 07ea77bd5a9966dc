"""Which witnesses a reader of the log trusts, and how many of them it demands (C2SP tlog-policy).

    log <vkey> [url]
    witness <name> <vkey> [url]
    group <name> <k | any | all> <member> ...
    quorum <name | none>                            exactly one

A line whose first character beside white space is ``#`` is a comment. A name is defined before it is used; a witness or
group is the member of one group at most.

A rulebook holds a policy as lines in one spelling, so that what administrators sign has one form: witnesses, then
groups, then the quorum, one space between words, thresholds as numbers, no comment, and no log, which the trust root
names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import COSIGNATURE, MAX_SIGNATURES, VerifierKey
from client_sdk.kernel.formats.utf8 import decoded, encoded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["NO_QUORUM", "QuorumLog", "QuorumWitness", "WitnessGroup", "WitnessQuorum", "read_quorum_lines"]

MAX_POLICY_BYTES = 64 * 1024
# Of a rulebook, which stands in one leaf with all its other limits.
MAX_LINES, MAX_LINES_BYTES = 64, 16 * 1024
NO_QUORUM = "none"
_RULEBOOK = "rulebook"
_SHOWN = re.compile(r"[ -~]+", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class QuorumLog(NamedTuple):
    """A log that is trusted.

    Attributes:
        key: of the log; its name is the origin.
        url: of its files; empty where none is given.
    """

    key: VerifierKey
    url: str


class QuorumWitness(NamedTuple):
    """A witness.

    Attributes:
        name: within the policy.
        key: with which it cosigns.
        url: where it takes checkpoints; empty where none is given.
    """

    name: str
    key: VerifierKey
    url: str


class WitnessGroup(NamedTuple):
    """A group, met where so many of its members are.

    Attributes:
        name: within the policy.
        threshold: 1 to the number of members.
        members: names of witnesses and groups.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessQuorum:
    """A policy.

    Attributes:
        logs: in the order of the text.
        witnesses: in the order of the text.
        groups: in the order of the text.
        quorum: name of the witness or group that must be met; "none" for no demand.
    """

    logs: tuple[QuorumLog, ...]
    witnesses: tuple[QuorumWitness, ...]
    groups: tuple[WitnessGroup, ...]
    quorum: str

    @classmethod
    def parse(cls, data: bytes) -> WitnessQuorum:
        """Return the policy of a text.

        Raises:
            FormatError: it is none.
        """
        text = decoded(data) if len(data) <= MAX_POLICY_BYTES else None
        if text is None:
            raise FormatError("policy", "policy.text", want=f"UTF-8 of at most {MAX_POLICY_BYTES} bytes")
        reading = _QuorumReading()
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if words and not words[0].startswith("#"):
                reading.take(number, words)
        return reading.whole()

    def lines(self) -> tuple[str, ...]:
        """Return the policy as a rulebook holds it.

        Raises:
            FormatError: it names a log, has no quorum, is too long, or has characters that are not printable ASCII.
        """
        if self.logs:
            raise FormatError(_RULEBOOK, "witness-quorum.log", want="no log lines: the trust root names the log")
        if self.quorum == NO_QUORUM:
            raise FormatError(_RULEBOOK, "witness-quorum.none", got="none", want="a quorum, or no lines at all")
        witnesses = [" ".join(("witness", *(part for part in _words(each) if part))) for each in self.witnesses]
        groups = [f"group {each.name} {each.threshold} {' '.join(each.members)}" for each in self.groups]
        lines = (*witnesses, *groups, f"quorum {self.quorum}")
        if not all(map(_SHOWN.fullmatch, lines)):
            # Administrators sign what they see, and some characters are not seen, or hide others.
            raise FormatError(_RULEBOOK, "witness-quorum.characters", want="printable ASCII in every name and URL")
        length = len("\n".join(lines).encode())
        if len(lines) > MAX_LINES or length > MAX_LINES_BYTES:
            got, want = f"{len(lines)} lines, {length} bytes", f"<= {MAX_LINES} lines, {MAX_LINES_BYTES} bytes"
            raise FormatError(_RULEBOOK, "witness-quorum.length", got=got, want=want)
        return lines

    def is_met(self, cosigned: Collection[VerifierKey]) -> bool:
        """Return whether these witnesses are enough.

        Args:
            cosigned: keys whose cosignatures were verified.
        """
        if self.quorum == NO_QUORUM:
            return True
        met: dict[str, bool] = {witness.name: witness.key in cosigned for witness in self.witnesses}
        for group in self.groups:
            met[group.name] = sum(met[member] for member in group.members) >= group.threshold
        return met[self.quorum]

    def met_at(self, cosigned: Mapping[VerifierKey, int]) -> int | None:
        """Return the newest time at which enough witnesses had cosigned, or later; None where they are not enough.

        Args:
            cosigned: time of each verified cosignature, by key.
        """
        for time in sorted(set(cosigned.values()), reverse=True):
            if self.is_met([key for key, at in cosigned.items() if at >= time]):
                return time
        return None


def _words(witness: QuorumWitness) -> tuple[str, str, str]:
    return witness.name, witness.key.text(), witness.url


@lru_cache(maxsize=64)
def read_quorum_lines(lines: tuple[str, ...]) -> WitnessQuorum | None:
    """Return the policy that a rulebook holds; None where it demands nothing.

    Raises:
        FormatError: the lines are no policy, or not in its one spelling.
    """
    if not lines:
        return None
    if len(lines) > MAX_LINES or any("\n" in line for line in lines):
        raise FormatError(_RULEBOOK, "witness-quorum.length", got=f"{len(lines)} lines", want=f"<= {MAX_LINES} lines")
    data = encoded("\n".join(lines))
    if data is None:
        raise FormatError(_RULEBOOK, "witness-quorum.spelling", want="text that UTF-8 can write")
    quorum = WitnessQuorum.parse(data)
    if quorum.lines() != lines:
        raise FormatError(_RULEBOOK, "witness-quorum.spelling", want="the one spelling of a policy")
    return quorum


class _QuorumReading:
    """A policy line by line."""

    def __init__(self) -> None:
        self._logs: list[QuorumLog] = []
        self._witnesses: list[QuorumWitness] = []
        self._groups: list[WitnessGroup] = []
        self._quorum: str | None = None
        # Every name, and whether it is the member of a group already.
        self._names: dict[str, bool] = {}

    def take(self, number: int, words: Sequence[str]) -> None:
        """Take one line that is no comment."""
        where = f"line {number}"
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self._logs.append(QuorumLog(VerifierKey.parse(vkey), *(url or [""])))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._witness(where, QuorumWitness(name, VerifierKey.parse(vkey, COSIGNATURE), *(url or [""])))
            case ["group", name, threshold, _, *_]:
                self._group(where, name, threshold, tuple(words[3:]))
            case ["quorum", name]:
                self._set_quorum(where, name)
            case _:
                raise FormatError("policy", "policy.line", got=where, want="log, witness, group or quorum")

    def whole(self) -> WitnessQuorum:
        """Return what was read."""
        if self._quorum is None:
            raise FormatError("policy", "policy.quorum", got="none", want="one quorum line")
        keys = [log.key for log in self._logs] + [witness.key for witness in self._witnesses]
        if len({key.raw for key in keys}) != len(keys):
            raise FormatError("policy", "policy.key", got="one key twice", want="different keys")
        # Lines of a note are told apart by these alone: one witness could else spoil every note that another signs.
        if len({(key.name, key.key_id) for key in keys}) != len(keys):
            raise FormatError("policy", "policy.key", got="two keys of one name and id", want="different keys")
        if len(self._witnesses) >= MAX_SIGNATURES:
            got = f"{len(self._witnesses)} witnesses"
            want = f"at most {MAX_SIGNATURES - 1}: a note has {MAX_SIGNATURES} lines, one of which is the log's"
            raise FormatError("policy", "policy.witnesses", got=got, want=want)
        return WitnessQuorum(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _witness(self, where: str, witness: QuorumWitness) -> None:
        self._define(where, witness.name)
        self._witnesses.append(witness)

    def _group(self, where: str, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self._names:
                raise FormatError("policy", "policy.defined", got=where, want="members that were defined before")
            if self._names[member]:
                raise FormatError("policy", "policy.member", got=where, want="a member of one group, once")
            self._names[member] = True
        self._define(where, name)
        named = {"any": 1, "all": len(members)}
        least = named.get(threshold) or (int(threshold) if _NUMBER.fullmatch(threshold) else 0)
        if not 1 <= least <= len(members):
            want = f"any, all or 1 to {len(members)}"
            raise FormatError("policy", "policy.threshold", got=where, want=want)
        self._groups.append(WitnessGroup(name, least, members))

    def _set_quorum(self, where: str, name: str) -> None:
        if self._quorum is not None:
            raise FormatError("policy", "policy.quorum", got=where, want="one quorum line")
        if name != NO_QUORUM and name not in self._names:
            raise FormatError("policy", "policy.defined", got=where, want="a quorum that was defined before")
        self._quorum = name

    def _define(self, where: str, name: str) -> None:
        if name == NO_QUORUM or name in self._names:
            raise FormatError("policy", "policy.name", got=where, want="a new name, and not none")
        self._names[name] = False
