"""Fetching the genesis act, before there is a trust root that anything could be verified with."""

from __future__ import annotations

from creditregistry.v1 import proposal_pb2
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub

from client_sdk._transport.calling import calling
from client_sdk._transport.channels import Deadlines, TlsMaterial, channel
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError

__all__ = ["fetch_trust_root"]


def fetch_trust_root(config: ClientConfig) -> TrustRoot:
    """Return the trust root that the registry's genesis act makes. Compare its fingerprint before use.

    Raises:
        ConfigError: the certificate is not in order, or ``config`` is no ClientConfig.
        TransportError: the registry does not answer.
        RefusedError: it refuses.
        VerificationError: what it shows is no genesis act.
    """
    given: object = config
    if not isinstance(given, ClientConfig):
        raise ConfigError(f"config: want a ClientConfig, got {type(given).__name__}")
    tls = TlsMaterial.from_folder(config.tls_key.parent, config.tls_key_pem)
    with channel(config.registry, tls, Deadlines(unary=config.deadline)) as opened, calling():
        answer = DirectoryServiceStub(opened).ListActs(proposal_pb2.ListActsRequest(from_number=0))
    if not answer.acts or answer.acts[0].index:
        raise VerificationError("genesis", "genesis.leaf", want="the genesis act at leaf 0")
    try:
        return TrustRoot.from_genesis(answer.acts[0].leaf)
    except FormatError as error:
        raise VerificationError("genesis", error.rule, got=error.got, want=error.want) from error
    except RuleError as error:
        raise VerificationError("genesis", error.rule, got=error.got, want=error.want) from error
