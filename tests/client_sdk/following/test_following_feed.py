"""The follower over real channels: it keeps what it has seen, says what went wrong, and goes on."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from client_sdk._transport.channels import Deadlines, aio_channel, channel
from client_sdk.errors import ConfigError, CreditRegistryError, RefusedError, TransportError, UnavailableError
from client_sdk.following import AioDirectoryFeed, ContradictionError, DirectoryFeed, DirectoryFollower
from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.verification import verify_contradiction
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import grpc


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def registry() -> LogbookRegistry:
    return LogbookRegistry(Logbook())


@pytest.fixture
def target(registry: LogbookRegistry, authority: Authority) -> Iterator[str]:
    with serve(registry, authority.server()) as address:
        yield address


@pytest.fixture
def link(target: str, authority: Authority) -> Iterator[grpc.Channel]:
    with channel(target, authority.member("lender-1")) as opened:
        yield opened


def follower(registry: LogbookRegistry) -> DirectoryFollower:
    return DirectoryFollower(registry.log.trust_root)


def test_a_feed_reads_the_directory(registry: LogbookRegistry, link: grpc.Channel) -> None:
    feed = DirectoryFeed(follower(registry), link)
    assert feed.refresh().directory == registry.log.state.directory
    assert feed.follower.directory == registry.log.state.directory


async def test_a_feed_for_asyncio_reads_the_directory(
    registry: LogbookRegistry, target: str, authority: Authority
) -> None:
    async with aio_channel(target, authority.member("lender-1")) as link:
        feed = AioDirectoryFeed(follower(registry), link)
        assert (await feed.refresh()).directory == registry.log.state.directory


def test_a_restart_fetches_no_act_again(registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path) -> None:
    path = tmp_path / "directory"
    DirectoryFeed(follower(registry), link, path).refresh()
    registry.asked.clear()
    again = DirectoryFeed(follower(registry), link, path)
    assert again.follower.directory == registry.log.state.directory
    again.refresh()
    assert registry.asked == ["GetDirectoryProofRequest"]


def test_what_is_kept_is_nobody_elses_to_read(registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path) -> None:
    path = tmp_path / "directory"
    DirectoryFeed(follower(registry), link, path).refresh()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in tmp_path.iterdir()) == ["directory", "directory.lock"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_rollback_across_a_restart_is_refused_and_proved(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path, *, strict: bool
) -> None:
    registry.strict = strict
    path = tmp_path / "directory"
    known = DirectoryFeed(follower(registry), link, path).refresh().note
    del registry.log.leaves[-1]
    feed = DirectoryFeed(follower(registry), link, path)
    with pytest.raises(ContradictionError) as told:
        feed.refresh()
    (kept,) = tmp_path.glob("shown-*.note")
    assert (told.value.rule, told.value.kept, told.value.known) == ("log.rollback", kept, known)
    assert kept.read_bytes() == registry.log.checkpoint()
    assert feed.follower.view is not None


@pytest.mark.parametrize("further", [0, 1])
def test_two_histories_are_kept_as_a_proof_that_anybody_can_judge(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path, further: int
) -> None:
    path = tmp_path / "directory"
    known = DirectoryFeed(follower(registry), link, path).refresh()
    del registry.log.leaves[-1]
    for later in range(1 + further):
        registry.log.commit(known.as_of_ms + 1 + later)
    for _ in range(2):
        with pytest.raises(ContradictionError) as told:
            DirectoryFeed(follower(registry), link, path).refresh()
        (kept,) = tmp_path.glob("contradiction-*.proof")
        assert (told.value.rule, told.value.kept) == ("log.fork", kept)
        proof = verify_contradiction(kept.read_bytes(), registry.log.trust_root)
        assert known.note in (proof.first.raw, proof.second.raw)


async def test_a_rollback_is_proved_for_asyncio_too(
    registry: LogbookRegistry, target: str, authority: Authority, tmp_path: Path
) -> None:
    registry.strict = True
    async with aio_channel(target, authority.member("lender-1")) as link:
        feed = AioDirectoryFeed(follower(registry), link, tmp_path / "directory")
        await feed.refresh()
        del registry.log.leaves[-1]
        with pytest.raises(ContradictionError) as told:
            await feed.refresh()
    assert told.value.kept is not None
    assert told.value.kept.read_bytes() == registry.log.checkpoint()


def test_an_older_view_never_replaces_a_later_one(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path
) -> None:
    path = tmp_path / "directory"
    first, second = (DirectoryFeed(follower(registry), link, path) for _ in range(2))
    steps = first.follower.advance()
    late = registry.directory_proof(next(steps))  # type: ignore[arg-type]  # the first request is for a proof
    registry.log.commit()
    second.refresh()
    kept = path.read_bytes()
    assert late.checkpoint not in kept
    first.follower.restore(late, registry.log.acts())
    assert first.follower.view is not None
    first._rounds.keeper.keep(first.follower.view)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("damage", [b"", b"something else", b"creditregistry/followed-directory/v1\0\0\0\0\1"])
def test_a_damaged_file_is_refused(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "directory"
    path.write_bytes(damage)
    with pytest.raises(ConfigError, match="damaged"):
        DirectoryFeed(follower(registry), link, path)


def test_each_changed_byte_of_the_file_is_refused_or_changes_nothing(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path
) -> None:
    path = tmp_path / "directory"
    DirectoryFeed(follower(registry), link, path).refresh()
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        try:
            feed = DirectoryFeed(follower(registry), link, path)
        except ConfigError:
            continue
        assert feed.follower.directory == registry.log.state.directory


def test_a_file_of_another_registry_is_refused(registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path) -> None:
    path = tmp_path / "directory"
    DirectoryFeed(follower(registry), link, path).refresh()
    other = LogbookRegistry(Logbook(lenders=(), administrators=("admin-1",)))
    with pytest.raises(ConfigError, match="another trust root"):
        DirectoryFeed(follower(other), link, path)


def test_a_file_that_cannot_be_read_is_told_as_such(
    registry: LogbookRegistry, link: grpc.Channel, tmp_path: Path
) -> None:
    path = tmp_path / "directory"
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        DirectoryFeed(follower(registry), link, path)


def test_nobody_at_the_address(authority: Authority, registry: LogbookRegistry) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with channel(address, authority.member("lender-1")) as link, pytest.raises(UnavailableError):
            DirectoryFeed(follower(registry), link).refresh()


def test_a_registry_that_does_not_answer_in_time(registry: LogbookRegistry, authority: Authority) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        tls, deadlines = authority.member("lender-1"), Deadlines(unary=0.2)
        with channel(address, tls, deadlines) as link, pytest.raises(TransportError):
            DirectoryFeed(follower(registry), link).refresh()


@pytest.mark.parametrize("why", ["another authority", "expired"])
def test_a_certificate_that_the_registry_does_not_take(
    registry: LogbookRegistry, authority: Authority, target: str, why: str
) -> None:
    from datetime import timedelta

    tls = authority.member("lender-1", lifetime=timedelta(hours=-1))
    if why == "another authority":
        stranger = Authority("another").member("lender-1")
        tls = type(tls)(authority.ca, stranger.certificate, stranger.key)
    with channel(target, tls) as link, pytest.raises(UnavailableError):
        DirectoryFeed(follower(registry), link).refresh()


def test_a_method_that_the_registry_does_not_have(link: grpc.Channel) -> None:
    import grpc
    from creditregistry.v1.transparency_pb2 import GetTileRequest
    from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

    from client_sdk._transport.channels import error_of_call

    with pytest.raises(grpc.RpcError) as caught:
        TransparencyServiceStub(link).GetTile(GetTileRequest())
    error = error_of_call(caught.value)
    assert isinstance(error, TransportError | RefusedError)
    assert error.status == "UNIMPLEMENTED"


async def test_following_reports_each_round_and_goes_on_after_a_failure(
    registry: LogbookRegistry, target: str, authority: Authority, tmp_path: Path
) -> None:
    rounds: asyncio.Queue[CreditRegistryError | None] = asyncio.Queue()
    async with aio_channel(target, authority.member("lender-1")) as link:
        feed = AioDirectoryFeed(follower(registry), link, tmp_path / "directory")
        task = asyncio.create_task(feed.follow(0.01, rounds.put_nowait))
        assert await rounds.get() is None
        leaf = registry.log.leaves.pop()
        while (problem := await rounds.get()) is None:
            pass
        assert isinstance(problem, ContradictionError)
        registry.log.leaves.append(leaf)
        registry.log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
        registry.log.commit()
        while await rounds.get() is not None:
            pass
        while feed.follower.directory != registry.log.state.directory:
            assert await rounds.get() is None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
