"""Pseudonyms from two real key services, and the errors of those that are down, slow or lie."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1 import evaluation_pb2

from client_sdk.errors import ConfigError, KeyServiceError
from client_sdk.kernel.formats.act import KeyServicesBody, StateBody
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.state import KeyService, KeyServices, Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUse, Purpose
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey, finalize
from client_sdk.kernel.subjects.pseudonym import derive
from client_sdk.key_client import AsyncKeyClient, KeyClient
from client_sdk.testing.ports import free_address
from registry_server.subject_key_service import setup
from registry_server.subject_key_service.keys import EvaluationKeys
from tests.support.handmade_log import signer, voprf_key
from tests.support.key_services import KeyServiceSite, wait_until_followed
from tests.support.logbook import Logbook, LogbookRegistry, evaluation_key, serve
from tests.support.tls import Authority, server_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.directory import Directory

SIGNERS: dict[KeyUse, Signer] = {use: signer(f"lender-1 {use.name}") for use in KeyUse}
PERSONS = [
    Identity.parse(IdType.CN_USCC, "91350100M000100Y43"),
    Identity.parse(IdType.PASSPORT, "E12345678", "CN"),
    Identity.parse(IdType.PASSPORT, "E12345679", "CN"),
]


@dataclass
class Deployment:
    """Two key services that follow one registry."""

    sites: list[KeyServiceSite]
    log: Logbook
    tls: TlsMaterial
    links: list[grpc.Channel]

    @property
    def directory(self) -> Directory:
        return self.log.state.directory

    def client(self, *, deadline_seconds: float = 30.0) -> KeyClient:
        return KeyClient("lender-1", SIGNERS, self.tls, deadline_seconds=deadline_seconds)

    def commit(self) -> None:
        self.log.commit()
        for link in self.links:
            wait_until_followed(link, self.log.logged_at)

    def evaluated(self, data: bytes) -> tuple[bytes, ...]:
        """The outputs, computed from the secret keys alone."""
        return tuple(direct(EvaluationKeys.load(site.folder.keys), site.service, data) for site in self.sites)


def direct(keys: EvaluationKeys, service: KeyService, data: bytes) -> bytes:
    key = keys.get(service.key_id)
    assert key is not None
    return unblinded(key, data)


def unblinded(key: EvaluationKey, data: bytes) -> bytes:
    blinding = Blinding.of(data)
    evaluated, proof = key.evaluate([blinding.element])
    return finalize([blinding], evaluated, proof, key.public_key)[0]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def deployment(tmp_path: Path, authority: Authority) -> Iterator[Deployment]:
    names = ("key-service-a", "key-service-b")
    sites = [KeyServiceSite(tmp_path / name, name) for name in names]
    log = Logbook(services=[site.service for site in sites], rulebook=Rulebook(daily_inquire_evaluations=20))
    tls = authority.member("lender-1")
    with ExitStack() as stack:
        registry = stack.enter_context(serve(LogbookRegistry(log), authority.server()))
        links = []
        for site in sites:
            site.install(authority, log.trust_root, registry)
            links.append(stack.enter_context(site.running(tls)))
        yield Deployment(sites, log, tls, links)


@contextmanager
def false_service(
    tls: TlsMaterial,
    answer: Callable[[evaluation_pb2.EvaluateRequest, grpc.ServicerContext], evaluation_pb2.EvaluateResponse],
) -> Iterator[str]:
    """A server that talks like a key service and says what the test wants."""
    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        evaluation_pb2.EvaluateRequest.FromString,
        evaluation_pb2.EvaluateResponse.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(4))
    name = "creditregistry.v1.SubjectKeyService"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {"Evaluate": handler})])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(tls))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


def evaluate_with(key: EvaluationKey, request: evaluation_pb2.EvaluateRequest) -> evaluation_pb2.EvaluateResponse:
    blinded = request.blinded
    evaluated, proof = key.evaluate([blinded[at : at + 32] for at in range(0, len(blinded), 32)])
    return evaluation_pb2.EvaluateResponse(evaluated=b"".join(evaluated), proof=proof)


def directory_of(*services: KeyService) -> Directory:
    return Logbook(services=services).state.directory


def failure(client: KeyClient, directory: Directory) -> KeyServiceError:
    with pytest.raises(KeyServiceError) as caught:
        client.pseudonyms(directory, PERSONS[:1], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    return caught.value


def test_pseudonyms_are_those_that_the_secret_keys_make(deployment: Deployment) -> None:
    with deployment.client() as client:
        found = client.pseudonyms(deployment.directory, PERSONS, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    assert found == [{1: derive(1, deployment.evaluated(person.voprf_input()))} for person in PERSONS]


def test_two_uses_and_two_members_get_the_same_pseudonym(deployment: Deployment, authority: Authority) -> None:
    with deployment.client() as client:
        reported = client.pseudonyms(deployment.directory, PERSONS[:1], KeyUse.REPORT, Purpose.REPORTING)
    signers: dict[KeyUse, Signer] = {KeyUse.INQUIRE: signer("lender-2 INQUIRE")}
    with KeyClient("lender-2", signers, authority.member("lender-2")) as client:
        asked = client.pseudonyms(deployment.directory, PERSONS[:1], KeyUse.INQUIRE, Purpose.COLLECTION)
    assert reported == asked


async def test_the_client_for_asyncio_finds_the_same(deployment: Deployment) -> None:
    async with AsyncKeyClient("lender-1", SIGNERS, deployment.tls) as client:
        found = await client.pseudonyms(deployment.directory, PERSONS, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
        statuses = await client.statuses(deployment.directory)
    assert found == [{1: derive(1, deployment.evaluated(person.voprf_input()))} for person in PERSONS]
    assert [status.inquire_quota_left for status in statuses] == [17, 17]


def test_more_inputs_than_one_request_holds_keep_their_order(deployment: Deployment) -> None:
    inputs = [f"person {number}".encode() for number in range(2_100)]
    with deployment.client() as client:
        outputs = client.evaluate(deployment.directory, inputs, KeyUse.REPORT, Purpose.REPORTING)
    assert len(outputs) == 2_100
    for place in (0, 255, 256, 1_023, 1_024, 2_099):
        assert outputs[place] == {1: deployment.evaluated(inputs[place])}


def test_nothing_to_ask(deployment: Deployment) -> None:
    with deployment.client() as client:
        assert client.evaluate(deployment.directory, [], KeyUse.REPORT, Purpose.REPORTING) == []


def test_every_live_version_is_asked_for_unless_one_is_named(deployment: Deployment) -> None:
    site = deployment.sites[0]
    number, path = setup.add_version(site.folder)
    assert number == 2
    newer = type(site.file).parse(path.read_bytes()).service
    assert newer.url == site.url
    deployment.log.act(KeyServicesBody(KeyServices(2, (newer,))))
    deployment.commit()
    with deployment.client() as client:
        # The service has not read its new key: it serves it after a restart.
        assert failure(client, deployment.directory).reason == "SERVICE_OTHER"
        [only] = client.pseudonyms(
            deployment.directory, PERSONS[:1], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL, versions=[1]
        )
        assert list(only) == [1]


def test_a_new_version_is_served_after_a_restart(tmp_path: Path, authority: Authority) -> None:
    site = KeyServiceSite(tmp_path / "key-service-a", "key-service-a")
    log, tls = Logbook(services=[site.service]), authority.member("lender-1")
    with serve(LogbookRegistry(log), authority.server()) as registry:
        site.install(authority, log.trust_root, registry)
        _, path = setup.add_version(site.folder)
        newer = type(site.file).parse(path.read_bytes()).service
        log.act(KeyServicesBody(KeyServices(2, (newer,))))
        log.commit()
        with site.running(tls), KeyClient("lender-1", SIGNERS, tls) as client:
            [found] = client.pseudonyms(log.state.directory, PERSONS[:1], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
            [status] = client.statuses(log.state.directory)
    keys, data = EvaluationKeys.load(site.folder.keys), PERSONS[0].voprf_input()
    wanted = {1: derive(1, [direct(keys, site.service, data)]), 2: derive(2, [direct(keys, newer, data)])}
    assert found == wanted
    assert status.subject_key_versions == (1, 2)


def test_a_version_that_is_not_live(deployment: Deployment) -> None:
    with deployment.client() as client, pytest.raises(ConfigError):
        client.evaluate(deployment.directory, [b"x"], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL, versions=[1, 7])


def test_no_key_for_this_use(deployment: Deployment) -> None:
    with KeyClient("lender-1", {}, deployment.tls) as client, pytest.raises(ConfigError, match="REPORT"):
        client.evaluate(deployment.directory, [b"x"], KeyUse.REPORT, Purpose.REPORTING)


def test_a_refusal_names_the_service_and_the_reason(deployment: Deployment) -> None:
    deployment.log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    deployment.commit()
    with deployment.client() as client:
        error = failure(client, deployment.directory)
    assert error.reason == "INSTITUTION_SUSPENDED"
    assert error.service == deployment.sites[0].url


def test_a_used_up_quota(deployment: Deployment) -> None:
    inputs = [bytes((number,)) for number in range(21)]
    with deployment.client() as client, pytest.raises(KeyServiceError) as caught:
        client.evaluate(deployment.directory, inputs, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    assert caught.value.reason == "QUOTA_EXCEEDED"


def test_the_statuses_say_who_is_reachable(deployment: Deployment) -> None:
    with deployment.client() as client:
        client.pseudonyms(deployment.directory, PERSONS, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
        first, second = client.statuses(deployment.directory)
        away = directory_of(deployment.sites[0].service, KeyService(free_address(), voprf_key("away"), "away"))
        _, missing = client.statuses(away)
    assert first.reachable
    assert second.reachable
    assert first.inquire_quota_left == 17
    assert first.directory_as_of == moment(deployment.log.logged_at)
    assert not missing.reachable
    assert "UNAVAILABLE" in missing.problem


def test_a_key_service_that_is_down(deployment: Deployment) -> None:
    address = free_address()
    down = directory_of(deployment.sites[0].service, KeyService(address, deployment.sites[1].service.public_key, "b"))
    with deployment.client() as client:
        error = failure(client, down)
    assert (error.service, error.reason) == (address, "UNAVAILABLE")


def test_a_key_service_that_is_back_within_a_second_is_asked_again(authority: Authority) -> None:
    asked = threading.Event()
    key = evaluation_key("flaky")

    def answer(
        request: evaluation_pb2.EvaluateRequest, context: grpc.ServicerContext
    ) -> evaluation_pb2.EvaluateResponse:
        if not asked.is_set():
            asked.set()
            context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
        return evaluate_with(key, request)

    with false_service(authority.server(), answer) as address:
        directory = directory_of(KeyService(address, key.public_key, "key-service"))
        with KeyClient("lender-1", SIGNERS, authority.member("lender-1")) as client:
            [found] = client.pseudonyms(directory, PERSONS[:1], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    assert found == {1: derive(1, [unblinded(key, PERSONS[0].voprf_input())])}


def test_a_key_service_that_is_slow(authority: Authority) -> None:
    done = threading.Event()

    def wait(_request: evaluation_pb2.EvaluateRequest, _: grpc.ServicerContext) -> evaluation_pb2.EvaluateResponse:
        done.wait()
        return evaluation_pb2.EvaluateResponse()

    with false_service(authority.server(), wait) as address:
        directory = directory_of(KeyService(address, evaluation_key("slow").public_key, "key-service"))
        try:
            with KeyClient("lender-1", SIGNERS, authority.member("lender-1"), deadline_seconds=0.3) as client:
                error = failure(client, directory)
        finally:
            done.set()
    assert (error.service, error.reason) == (address, "DEADLINE_EXCEEDED")


def test_a_key_service_that_answers_with_another_key(authority: Authority) -> None:
    key = evaluation_key("another")
    with false_service(authority.server(), lambda request, _: evaluate_with(key, request)) as address:
        directory = directory_of(KeyService(address, evaluation_key("enrolled").public_key, "key-service"))
        with KeyClient("lender-1", SIGNERS, authority.member("lender-1")) as client:
            error = failure(client, directory)
    assert (error.service, error.reason) == (address, "PROOF_INVALID")


async def test_a_lie_is_found_by_the_client_for_asyncio_too(authority: Authority) -> None:
    key = evaluation_key("another")
    with false_service(authority.server(), lambda request, _: evaluate_with(key, request)) as address:
        directory = directory_of(KeyService(address, evaluation_key("enrolled").public_key, "key-service"))
        async with AsyncKeyClient("lender-1", SIGNERS, authority.member("lender-1")) as client:
            with pytest.raises(KeyServiceError) as caught:
                await client.evaluate(directory, [b"a", b"b"], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)
    assert (caught.value.service, caught.value.reason) == (address, "PROOF_INVALID")


@pytest.mark.parametrize("size", [0, 31, 32, 96])
def test_a_key_service_that_answers_with_too_little_or_too_much(authority: Authority, size: int) -> None:
    def short(_request: evaluation_pb2.EvaluateRequest, _: grpc.ServicerContext) -> evaluation_pb2.EvaluateResponse:
        return evaluation_pb2.EvaluateResponse(evaluated=bytes(size), proof=bytes(64))

    with false_service(authority.server(), short) as address:
        directory = directory_of(KeyService(address, evaluation_key("enrolled").public_key, "key-service"))
        with KeyClient("lender-1", SIGNERS, authority.member("lender-1")) as client:
            assert failure(client, directory).reason == "PROOF_INVALID"


def test_two_results_in_the_wrong_order(authority: Authority) -> None:
    key = evaluation_key("enrolled")

    def swap(request: evaluation_pb2.EvaluateRequest, _: grpc.ServicerContext) -> evaluation_pb2.EvaluateResponse:
        answer = evaluate_with(key, request)
        answer.evaluated = answer.evaluated[32:] + answer.evaluated[:32]
        return answer

    with false_service(authority.server(), swap) as address:
        directory = directory_of(KeyService(address, key.public_key, "key-service"))
        client = KeyClient("lender-1", SIGNERS, authority.member("lender-1"))
        with client, pytest.raises(KeyServiceError, match="PROOF_INVALID"):
            client.evaluate(directory, [b"a", b"b"], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)


def test_a_server_with_a_certificate_of_another_authority(authority: Authority) -> None:
    key = evaluation_key("enrolled")
    stranger = Authority("another").server()
    tls = type(stranger)(authority.ca, stranger.certificate, stranger.key)
    with false_service(tls, lambda request, _: evaluate_with(key, request)) as address:
        directory = directory_of(KeyService(address, key.public_key, "key-service"))
        with KeyClient("lender-1", SIGNERS, authority.member("lender-1")) as client:
            assert failure(client, directory).reason == "UNAVAILABLE"


def test_errors_hold_no_element(deployment: Deployment, authority: Authority) -> None:
    seen: list[bytes] = []

    def remember(request: evaluation_pb2.EvaluateRequest, _: grpc.ServicerContext) -> evaluation_pb2.EvaluateResponse:
        seen.append(request.blinded)
        return evaluation_pb2.EvaluateResponse(evaluated=request.blinded, proof=bytes(64))

    with false_service(authority.server(), remember) as address:
        directory = directory_of(KeyService(address, evaluation_key("enrolled").public_key, "key-service"))
        with deployment.client() as client:
            shown = repr(failure(client, directory))
    assert seen
    assert seen[0].hex() not in shown
    assert repr(seen[0])[2:-1] not in shown
