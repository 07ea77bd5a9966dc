"""A registry as far as following its directory goes: a handmade log of today, served over gRPC with mutual TLS.

log = Logbook(services=(KeyService(url, public_key, name), ...))      genesis, three lenders, their first HEADs
log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))     an act; it counts from the next HEAD on
log.commit()                                                    a HEAD of now
with serve(LogbookRegistry(log), authority.server()) as target: ...              host:port
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import grpc
from creditregistry.v1 import evidence_pb2, proposal_pb2
from creditregistry.v1 import transparency_pb2 as pb
from cryptography import x509

from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.state import KeyService, KeyServices
from client_sdk.kernel.subjects.oprf import EvaluationKey
from tests.support.handmade_log import HandmadeLog, seed
from tests.support.proofs import prove_directory
from tests.support.tls import server_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk.kernel.formats.act import GenesisBody
    from client_sdk.kernel.formats.state import InstitutionState, RegistryState, Rulebook

LENDERS = ("lender-1", "lender-2", "lender-3")
ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
PAGE = 2


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def evaluation_key(name: str) -> EvaluationKey:
    """The VOPRF key that follows from a name."""
    return EvaluationKey.from_seed(seed(f"evaluation key of {name}"))


SERVICES = (
    KeyService("key-service-a.example:443", evaluation_key("key-service-a").public_key, "key-service-a"),
    KeyService("key-service-b.example:443", evaluation_key("key-service-b").public_key, "key-service-b"),
)


class Logbook(HandmadeLog):
    """A handmade log whose key services have real keys and whose HEADs are of now."""

    def __init__(
        self,
        services: Iterable[KeyService] = SERVICES,
        lenders: Iterable[str] = LENDERS,
        administrators: Iterable[str] = ADMINISTRATORS,
        rulebook: Rulebook | None = None,
    ) -> None:
        self._services = tuple(services)
        # What the map holds instead of the truth, by key; every HEAD from now on commits to it.
        self.lies: dict[bytes, bytes] = {}
        super().__init__(lenders, administrators, rulebook)
        self.commit()

    def genesis(self, rulebook: Rulebook) -> GenesisBody:
        """The first act's decision, with these key services."""
        body = super().genesis(rulebook)
        return type(body)(
            body.administrators, body.threshold, body.log_keys, KeyServices(1, self._services), body.rulebook
        )

    def entries(self) -> Mapping[bytes, bytes]:
        """What the map holds now, lies included."""
        return {**super().entries(), **self.lies}

    def commit(self, at_ms: int | None = None) -> int:
        """Log a HEAD of now, or of another moment."""
        self.logged_at = now_ms() if at_ms is None else at_ms
        return self.head()

    def acts(self) -> list[evidence_pb2.IndexedLeaf]:
        """Every act with its index."""
        return [
            evidence_pb2.IndexedLeaf(index=index, leaf=leaf)
            for index, leaf in enumerate(self.leaves)
            if isinstance(parse_leaf(leaf), ActLeaf)
        ]


class LogbookRegistry:
    """Answers as a registry does. Whatever a test wants to lie about is an attribute."""

    def __init__(self, log: Logbook) -> None:
        self.log = log
        # What is answered instead of the truth.
        self.acts: Sequence[evidence_pb2.IndexedLeaf] | None = None
        self.registry_state: RegistryState | None = None
        self.institutions: dict[str, InstitutionState] = {}
        self.consistency: bytes | None = None
        # Whether a known size beyond the log is refused, or answered without a proof.
        self.strict = False
        # Requests so far, by the names of their messages.
        self.asked: list[str] = []
        # Serial numbers of the certificates with which the directory was asked for, and one that is let in no more.
        self.shown: set[int] = set()
        self.refused: int | None = None

    def let_in(self, context: grpc.ServicerContext) -> None:
        """Note whose certificate it is, or end the call."""
        (pem,) = cast("list[bytes]", context.auth_context()["x509_pem_cert"])
        serial = x509.load_pem_x509_certificate(pem).serial_number
        if serial == self.refused:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "an old certificate")
        self.shown.add(serial)

    def list_acts(self, request: proposal_pb2.ListActsRequest) -> proposal_pb2.ListActsResponse:
        """A page of acts."""
        self.asked.append("ListActsRequest")
        acts = self.log.acts() if self.acts is None else self.acts
        first = request.from_number
        return proposal_pb2.ListActsResponse(acts=acts[first : first + PAGE], more=first + PAGE < len(acts))

    def directory_proof(self, request: pb.GetDirectoryProofRequest) -> pb.GetDirectoryProofResponse:
        """RegistryState and institutions, proved under the newest HEAD."""
        self.asked.append("GetDirectoryProofRequest")
        log, size = self.log, len(self.log.leaves)
        members = {**log.state.directory.institutions, **self.institutions}
        registry = self.registry_state or log.state.directory.state
        return pb.GetDirectoryProofResponse(
            checkpoint=log.checkpoint(),
            head=log.leaves[-1],
            head_path=b"".join(log.tree.inclusion_proof(size - 1, size)),
            registry_state=registry.encode(),
            map_proof=prove_directory(log.entries(), request.institutions),
            institutions=[members[id_].encode() for id_ in request.institutions],
            consistency=self._consistency(request.known_size),
        )

    def checkpoint(self, request: pb.GetCheckpointRequest) -> pb.GetCheckpointResponse:
        """The newest checkpoint."""
        size = len(self.log.leaves)
        return pb.GetCheckpointResponse(
            checkpoint=self.log.checkpoint(),
            known_root=self.log.tree.root(request.known_size) if 0 < request.known_size < size else b"",
            consistency=self._consistency(request.known_size),
            head=self.log.leaves[-1],
            head_path=b"".join(self.log.tree.inclusion_proof(size - 1, size)),
        )

    def _consistency(self, known_size: int) -> bytes:
        if self.consistency is not None:
            return self.consistency
        size = len(self.log.leaves)
        return b"".join(self.log.tree.consistency_proof(known_size, size)) if 0 < known_size < size else b""


def _handlers(registry: LogbookRegistry) -> list[grpc.GenericRpcHandler]:
    """The few methods that following needs; every other one is unknown to this server."""
    list_acts = grpc.unary_unary_rpc_method_handler(
        lambda request, _context: registry.list_acts(request),
        proposal_pb2.ListActsRequest.FromString,
        proposal_pb2.ListActsResponse.SerializeToString,
    )

    def prove_directory(
        request: pb.GetDirectoryProofRequest, context: grpc.ServicerContext
    ) -> pb.GetDirectoryProofResponse:
        registry.let_in(context)
        if registry.strict and request.known_size > len(registry.log.leaves):
            context.abort(grpc.StatusCode.OUT_OF_RANGE, "the log is shorter")
        return registry.directory_proof(request)

    directory_proof = grpc.unary_unary_rpc_method_handler(
        prove_directory,
        pb.GetDirectoryProofRequest.FromString,
        pb.GetDirectoryProofResponse.SerializeToString,
    )
    checkpoint = grpc.unary_unary_rpc_method_handler(
        lambda request, _context: registry.checkpoint(request),
        pb.GetCheckpointRequest.FromString,
        pb.GetCheckpointResponse.SerializeToString,
    )
    return [
        grpc.method_handlers_generic_handler("creditregistry.v1.DirectoryService", {"ListActs": list_acts}),
        grpc.method_handlers_generic_handler(
            "creditregistry.v1.TransparencyService", {"GetDirectoryProof": directory_proof}
        ),
        grpc.method_handlers_generic_handler("creditregistry.v1.TransparencyService", {"GetCheckpoint": checkpoint}),
    ]


@contextmanager
def serve(registry: LogbookRegistry, tls: TlsMaterial) -> Iterator[str]:
    """Serve a registry with mutual TLS while the block lasts; yield its address."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers(_handlers(registry))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
