"""Webhooks: what is posted and how it is verified, and every way in which a receiver may fail to take it."""

from __future__ import annotations

import base64
import hmac
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from client_sdk._https_post import Endpoint
from client_sdk._https_post import post as https_post
from client_sdk.alerting.address import Webhook, address_of, kept_as, mailbox, webhook
from client_sdk.alerting.failure import DeliveryError
from client_sdk.alerting.posting import leads_outward, post, sign
from client_sdk.errors import ConfigError
from client_sdk.testing.ports import free_port
from tests.support.hooks import dripping_handshake, running_hook

if TYPE_CHECKING:
    import ssl

    from client_sdk.alerting.settings import DeliverySettings

SECRET = bytes(range(32))
MESSAGE = sign(SECRET, "msg_1", 1_760_000_000, b'{"type":"alert.access"}')


def failure_of(url: str, settings: DeliverySettings, seconds: float = 5.0) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        post(webhook(url), MESSAGE, settings, seconds)
    return failed.value


def test_a_message_is_posted_over_tls_and_its_receiver_can_verify_it(
    server_tls: ssl.SSLContext, settings: DeliverySettings
) -> None:
    with running_hook(server_tls) as hook:
        post(webhook(hook.url), MESSAGE, settings)
        (got,) = hook.got
    assert got.body == MESSAGE.body
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    mac = base64.b64encode(hmac.new(SECRET, signed, sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{mac}"


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification's own libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert made.signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "rule", "final"),
    [
        (500, "webhook.status", False),
        (404, "webhook.status", False),
        (302, "webhook.redirect", False),
        (410, "webhook.gone", True),
        (0, "webhook.timeout", False),
        (-1, "webhook.timeout", False),
    ],
)
def test_an_answer_that_takes_nothing_is_named(
    settings: DeliverySettings, status: int, rule: str, *, final: bool
) -> None:
    with running_hook() as hook:
        hook.status = status
        failed = failure_of(hook.url, settings, 0.5 if status <= 0 else 5.0)
        # No redirect is followed, and nothing is posted twice.
        assert len(hook.got) == 1
    assert (failed.rule, failed.final) == (rule, final)


def test_a_server_that_is_away_or_another_one_gets_nothing(
    server_tls: ssl.SSLContext, settings: DeliverySettings
) -> None:
    assert failure_of(f"https://127.0.0.1:{free_port()}/", settings).rule == "webhook.unreachable"
    assert failure_of("https://no-such-host.invalid/", settings).rule == "webhook.unreachable"
    with running_hook(server_tls) as hook:
        untrusting = replace(settings, ca_file=None)
        assert failure_of(hook.url, untrusting).rule == "webhook.certificate"
        assert hook.got == []


def test_a_name_that_is_resolved_too_slowly_ends_the_attempt(
    settings: DeliverySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait())
    try:
        assert failure_of("https://slow.example/", settings, 0.2).rule == "webhook.timeout"
    finally:
        answered.set()


def test_each_address_of_a_host_is_tried(settings: DeliverySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    system = socket.getaddrinfo

    def two(host: str, port: int, *rest: int, **more: int) -> list[object]:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "localhost" else [host]
        return [entry for one in hosts for entry in system(one, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with running_hook() as hook:
        post(webhook(hook.url.replace("127.0.0.1", "localhost")), MESSAGE, settings)
        assert len(hook.got) == 1


def take_no_connection(host: str, port: int, stack: ExitStack) -> None:
    """Listen where a connection is neither taken nor refused: one waits already, and no further one may."""
    listening = stack.enter_context(socket.create_server((host, port), backlog=0))
    for _ in range(3):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        with suppress(BlockingIOError):
            waiting.connect(listening.getsockname())


def test_a_connection_that_is_made_after_the_end_is_not_gone_on_with() -> None:
    with dripping_handshake(starttls=False) as port, ExitStack() as stack:
        hosts = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
        for host in hosts:
            take_no_connection(host, port, stack)
        # Each address has a twentieth of a second at the least, so that the fourth is reached when the time is over.
        # What it answers then has no end, and no pause that is too long.
        endpoint = Endpoint("localhost", [*hosts, "127.0.0.1"], port, "/", None)
        with pytest.raises(TimeoutError):
            https_post(endpoint, b"", {}, ends=time.monotonic() + 0.1, step=0.1)


INWARD = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "0.1.2.3"),
    *("255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1"),
    *("64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::1", "2001:db8::1"),
    *("192.88.99.1", "2002:c058:6301::1", "3fff::1", "3fff:fff:ffff::1"),
)


@pytest.mark.parametrize("address", INWARD)
def test_an_address_that_points_inward_is_none_for_a_webhook(address: str) -> None:
    assert not leads_outward(ip_address(address), ())
    assert not leads_outward(ip_address(address), (ip_network("10.9.0.0/16"),))


def test_public_addresses_and_named_networks_are_for_webhooks() -> None:
    for address in ("8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"):
        assert leads_outward(ip_address(address), ())
    assert leads_outward(ip_address("10.9.1.2"), (ip_network("10.9.0.0/16"),))


def test_a_name_that_leads_inward_is_not_called(settings: DeliverySettings) -> None:
    with running_hook() as hook:
        port = webhook(hook.url).port
        for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001"):
            for scheme in ("http", "https"):
                failed = failure_of(f"{scheme}://{host}:{port}/", replace(settings, networks=()))
                assert failed.rule == "webhook.inward"
        assert hook.got == []


def test_http_is_for_this_machine_alone(settings: DeliverySettings) -> None:
    settings = replace(settings, networks=(ip_network("192.0.2.0/24"),))
    assert failure_of("http://192.0.2.1/", settings).rule == "webhook.inward"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "hooks.example",
            "ftp://hooks.example/",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://h:0/",
        ),
        *("https://user:secret@hooks.example/", "https://hooks.example/#part", "https://hooks.example:99999/"),
        *("https://hooks.example/\r\nX: y", "https://hooks.example/ path", "https://钩子.example/", "https://h_/"),
        f"https://hooks.example/{'x' * 2_048}",
    ],
)
def test_a_url_that_is_not_in_order_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        webhook(url)


@pytest.mark.parametrize(
    "text",
    [
        *("", "person", "@mail.example", "person@", "a b@mail.example", "a@mail.example, b@mail.example"),
        *("a@mail.example\r\nBcc: b@mail.example", "A <a@mail.example>", '"a"@mail.example', "人@mail.example"),
        f"{'a' * 65}@mail.example",
    ],
)
def test_a_mailbox_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        mailbox(text)


def test_addresses_are_kept_and_read_alike() -> None:
    for address in (webhook("https://[2001:db8::1]:8443/a?b=c"), mailbox("person+x@mail.example")):
        assert address_of(kept_as(address)) == address
    parsed = webhook("https://[2001:db8::1]:8443/a?b=c")
    assert parsed == Webhook(parsed.text, "2001:db8::1", 8443, "/a?b=c", secure=True)
