"""Following the directory: acts give it, their signatures make it, the map shows that none was withheld.

``DirectoryFollower`` does no I/O. One round is a generator that yields requests and is sent the responses; what a
registry refuses is thrown into it as ``RefusedError``:

    GetDirectoryProof  the newest checkpoint, tied to the one known; its HEAD; RegistryState, and institutions if asked
    ListActs           acts after the newest known one, while RegistryState names a later one
    GetDirectoryProof  the institutions that those acts have changed, at most 100 at a time

After a round the directory made from the acts equals what the map says of the registry and of every institution that
has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from creditregistry.v1 import proposal_pb2, transparency_pb2

from client_sdk._protocol.verification import verifying
from client_sdk.errors import RefusedError, VerificationError
from client_sdk.following.log_memory import LogMemory
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import ActLeaf
from client_sdk.kernel.formats.limits import MAX_INSTITUTIONS
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.directory_proof import registry_alone, verify_directory
from client_sdk.kernel.ledger.proving import read_leaf

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import TypeAlias

    from creditregistry.v1 import evidence_pb2

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.directory_proof import ProvedDirectory
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["DirectoryFollower", "DirectoryView", "Request", "Response"]

Request: TypeAlias = "transparency_pb2.GetDirectoryProofRequest | proposal_pb2.ListActsRequest"
Response: TypeAlias = "transparency_pb2.GetDirectoryProofResponse | proposal_pb2.ListActsResponse"
R = TypeVar("R", transparency_pb2.GetDirectoryProofResponse, proposal_pb2.ListActsResponse)


@dataclass(frozen=True, slots=True)
class DirectoryView:
    """The directory under one verified checkpoint; never changed.

    Attributes:
        directory: what the acts make.
        acts: their leaves with their indexes, in order.
        proof: the registry's answer that shows the directory to be whole, without institutions.
        checkpoint: the answer's checkpoint.
        as_of_ms: ``logged_at`` of its HEAD, ms since 1970 UTC.
    """

    directory: Directory
    acts: tuple[evidence_pb2.IndexedLeaf, ...]
    proof: transparency_pb2.GetDirectoryProofResponse
    checkpoint: Checkpoint
    as_of_ms: int

    @property
    def note(self) -> bytes:
        """The signed checkpoint."""
        return self.proof.checkpoint

    def at(self, size: int) -> Directory:
        """Return the directory that the acts among the first so many leaves make; the newest one where all are.

        Args:
            size: leaves, at least one: the genesis act.
        """
        if self.directory.newest_act < size:
            return self.directory
        directory: Directory | None = None
        for act in self.acts:
            leaf = read_leaf(act.leaf, "acts")
            if act.index < max(size, 1) and isinstance(leaf, ActLeaf):
                directory = Directory.genesis(leaf) if directory is None else directory.apply(act.index, leaf)
        return directory or self.directory


class DirectoryFollower:
    """Follows one registry's directory from its trust root; does no I/O.

    Args:
        trust_root: registry, log key and genesis that are believed.
    """

    def __init__(self, trust_root: TrustRoot) -> None:
        self.trust_root = trust_root
        self._memory = LogMemory(trust_root.log_key)
        self._view: DirectoryView | None = None

    @property
    def view(self) -> DirectoryView | None:
        """The directory as the last whole round left it; None before the first."""
        return self._view

    @property
    def directory(self) -> Directory:
        """The directory.

        Raises:
            VerificationError: no round was whole yet.
        """
        if self._view is None:
            raise VerificationError("directory", "directory.followed", "nothing was read from the registry yet")
        return self._view.directory

    @property
    def quorum(self) -> WitnessQuorum | None:
        """The witnesses that the newest rulebook demands; before the first round that of genesis. None for none."""
        return self.trust_root.quorum if self._view is None else self._view.directory.rulebook.quorum

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest verified checkpoint; None before the first."""
        return None if self._memory.newest is None else self._memory.newest.checkpoint

    @property
    def as_of_ms(self) -> int:
        """``logged_at`` of the HEAD that covers the directory, ms since 1970 UTC; 0 before the first round."""
        return 0 if self._view is None else self._view.as_of_ms

    def restore(
        self, proof: transparency_pb2.GetDirectoryProofResponse, acts: Iterable[evidence_pb2.IndexedLeaf]
    ) -> DirectoryView:
        """Take up the view that an earlier run has kept; everything is verified again.

        Raises:
            VerificationError: it does not verify from this trust root.
        """
        with verifying():
            shown = verify_directory(proof, self.trust_root.log_key)
        draft = _Draft(self.trust_root, None)
        draft.take(proposal_pb2.ListActsResponse(acts=acts), shown)
        directory = draft.checked(shown)
        self._memory.advance(proof.checkpoint, b"")
        self._view = draft.view(directory, proof, shown)
        return self._view

    def advance(self) -> Generator[Request, Response, DirectoryView]:
        """Run one round; the follower changes only where the whole round verifies.

        The memory of the newest checkpoint is an exception: what the log has signed once counts from then on.

        Raises:
            VerificationError: an answer does not verify, or an act is withheld.
            ContradictionError: the log went back or split in two.
        """
        draft = _Draft(self.trust_root, self._view)
        while True:
            asked = draft.unconfirmed()
            request = transparency_pb2.GetDirectoryProofRequest(institutions=asked, known_size=self._memory.size)
            try:
                proof = _expect(transparency_pb2.GetDirectoryProofResponse, (yield request))
            except RefusedError as error:
                # Without a consistency proof the registry shows which checkpoint it has instead.
                request.known_size = 0
                shorter = _expect(transparency_pb2.GetDirectoryProofResponse, (yield request))
                raise self._contradiction(shorter) or error from None
            shown = self._read(proof)
            while draft.next_number <= shown.registry.act_number:
                page = yield proposal_pb2.ListActsRequest(from_number=draft.next_number)
                draft.take(_expect(proposal_pb2.ListActsResponse, page), shown)
            directory = draft.checked(shown)
            draft.confirm(directory, asked, shown)
            if not draft.unconfirmed():
                self._view = draft.view(directory, proof, shown)
                return self._view

    def _contradiction(self, proof: transparency_pb2.GetDirectoryProofResponse) -> VerificationError | None:
        """Return what is wrong with a checkpoint that was shown without consistency; None if it may well continue."""
        try:
            with verifying():
                shown = verify_directory(proof, self.trust_root.log_key)
            if shown.checkpoint.size <= self._memory.size:
                self._memory.advance(proof.checkpoint, b"")
        except VerificationError as error:
            return error
        return None

    def _read(self, proof: transparency_pb2.GetDirectoryProofResponse) -> ProvedDirectory:
        with verifying():
            shown = verify_directory(proof, self.trust_root.log_key)
        self._memory.advance(proof.checkpoint, proof.consistency)
        return shown


class _Draft:
    """The directory while a round goes on."""

    def __init__(self, trust_root: TrustRoot, view: DirectoryView | None) -> None:
        self._root = trust_root
        self._directory = None if view is None else view.directory
        self._acts = [] if view is None else list(view.acts)
        self._unconfirmed: set[str] = set()

    @property
    def next_number(self) -> int:
        return 0 if self._directory is None else self._directory.state.act_number + 1

    def unconfirmed(self) -> list[str]:
        """Return institutions that have changed and that the map was not asked about yet, as many as fit."""
        return sorted(self._unconfirmed)[:MAX_INSTITUTIONS]

    def take(self, page: proposal_pb2.ListActsResponse, shown: ProvedDirectory) -> None:
        """Apply the acts of a page up to the one that the map names; later ones wait for the next proof."""
        wanted = shown.registry.act_number - self.next_number + 1
        acts = page.acts[:wanted]
        if not acts and wanted > 0:
            raise VerificationError("acts", "acts.complete", f"act {self.next_number} is withheld")
        for act in acts:
            before = self._directory
            with verifying():
                self._directory = self._apply(act, shown.checkpoint.size)
            self._acts.append(act)
            known = {} if before is None else before.institutions
            self._unconfirmed |= {
                id_ for id_, state in self._directory.institutions.items() if known.get(id_) is not state
            }

    def _apply(self, act: evidence_pb2.IndexedLeaf, size: int) -> Directory:
        leaf = read_leaf(act.leaf, "acts")
        if not isinstance(leaf, ActLeaf):
            raise VerificationError("acts", "acts.leaf", "want ACT leaves")
        if self._directory is None:
            if act.index or leaf_hash(act.leaf) != self._root.genesis:
                raise VerificationError("acts", "acts.genesis", "want the genesis act of the trust root")
            return Directory.genesis(leaf)
        if not self._directory.newest_act < act.index < size:
            raise VerificationError("acts", "acts.place", f"got leaf {act.index}, want acts ascending below {size}")
        return self._directory.apply(act.index, leaf)

    def checked(self, shown: ProvedDirectory) -> Directory:
        """Return the directory if the acts make exactly what the map says of the registry."""
        if self._directory is None or self._directory.state != shown.registry:
            raise VerificationError("registry state", "directory.registry", "the map shows another state than the acts")
        if self._directory.newest_act != shown.head.newest_act:
            raise VerificationError("head", "directory.newest-act", "the HEAD names another newest act")
        return self._directory

    def confirm(self, directory: Directory, asked: list[str], shown: ProvedDirectory) -> None:
        """Check that the map shows the institutions asked for as the acts make them."""
        if [state.id for state in shown.institutions] != asked:
            raise VerificationError("institution state", "directory.institutions", "want those asked for")
        for state in shown.institutions:
            if directory.institutions[state.id] != state:
                message = f"the map shows {state.id} otherwise than the acts"
                raise VerificationError("institution state", "directory.institution", message)
        self._unconfirmed -= set(asked)

    def view(
        self, directory: Directory, proof: transparency_pb2.GetDirectoryProofResponse, shown: ProvedDirectory
    ) -> DirectoryView:
        """Return the draft as it is kept: the institutions of the proof were looked at and are in the acts."""
        kept = registry_alone(proof, shown)
        return DirectoryView(directory, tuple(self._acts), kept, shown.checkpoint, shown.logged_at)


def _expect(kind: type[R], response: Response) -> R:
    if not isinstance(response, kind):
        raise TypeError(f"a round was sent a {type(response).__name__} for a {kind.__name__}")
    return response
