"""TLS keys in the directory: ended by acts, for good; and the names that tell key services apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.act import KeyServicesBody, TlsKeyBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import InstitutionState, KeyService, KeyServices
from tests.client_sdk.kernel.ledger.test_ledger_directory import apply, refused
from tests.support.handmade_log import HandmadeLog, seed, voprf_key


@pytest.fixture
def log() -> HandmadeLog:
    return HandmadeLog()


def test_the_end_of_a_tls_key(log: HandmadeLog) -> None:
    index = len(log.leaves)
    ended = apply(log, TlsKeyBody("lender-1", seed("TLS key"), "theft")).institution("lender-1")
    (key,) = ended.ended_tls_keys
    assert (key.spki_hash, key.index) == (seed("TLS key"), index)
    assert ended.ended_tls_key(seed("TLS key")) == key
    assert ended.ended_tls_key(seed("another")) is None
    log.act(TlsKeyBody("lender-1", seed("TLS key"), "theft"))
    assert refused(log, TlsKeyBody("lender-1", seed("TLS key"), "again")) == "TLS_KEY_REVOKED"
    assert refused(log, TlsKeyBody("nobody", seed("TLS key"), "theft")) == "INSTITUTION_UNKNOWN"
    # Whose key it is, no act says: another member's key of the same hash is another key.
    log.act(TlsKeyBody("lender-2", seed("TLS key"), "theft"))
    log.act(TlsKeyBody("lender-1", seed("another"), "theft"))
    state = log.state.directory.institution("lender-1")
    hashes = [key.spki_hash for key in state.ended_tls_keys]
    assert hashes == sorted((seed("TLS key"), seed("another")))
    assert InstitutionState.parse(state.encode()) == state
    with pytest.raises(FormatError, match="ended_tls_keys"):
        InstitutionState.parse(replace(state, ended_tls_keys=state.ended_tls_keys[::-1]).encode())
    assert not log.complaints


@pytest.mark.parametrize("names", [("key-service-a", "key-service-a"), ("Key", "key-service-b"), ("", "key-service-b")])
def test_each_key_service_of_a_version_has_a_name_of_its_own(log: HandmadeLog, names: tuple[str, str]) -> None:
    services = tuple(KeyService(f"{n}.example:443", voprf_key(f"service {n}"), name) for n, name in enumerate(names))
    with pytest.raises(FormatError, match=r"key[-_]services"):
        apply(log, KeyServicesBody(KeyServices(2, services)))
