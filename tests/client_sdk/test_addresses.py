"""A server with several addresses: a call that one does not answer is made at the next, within the same deadline."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import grpc
import pytest

from client_sdk._steps import messages, run, run_async
from client_sdk._transport.addresses import is_address_list
from client_sdk._transport.channels import MAX_ATTEMPTS, aio_channel, channel
from client_sdk.testing.ports import free_address
from tests.client_sdk.test_transport import DEADLINES, RECORDS, Deadline, authority, path, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.tls import Authority

__all__ = ["authority"]

ALWAYS = 1_000_000


class Cluster:
    """Two servers of one registry."""

    def __init__(self, first: Deadline, second: Deadline, target: str) -> None:
        self.first = first
        self.second = second
        self.target = target


@pytest.fixture
def cluster(authority: Authority) -> Iterator[Cluster]:
    first, second = Deadline(), Deadline()
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(each, authority)) for each in (first, second)]
        yield Cluster(first, second, ",".join(addresses))


@pytest.fixture
def half(authority: Authority) -> Iterator[str]:
    """Two addresses, at the first of which nobody listens."""
    with serving(Deadline(), authority) as address:
        yield f"{free_address()},{address}"


def test_a_call_is_made_where_somebody_listens(half: str, authority: Authority) -> None:
    with channel(half, authority.member("lender-1"), DEADLINES) as link:
        assert link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"") == b"unary"


async def test_a_call_for_asyncio_is_made_where_somebody_listens(half: str, authority: Authority) -> None:
    async with aio_channel(half, authority.member("lender-1"), DEADLINES) as link:
        assert await link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"") == b"unary"


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_server_that_cannot_answer_is_left_and_the_other_one_is_kept(
    cluster: Cluster, authority: Authority, status: grpc.StatusCode
) -> None:
    cluster.first.failing, cluster.first.status = ALWAYS, status
    with channel(cluster.target, authority.member("lender-1"), DEADLINES) as link:
        call = link.unary_unary(path("GetReceipt", RECORDS), bytes, bytes)
        assert [call(b"") for _ in range(3)] == [b"unary"] * 3
    assert cluster.first.attempts == {"GetReceipt": MAX_ATTEMPTS}
    assert cluster.second.attempts == {"GetReceipt": 3}


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
async def test_a_client_for_asyncio_leaves_a_server_that_cannot_answer(
    cluster: Cluster, authority: Authority, status: grpc.StatusCode
) -> None:
    cluster.first.failing, cluster.first.status = ALWAYS, status
    async with aio_channel(cluster.target, authority.member("lender-1"), DEADLINES) as link:
        call = link.unary_unary(path("UnaryUnary"), bytes, bytes)
        assert [await call(b"") for _ in range(3)] == [b"unary"] * 3
    assert cluster.first.attempts == {"UnaryUnary": 1}
    assert cluster.second.attempts == {"UnaryUnary": 3}


def test_a_call_ends_once_each_server_was_asked(cluster: Cluster, authority: Authority) -> None:
    cluster.first.failing = cluster.second.failing = ALWAYS
    link = channel(cluster.target, authority.member("lender-1"), DEADLINES)
    with link, pytest.raises(grpc.RpcError) as failed:
        link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"")
    assert isinstance(failed.value, grpc.Call)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (cluster.first.attempts, cluster.second.attempts) == ({"UnaryUnary": 1}, {"UnaryUnary": 1})


def test_a_question_that_is_a_stream_is_read_once(cluster: Cluster, authority: Authority) -> None:
    cluster.first.failing = ALWAYS
    with channel(cluster.target, authority.member("lender-1"), DEADLINES) as link:
        call = link.stream_unary(path("StreamUnary"), bytes, bytes)
        with pytest.raises(grpc.RpcError):
            call(iter([b""]))
        assert call(iter([b""])) == b"stream"
    assert cluster.second.attempts == {"StreamUnary": 1}


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_stream_that_breaks_is_begun_again_at_the_next_address(
    cluster: Cluster, authority: Authority, status: grpc.StatusCode
) -> None:
    cluster.first.failing, cluster.first.status = ALWAYS, status
    with channel(cluster.target, authority.member("lender-1"), DEADLINES) as link:
        assert run(messages(link.unary_stream(path("UnaryStream"), bytes, bytes), b"")) == [b"stream"]
    assert cluster.first.attempts == cluster.second.attempts == {"UnaryStream": 1}


async def test_a_stream_for_asyncio_is_begun_again_at_the_next_address(
    cluster: Cluster,
    authority: Authority,
) -> None:
    cluster.first.failing = ALWAYS
    async with aio_channel(cluster.target, authority.member("lender-1"), DEADLINES) as link:
        method = link.unary_stream(path("UnaryStream"), bytes, bytes)
        assert await run_async(messages(method, b"")) == [b"stream"]  # type: ignore[arg-type]  # as the stubs of asyncio
    assert cluster.first.attempts == cluster.second.attempts == {"UnaryStream": 1}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("registry.example:7443", True),
        ("[::1]:7443,10.0.0.1:7443,b:1", True),
        (",".join(f"host-{n}:1" for n in range(16)), True),
        (",".join(f"host-{n}:1" for n in range(17)), False),
        ("a:1,a:1", False),
        ("a:1, b:1", False),
        ("a:1,", False),
        ("a:0", False),
        ("a:65536", False),
        ("", False),
    ],
)
def test_addresses_are_hosts_and_ports_each_once(text: str, accepted: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_address_list(text) is accepted
