"""Addresses as people write them, and which hosts are this machine."""

from __future__ import annotations

import pytest

from client_sdk._address import LOOPBACK_HOSTS, host_port, is_every_address, is_this_machine


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("localhost:1", ("localhost", 1)),
        ("127.0.0.1:65535", ("127.0.0.1", 65_535)),
        ("[::1]:7443", ("::1", 7_443)),
        ("registry.example:7443", ("registry.example", 7_443)),
    ],
)
def test_an_address_has_a_host_and_a_port(text: str, parts: tuple[str, int]) -> None:
    assert host_port(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", ":1", "localhost:", "localhost:0", "localhost:65536", "localhost:99999", "::1:7", "a:１"),
        *("[]:1", "[localhost]:1", "a b:1", "https://a:1", "user@a:1", "a:-1", "a:000001"),
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^want HOST:PORT, such as 127\.0\.0\.1:7443 \(got [^)]+\)$") as refused:
        host_port(text)
    assert not text or text not in str(refused.value).partition("(got")[2]


def test_a_server_may_ask_for_a_free_port() -> None:
    assert host_port("localhost:0", free=True) == ("localhost", 0)


def test_this_machine_is_named_by_localhost_and_by_loopback_addresses() -> None:
    assert all(map(is_this_machine, (*LOOPBACK_HOSTS, "127.0.0.2")))
    others = ("10.0.0.0", "::", "10.0.0.1", "registry.example", "localhost.example", "127.0.0.1.example", "")
    assert not any(map(is_this_machine, others))


def test_every_address_is_the_unspecified_one() -> None:
    assert [is_every_address(host) for host in ("0" + ".0" * 3, "::", "127.0.0.1", "registry.example")] == [
        *(True, True, False, False)
    ]
