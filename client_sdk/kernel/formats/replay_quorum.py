"""Keys of auditors that rebuild the log, and how many of them must say so: lines of a policy, as for witnesses.

An auditor cosigns a checkpoint (``cosignature.py``) once it has replayed all its leaves, rebuilt its map and found
nothing, with the time at which it began to. A cosignature does not say what it means: that follows from the key. So a
key of an auditor has a name that ends in ``/replay``, and is no witness's, who looks at sizes and hashes alone.
"""

from __future__ import annotations

from functools import lru_cache

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM, WitnessQuorum, read_quorum_lines

__all__ = ["MAX_REPLAYING", "read_auditors", "read_replay_lines", "replay_name"]

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


def _check_auditors(quorum: WitnessQuorum) -> None:
    """Check that a policy names keys of auditors alone.

    Raises:
        FormatError: the name of a key is another's, there are too many, or one has an address.
    """
    for witness in quorum.witnesses:
        if not witness.key.name.endswith(_ENDING) or witness.key.name == _ENDING:
            want = f"a name that ends in {_ENDING}"
            raise FormatError(_PART, "replay-quorum.name", got=witness.key.name, want=want)
        if witness.url:
            want = "no address: auditors come by themselves"
            raise FormatError(_PART, "replay-quorum.url", got=witness.name, want=want)
    if len(quorum.witnesses) > MAX_REPLAYING:
        got, want = f"{len(quorum.witnesses)} keys", f"at most {MAX_REPLAYING}"
        raise FormatError(_PART, "replay-quorum.count", got=got, want=want)


def read_auditors(data: bytes) -> WitnessQuorum | None:
    """Return the auditors of a policy in any spelling; None for one that demands nothing.

    Raises:
        FormatError: it is no policy, names a log, or keys that are not auditors'.
    """
    quorum = WitnessQuorum.parse(data)
    if quorum.quorum == NO_QUORUM:
        return None
    return read_replay_lines(quorum.lines())


@lru_cache(maxsize=64)
def read_replay_lines(lines: tuple[str, ...], witnesses: tuple[str, ...] = ()) -> WitnessQuorum | None:
    """Return the policy for auditors that a rulebook holds; None where it names none.

    Args:
        lines: of the policy.
        witnesses: lines of the same rulebook for witnesses.

    Raises:
        FormatError: the lines are no such policy, or a key is one of the witnesses'.
    """
    quorum, witnessing = read_quorum_lines(lines), read_quorum_lines(witnesses)
    if quorum is None:
        return None
    _check_auditors(quorum)
    cosigning = {witness.key.raw for witness in witnessing.witnesses} if witnessing else set()
    if shared := [witness.name for witness in quorum.witnesses if witness.key.raw in cosigning]:
        raise FormatError(_PART, "replay-quorum.key", got=shared[0], want="a key that is no witness's")
    return quorum
