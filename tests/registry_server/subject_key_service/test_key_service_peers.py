"""Peers that a key service answers: by the directory that it follows, on every connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import evaluation_pb2
from creditregistry.v1.subject_key_service_pb2_grpc import SubjectKeyServiceStub
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client_sdk._transport.channels import channel, error_of_call
from client_sdk.kernel.formats.act import StateBody, TlsKeyBody
from client_sdk.kernel.formats.tls_key import spki_hash
from client_sdk.kernel.formats.words import InstitutionStatus
from tests.registry_server.subject_key_service.test_key_service_requests import RULEBOOK, Bench, Clock, element
from tests.support.key_services import KeyServiceSite, wait_until_healthy
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.tls import Authority, key_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial


@pytest.fixture
def bench(tmp_path: Path, empty_database_url: str) -> Iterator[Bench]:
    authority, site = Authority(), KeyServiceSite(tmp_path / "key-service-a", "key-service-a")
    log, clock = Logbook(services=[site.service], rulebook=RULEBOOK), Clock()
    with serve(LogbookRegistry(log), authority.server()) as registry:
        site.install(authority, log.trust_root, registry, empty_database_url)
        with site.running(authority.member("lender-1"), clock) as link:
            yield Bench(site, log, authority, SubjectKeyServiceStub(link), link, clock, empty_database_url)


def told_over(opened: grpc.Channel) -> tuple[str, str]:
    """What status and health of a key service come to over a channel: that they are told, or why not."""
    asked = [
        partial(SubjectKeyServiceStub(opened).GetStatus, evaluation_pb2.GetStatusRequest(), timeout=60),
        partial(health_pb2_grpc.HealthStub(opened).Check, health_pb2.HealthCheckRequest(), timeout=60),
    ]
    told = []
    for ask in asked:
        try:
            ask()
            told.append("told")
        except grpc.RpcError as error:
            told.append(error_of_call(error).reason)
    status, health = told
    return status, health


def test_status_and_health_are_for_members_and_key_services_of_the_directory(bench: Bench) -> None:
    ended = bench.authority.member("lender-3")
    told: dict[str, tuple[TlsMaterial, str, str]] = {
        "lender-1": (bench.authority.member("lender-1"), "told", "told"),
        "terminated": (bench.authority.member("lender-2"), "INSTITUTION_TERMINATED", "INSTITUTION_TERMINATED"),
        "TLS key ended": (ended, "TLS_KEY_REVOKED", "TLS_KEY_REVOKED"),
        "another TLS key": (bench.authority.member("lender-3"), "told", "told"),
        "stranger": (bench.authority.member("stranger"), "INSTITUTION_UNKNOWN", "INSTITUTION_UNKNOWN"),
        "itself": (bench.authority.issue(key_service("key-service-a")), "CERTIFICATE_UNKNOWN", "told"),
        "removed": (bench.authority.issue(key_service("key-service-z")), "CERTIFICATE_UNKNOWN", "CERTIFICATE_UNKNOWN"),
        "nobody": (bench.authority.issue(), "CERTIFICATE_UNKNOWN", "CERTIFICATE_UNKNOWN"),
    }
    hashed = spki_hash(x509.load_pem_x509_certificate(ended.certificate).public_key())
    with channel(bench.site.url, ended) as opened:
        assert told_over(opened) == ("told", "told")
        bench.act(StateBody("lender-2", InstitutionStatus.TERMINATED))
        bench.act(TlsKeyBody("lender-3", hashed, "theft"))
        assert bench.refused(
            bench.message(element(), institution="lender-3"), SubjectKeyServiceStub(opened)
        ).reason == ("TLS_KEY_REVOKED")
    wait_until_healthy(bench.link)
    found = {}
    for name, (tls, _, _) in told.items():
        with channel(bench.site.url, tls) as opened:
            found[name] = told_over(opened)
    assert found == {name: (status, health) for name, (_, status, health) in told.items()}
