"""Feeds the newest checkpoint to the witnesses of a policy, and gathers their cosignatures (C2SP tlog-witness).

Never in the path of an append: a thread looks at the newest commit, at most once a second. A witness that is down, slow
or refuses holds up neither the registry nor the other witnesses; it shows as the age of the newest quorum.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import structlog

from client_sdk._address import is_this_machine
from client_sdk._deadline import resolve
from client_sdk._https_post import Endpoint, PostAnswer, post
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.cosignature import cosigned_at
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.note import Note, NoteSignature
from client_sdk.kernel.formats.witness_request import witness_request
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS
from registry_server.serving.periodic import PeriodicTask
from registry_server.usecases.failures import reason_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.witness_quorum import QuorumWitness, WitnessQuorum
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View

__all__ = [
    "WITNESS_FIGURES",
    "CosignedCheckpoint",
    "UnansweredError",
    "Witnessing",
    "check_witnesses",
    "cosigned_size",
    "post_checkpoint",
]

WITNESS_FIGURES: Mapping[str, str] = {
    "registry_witnesses": "Witnesses of the policy.",
    "registry_witnessed_leaves": "Leaves of the newest checkpoint that a quorum of witnesses has cosigned.",
    "registry_witnessed_age_seconds": "Seconds since a quorum last cosigned; since the start where none has.",
    "registry_witness_refusals": "Checkpoints that a witness refused or did not answer, since the start.",
}
_EVERY_SECONDS = 1.0
# A checkpoint that has not changed is cosigned anew after so long, so that its age stays small.
_AGAIN_SECONDS = 30.0
# One that gave no cosignature is asked again after 2, 4, 8 ... seconds, and this at most.
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_DOUBLED = 5
# For one step of a request, and for all of it.
_STEP_SECONDS = 3.0
_WHOLE_SECONDS = 6.0
_ANSWER_BYTES = 64 * 1024
_OK, _CONFLICT = 200, 409
_MAX_DIGITS = 18
# Checkpoints that are kept while witnesses may still answer for them.
_KEPT = 16
_log = structlog.get_logger("registry.witnesses")


class _Offered:
    """A checkpoint that was offered to witnesses.

    Attributes:
        size: leaves of its tree.
        checkpoint: with the log's line.
        lines: of witnesses, by key.
        times: of these lines, seconds since 1970 UTC.
    """

    __slots__ = ("checkpoint", "lines", "size", "times")

    def __init__(self, size: int, checkpoint: Note) -> None:
        self.size = size
        self.checkpoint = checkpoint
        self.lines: dict[VerifierKey, NoteSignature] = {}
        self.times: dict[VerifierKey, int] = {}


class CosignedCheckpoint(NamedTuple):
    """A checkpoint that a quorum of witnesses has cosigned.

    Attributes:
        size: leaves of its tree.
        at: the newest time at which the quorum had cosigned, seconds since 1970 UTC.
        note: the signed note with the log's line and the witnesses'.
    """

    size: int
    at: int
    note: bytes


class UnansweredError(Exception):
    """A witness gave no cosignature; the text says why."""


@dataclass(slots=True)
class _Fed:
    """What is known of one witness.

    Attributes:
        witness: of the policy.
        size: of the tree that it has cosigned last, as far as is known.
        at: when it did, by the clock that never steps.
        busy: a request is under way.
        failures: since it last cosigned.
        not_before: when it is asked again, by that clock.
        last_fault: why it did not cosign, as it was logged last.
    """

    witness: QuorumWitness
    size: int = 0
    at: float = float("-inf")
    busy: bool = False
    failures: int = 0
    not_before: float = float("-inf")
    last_fault: str = ""


class Witnessing:
    """The use case; a thread from ``start`` to ``stop``.

    Args:
        ledger: whose checkpoints.
        policy: of the witnesses; those without a URL are left alone.
        context: of TLS, trusts the witnesses' certificates.
        clock: returns seconds of a clock that never steps.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: WitnessQuorum,
        context: ssl.SSLContext,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._policy = policy
        self._context = context
        self._clock = clock
        self._fed = [_Fed(witness) for witness in policy.witnesses if witness.url]
        self._started = self._met = clock()
        self._refusals = 0
        self._newest: CosignedCheckpoint | None = None
        # The last checkpoints that were offered, with the lines of witnesses: a slow one answers for an older one.
        self._offered: OrderedDict[str, _Offered] = OrderedDict()
        self._gathering = threading.Lock()
        self._asked: list[Future[None]] = []
        self._threads = ThreadPoolExecutor(max(1, len(self._fed)), thread_name_prefix="witness")
        self._offers = PeriodicTask("witnesses", self.feed, _EVERY_SECONDS, fault_of=reason_of, report=_report)

    @property
    def newest(self) -> CosignedCheckpoint | None:
        """The newest checkpoint that a quorum has cosigned; None where there is none yet."""
        return self._newest

    @property
    def is_demanded(self) -> bool:
        """Whether the policy demands a cosignature at all: one of ``quorum none`` does not."""
        return not self._policy.is_met(())

    def newest_note(self) -> bytes | None:
        """Return that checkpoint as a signed note."""
        newest = self._newest
        return None if newest is None else newest.note

    def figures(self) -> dict[str, float]:
        """Return the figures of now."""
        newest = self._newest
        return {
            "registry_witnesses": len(self._policy.witnesses),
            "registry_witnessed_leaves": 0 if newest is None else newest.size,
            "registry_witnessed_age_seconds": self._clock() - self._met,
            "registry_witness_refusals": self._refusals,
        }

    def start(self) -> None:
        """Begin."""
        self._offers.start()

    def stop(self) -> None:
        """End, once the requests under way are over."""
        self._offers.stop()
        self._threads.shutdown()

    def feed(self) -> None:
        """Offer the newest checkpoint to every witness that has not cosigned it, or not lately.

        Raises:
            StorageError: the database failed.
            InconsistentError: what it holds does not fit together.
        """
        with self._ledger.view() as view:
            offered = self._offer(view)
            due = [fed for fed in self._fed if self._is_due(fed, offered.size)]
            proofs = {fed.size: _proof(view, fed.size) for fed in due}
        for fed in due:
            fed.busy = True
        self._asked = [self._threads.submit(self._ask, fed, offered, proofs[fed.size]) for fed in due]

    def settle(self, seconds: float) -> None:
        """Wait until the witnesses that were asked last have answered or were given up, or for so many seconds."""
        wait(self._asked, seconds)

    def _offer(self, view: View) -> _Offered:
        """Return the checkpoint of a view, with the lines that witnesses have given for it."""
        offered = _Offered(view.size, note.parse(view.checkpoint))
        with self._gathering:
            offered = self._offered.setdefault(offered.checkpoint.text, offered)
            while len(self._offered) > _KEPT:
                self._offered.popitem(last=False)
        return offered

    def _is_due(self, fed: _Fed, size: int) -> bool:
        now = self._clock()
        return not fed.busy and now >= fed.not_before and (fed.size != size or now - fed.at >= _AGAIN_SECONDS)

    def _ask(self, fed: _Fed, offered: _Offered, proof: tuple[bytes, ...]) -> None:
        """Have one witness cosign, in a thread."""
        fault = ""
        try:
            self._take(fed, *self._cosignature(fed, offered, proof))
        except (UnansweredError, OSError, http.client.HTTPException, FormatError) as error:
            fault = str(error) if isinstance(error, UnansweredError | FormatError) else type(error).__name__
        except Exception as error:  # noqa: BLE001 - the database, which is asked again in a second
            fault = reason_of(error)
        finally:
            fed.busy = False
        fed.failures = fed.failures + 1 if fault else 0
        if fault:
            pause = 2.0 ** min(fed.failures, _MOST_DOUBLED)
            fed.not_before = self._clock() + min(pause, _LONGEST_PAUSE_SECONDS)
            with self._gathering:
                self._refusals += 1
        # Once for each fault, not each second.
        if fault and fault != fed.last_fault:
            _log.warning("checkpoint not cosigned", witness=fed.witness.name, detail=fault)
        fed.last_fault = fault

    def _cosignature(self, fed: _Fed, offered: _Offered, proof: tuple[bytes, ...]) -> tuple[_Offered, NoteSignature]:
        """Return the line of a witness, and for what; after a conflict, ask once more from the size that it names."""
        status, body = post_checkpoint(
            fed.witness.url, self._context, witness_request(fed.size, proof, offered.checkpoint.encode())
        )
        if status == _CONFLICT:
            seen = cosigned_size(body)
            with self._ledger.view() as view:
                if seen > offered.size:
                    # Another process of the registry has offered a newer one meanwhile.
                    offered = self._offer(view)
                if seen > offered.size:
                    raise UnansweredError(f"it has cosigned {seen} leaves, and this log has {offered.size}")
                proof = _proof(view, seen, offered.size)
            fed.size = seen
            status, body = post_checkpoint(
                fed.witness.url, self._context, witness_request(fed.size, proof, offered.checkpoint.encode())
            )
        if status != _OK:
            raise UnansweredError(f"status {status}")
        return offered, _line_of(body, fed.witness)

    def _take(self, fed: _Fed, offered: _Offered, line: NoteSignature) -> None:
        """Keep a line that verifies, and see whether a quorum is met."""
        seconds = cosigned_at(offered.checkpoint.text, fed.witness.key, line)
        fed.size = offered.size
        if seconds > time.time() + CLOCKS_DIFFER_MS / 1_000:
            # For members it counts for nothing, so that a quorum with it would be none.
            raise UnansweredError("it tells a time that lies in the future of this machine's clock")
        fed.at = self._clock()
        with self._gathering:
            offered.lines[fed.witness.key] = line
            offered.times[fed.witness.key] = seconds
            at = self._met_at(offered.times)
            newest = self._newest
            held = (-1, -1) if newest is None else (newest.size, newest.at)
            if at is None or held > (offered.size, at):
                return
            lines = (*offered.checkpoint.signatures, *offered.lines.values())
            self._newest = CosignedCheckpoint(offered.size, at, Note(offered.checkpoint.text, lines).encode())
            # A further line of the same checkpoint is added to it, and makes no quorum of now.
            if held < (offered.size, at):
                self._met = self._clock()

    def _met_at(self, times: Mapping[VerifierKey, int]) -> int | None:
        """Return since when both the operator's policy and the members' rulebook are met; None where one is not."""
        met = [self._policy.met_at(times)]
        demanded = self._ledger.directory.rulebook.quorum
        if demanded is not None:
            met.append(demanded.met_at(times))
        return None if None in met else min(at for at in met if at is not None)


def _report(reason: str, _error: Exception) -> None:
    _log.error("checkpoint not offered", reason=reason)


def post_checkpoint(url: str, context: ssl.SSLContext, body: bytes) -> PostAnswer:
    """Return status and body of a witness's answer to add-checkpoint; no redirect is followed.

    Args:
        url: of the witness.
        context: of TLS.
        body: of the request.

    Raises:
        OSError: it cannot be reached, or does not answer in time.
        HTTPException: its answer is none of HTTP.
        UnansweredError: its answer is too long.
    """
    parts = urlsplit(url)
    host, secure, ends = parts.hostname or "", parts.scheme == "https", time.monotonic() + _WHOLE_SECONDS
    port = parts.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
    target = f"{parts.path.rstrip('/')}/add-checkpoint"
    endpoint = Endpoint(host, resolve(host, port, _STEP_SECONDS), port, target, context if secure else None)
    headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"}
    answer = post(endpoint, body, headers, ends=ends, step=_STEP_SECONDS, most=_ANSWER_BYTES + 1)
    if len(answer.body) > _ANSWER_BYTES:
        raise UnansweredError("its answer is too long")
    return answer


def check_witnesses(policy: WitnessQuorum) -> None:
    """Check that the witnesses of a policy can be reached as it says.

    Raises:
        FormatError: an address is no URL, or is in clear and not of this machine.
    """
    for witness in policy.witnesses:
        try:
            url = urlsplit(witness.url)
            valid = url.port is None or url.port > 0
        except ValueError:
            raise FormatError("policy", "policy.url", got=witness.name, want="a URL") from None
        own = is_this_machine(url.hostname or "")
        reached = valid and url.hostname and not url.query and (url.scheme == "https" or (url.scheme == "http" and own))
        if witness.url and not reached:
            raise FormatError("policy", "policy.url", got=witness.name, want="https://..., or http:// on this machine")


def _proof(view: View, old: int, size: int = 0) -> tuple[bytes, ...]:
    """Return the proof from an older tree to the newest or another one; none where there is nothing to prove."""
    newer = size or view.size
    return tuple(view.consistency(old, newer)) if 0 < old < newer else ()


def cosigned_size(body: bytes) -> int:
    """Return the size that a witness names in a conflict.

    Raises:
        UnansweredError: it names none.
    """
    text = body.removesuffix(b"\n")
    if not text.isdigit() or len(text) > _MAX_DIGITS:
        raise UnansweredError("status 409 without a size")
    return int(text)


def _line_of(body: bytes, witness: QuorumWitness) -> NoteSignature:
    """Return the line of a witness's own key among those that it sent."""
    for line in note.parse(b"cosignatures\n\n" + body).signatures:
        if line[:2] == (witness.key.name, witness.key.key_id):
            return line
    raise UnansweredError("no line of its key")
