"""Keys of auditors that rebuild the log, and how many of them must say so: lines of a policy, as for witnesses.

An auditor cosigns a checkpoint (``cosignature.py``) once it has replayed all its leaves and rebuilt its map, with the
time at which it began to. A cosignature does not say what it means: that follows from the key. So the key of an auditor
has the name REGISTRY/INSTITUTION/replay, and is no witness's, who looks at sizes and hashes alone. An auditor has one
key, so that a quorum counts institutions.
"""

from __future__ import annotations

from functools import lru_cache

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.statement import INSTITUTION_ID
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum, read_quorum_lines

__all__ = [
    "MAX_REPLAYING",
    "read_auditors",
    "read_replay_lines",
    "read_witness_lines",
    "read_witnesses",
    "replay_name",
    "replaying_institution",
]

# Each answer carries a checkpoint of each.
MAX_REPLAYING = 8
_ENDING = "/replay"
_PART = "rulebook"


def replay_name(registry: str, auditor: str) -> str:
    """Return the name of the key with which an auditor cosigns what it has rebuilt.

    Args:
        registry: its name.
        auditor: institution id.

    Raises:
        FormatError: no key can have such a name.
    """
    name = f"{registry}/{auditor}{_ENDING}"
    VerifierKey.cosigner(name, bytes(32))
    return name


def replaying_institution(name: str) -> str:
    """Return the institution that the name of an auditor's key names; empty where it is no such name."""
    registry, _, auditor = name.removesuffix(_ENDING).rpartition("/")
    named = name.endswith(_ENDING) and registry and INSTITUTION_ID.fullmatch(auditor)
    return auditor if named else ""


def _check_auditors(quorum: WitnessQuorum) -> None:
    """Check that a policy names keys of auditors alone.

    Raises:
        FormatError: the name of a key is another's, an auditor has two, there are too many, or one has an address.
    """
    named: set[str] = set()
    for witness in quorum.witnesses:
        auditor = replaying_institution(witness.key.name)
        if not auditor:
            want = f"REGISTRY/INSTITUTION{_ENDING}, as `key replay` of an auditor names its key, and no witness"
            raise FormatError(_PART, "replay-quorum.name", got=witness.key.name, want=want)
        if auditor in named:
            got, want = f"two keys of {auditor}", "one key of each auditor"
            raise FormatError(_PART, "replay-quorum.auditor", got=got, want=want)
        named.add(auditor)
        if witness.url:
            want = "no address: auditors come by themselves"
            raise FormatError(_PART, "replay-quorum.url", got=witness.name, want=want)
    if len(quorum.witnesses) > MAX_REPLAYING:
        got, want = f"{len(quorum.witnesses)} keys", f"at most {MAX_REPLAYING}"
        raise FormatError(_PART, "replay-quorum.count", got=got, want=want)


def read_auditors(data: bytes) -> WitnessQuorum:
    """Return the auditors of a policy in any spelling; one whose quorum is "none" trusts nobody.

    Raises:
        FormatError: it is no policy, names a log, or keys that are not auditors'.
    """
    quorum = WitnessQuorum.parse(data)
    if quorum.logs:
        raise FormatError(_PART, "witness-quorum.log", want="no log lines: the trust root names the log")
    _check_auditors(quorum)
    return quorum


def read_witnesses(data: bytes) -> WitnessQuorum:
    """Return the witnesses of a policy in any spelling.

    Raises:
        FormatError: it is no policy, or names a key with which an auditor cosigns what it has rebuilt.
    """
    return _check_witnesses(WitnessQuorum.parse(data))


def read_witness_lines(lines: tuple[str, ...]) -> WitnessQuorum | None:
    """Return the policy for witnesses that a rulebook holds; None where it names none.

    Raises:
        FormatError: as ``read_quorum_lines`` and ``read_witnesses``.
    """
    quorum = read_quorum_lines(lines)
    return None if quorum is None else _check_witnesses(quorum)


def _check_witnesses(quorum: WitnessQuorum) -> WitnessQuorum:
    for witness in quorum.witnesses:
        if witness.key.name.endswith(_ENDING):
            want = f"keys of witnesses: one whose name ends in {_ENDING} belongs into a replay quorum"
            raise FormatError("policy", "witness-quorum.replay", got=witness.key.name, want=want)
    return quorum


@lru_cache(maxsize=64)
def read_replay_lines(lines: tuple[str, ...], witnesses: tuple[str, ...] = ()) -> WitnessQuorum | None:
    """Return the policy for auditors that a rulebook holds; None where it names none.

    Args:
        lines: of the policy.
        witnesses: lines of the same rulebook for witnesses.

    Raises:
        FormatError: the lines are no such policy, or a key is one of the witnesses'.
    """
    quorum, witnessing = read_quorum_lines(lines), read_witness_lines(witnesses)
    if quorum is None:
        return None
    _check_auditors(quorum)
    cosigning = {witness.key.raw for witness in witnessing.witnesses} if witnessing else set()
    if shared := [witness.name for witness in quorum.witnesses if witness.key.raw in cosigning]:
        raise FormatError(_PART, "replay-quorum.key", got=shared[0], want="a key that is no witness's")
    return quorum
