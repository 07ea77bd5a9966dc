"""Connections of a member, and the flows that all its methods share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from creditregistry.v1 import transparency_pb2

from client_sdk._following import Following
from client_sdk._key_services import KeyServiceAsker, is_not_served
from client_sdk._protocol import arguments
from client_sdk._protocol.blinding import BlinderLostError
from client_sdk._protocol.replayed import replayed
from client_sdk._protocol.verification import verifying
from client_sdk._session import Session
from client_sdk._steps import ask, beside, messages, owned, shut
from client_sdk._transport.refusal import is_stale
from client_sdk._transport.services import Services
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError, InvalidError, KeyServiceError, RefusedError, TransportError
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.kernel.ledger.cosigned import check_one_history
from client_sdk.models.replayed import Replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from creditregistry.v1 import submission_pb2

    from client_sdk._protocol.blinding import Blinder
    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._steps import Flow
    from client_sdk._transport.mode import Mode
    from client_sdk.following import Proving
    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["Core"]

R = TypeVar("R")


class Core:
    """Session, registry and key services of one client.

    Args:
        config: of the member.
        mode: in which the flows run.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order, what is kept of the directory is damaged,
            or asyncio has no running event loop.
    """

    def __init__(self, config: ClientConfig, mode: Mode) -> None:
        given: object = config
        if not isinstance(given, ClientConfig):
            raise ConfigError(f"config: want a ClientConfig, got {type(given).__name__}")
        # Files are read, and may be refused, before a connection is opened that nobody would close.
        self.session = Session(config, mode.owner())
        self.keys = KeyServiceAsker(
            mode,
            config.institution,
            self.session.key_signers,
            self.session.tls,
            deadline_seconds=config.deadline,
        )
        self._channel = mode.channel(config.registry, self.session.tls, self.session.deadlines)
        self.services = Services(self._channel)
        self.following = Following(self.session, self.services, mode.lock())

    def owned(self, flow: Flow[R]) -> Flow[R]:
        """Run a flow for a caller who may use this client.

        Raises:
            ConfigError: the client is closed, or was closed during the call, or is of another process or event loop.
        """
        return owned(self.session.owner, flow)

    def close(self) -> Flow[None]:
        """Close connections and outbox."""
        if self.session.owner.close():
            yield from self.keys.close()
            yield from shut(self._channel)
            yield from beside(self.session.close)

    def directory(self) -> Flow[Directory]:
        """Return the directory that was followed from the trust root, at most a minute old."""
        return self.following.directory()

    def prove(self, steps: Proving) -> Flow[None]:
        """Ask the registry for proofs about checkpoints."""
        return self.following.prove(steps)

    def rebuilt(self, checkpoint: Checkpoint, as_of_ms: int) -> Flow[Replayed]:
        """Ask how far auditors have rebuilt the log of a verified checkpoint; a registry that does not say so has none.

        Args:
            checkpoint: of the log.
            as_of_ms: ``logged_at`` of its HEAD, ms since 1970 UTC.

        Raises:
            VerificationError: what it shows is not of one history with the checkpoint, or a line does not verify.
        """
        request = transparency_pb2.GetCheckpointRequest(known_size=checkpoint.size, cosigned=True)
        try:
            response = yield from ask(self.services.transparency.GetCheckpoint, request)
        except (RefusedError, TransportError):
            return Replayed(named=self.session.replay_trust.quorum is not None)
        with verifying():
            shown = [check_one_history(item, checkpoint, self.session.log_key) for item in response.replayed]
            return replayed(shown, as_of_ms, self.session.replay_trust)

    def fresh(self, call: Callable[[], Flow[R]]) -> Flow[R]:
        """Make a call; once more, with the directory followed again, where the registry says that it has moved on."""
        try:
            return (yield from call())
        except InvalidError as error:
            if not is_stale(error.reason):
                raise
        yield from self.following.refresh()
        return (yield from call())

    def names(
        self,
        identities: Sequence[Identity],
        use: KeyUse = KeyUse.REPORT,
        purpose: Purpose = Purpose.REPORTING,
        blinders: Sequence[Blinder] = (),
    ) -> Flow[list[dict[int, Pseudonym]]]:
        """Return the pseudonyms of persons, under each live version of the subject keys.

        Where a key service does not serve one of them, either it or the directory is behind: the directory is followed,
        and then the key service is waited for.
        """
        directory = yield from self.directory()
        try:
            return (yield from self.keys.pseudonyms(directory, identities, use, purpose, blinders=blinders))
        except BlinderLostError:
            return (yield from self.names(identities, use, purpose))
        except KeyServiceError as error:
            if not is_not_served(error):
                raise
        directory = yield from self.following.refresh()
        return (yield from self.keys.pseudonyms(directory, identities, use, purpose, patient=True))

    def name(self, identity: Identity | None) -> Flow[Mapping[int, Pseudonym] | None]:
        """Return the pseudonyms of a person for reporting; None for nobody."""
        if identity is None:
            return None
        arguments.person_of(identity, "identity")
        (names,) = yield from self.names([identity])
        return names

    def held(self, record_ids: Sequence[bytes], issuer: str = "", most: int | None = None) -> Flow[list[HeldRecord]]:
        """Return what the registry holds of records, verified; of all, or the first of them, where no ids are given."""

        def enough(pages: list[submission_pb2.ListRecordsResponse]) -> bool:
            return most is not None and sum(len(page.records) for page in pages) >= most

        # The act that named the caller may be younger than the directory.
        directory = yield from (self.following.refresh() if issuer else self.directory())
        held: list[HeldRecord] = []
        for request in self.session.listings(record_ids, issuer):
            pages = yield from messages(self.services.records.ListRecords, request, enough)
            held += yield from beside(partial(self.session.read_records, pages, directory, request))
        return held[:most]
