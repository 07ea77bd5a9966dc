"""Mail: over TLS alone, without a fact, and refused for good or for now as the server says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from client_sdk.alerting.address import mailbox
from client_sdk.alerting.failure import DeliveryError
from client_sdk.alerting.mailing import mail, send
from client_sdk.alerting.settings import DeliverySettings, MailServer
from client_sdk.errors import ConfigError
from client_sdk.testing.ports import free_port
from tests.support.hooks import dripping_handshake, running_mail

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage
    from pathlib import Path

WHEN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def server(port: int, *, starttls: bool = False, **changes: str) -> MailServer:
    return MailServer(host="localhost", port=port, starttls=starttls, sender="alerts@office.example", **changes)


def made(settings: DeliverySettings) -> EmailMessage:
    return mail(mailbox("person@mail.example"), "msg_1", WHEN, "registry.example", WHEN, settings)


@pytest.mark.parametrize("starttls", [False, True])
def test_a_mail_says_that_something_happened_and_whom_to_ask(
    server_tls: ssl.SSLContext, settings: DeliverySettings, *, starttls: bool
) -> None:
    with running_mail(server_tls, starttls=starttls) as running:
        settings = replace(settings, mail=server(running.port, starttls=starttls, user="alerts", password="secret"))
        send(made(settings), settings)
        (data,) = running.got
        assert len(running.logins) == 1
    got = message_from_bytes(data, policy=default)
    assert (got["To"], got["From"]) == ("person@mail.example", "alerts@office.example")
    assert got["Message-ID"] == "<msg_1@office.example>"
    text = got.get_content()
    assert "Consumer desk" in text
    assert "2026-05-04" in text


@pytest.mark.parametrize(
    ("refusal", "final"), [("550 no such mailbox", True), ("451 come again later", False), ("421 not now", False)]
)
def test_a_refusal_is_for_good_or_for_now(
    server_tls: ssl.SSLContext, settings: DeliverySettings, refusal: str, *, final: bool
) -> None:
    with running_mail(server_tls) as running:
        running.refusal = refusal
        settings = replace(settings, mail=server(running.port))
        with pytest.raises(DeliveryError) as failed:
            send(made(settings), settings)
    assert (failed.value.rule, failed.value.final) == ("mail.refused", final)


def test_nothing_is_sent_to_a_server_that_is_not_the_right_one(
    server_tls: ssl.SSLContext, settings: DeliverySettings
) -> None:
    with pytest.raises(DeliveryError) as none:
        made(settings)
    assert none.value.rule == "mail.server"
    with running_mail(server_tls) as running:
        # Short only where nothing ever comes: a slow machine must not turn the other faults into this one.
        for changed, rule, seconds in (
            (replace(settings, ca_file=None, mail=server(running.port)), "mail.certificate", 30.0),
            (replace(settings, mail=server(free_port())), "mail.unreachable", 30.0),
            (replace(settings, mail=server(running.port, starttls=True)), "mail.timeout", 0.5),
        ):
            with pytest.raises(DeliveryError) as failed:
                send(made(changed), changed, seconds)
            assert failed.value.rule == rule
        assert running.got == []


@pytest.mark.parametrize("starttls", [False, True])
def test_a_handshake_that_goes_on_for_ever_is_ended(settings: DeliverySettings, *, starttls: bool) -> None:
    with dripping_handshake(starttls=starttls) as port:
        settings = replace(settings, mail=server(port, starttls=starttls))
        with pytest.raises(DeliveryError) as failed:
            send(made(settings), settings, 0.5)
    assert failed.value.rule == "mail.timeout"


SETTINGS = {
    "complete": (
        'contact = "Desk"\nwebhook_networks = ["10.20.0.0/16", "fd00::/8"]\n'
        '[mail]\nserver = "smtp.example:587"\nsecurity = "starttls"\nsender = "a@b.example"\n'
        'user = "u"\npassword_file = "pw"\n'
    ),
    "a name that is not known": "contcat = 'x'",
    "no TOML": "contact",
    "a line break": 'contact = "a\\nBcc: b@c.example"',
    "no network": 'webhook_networks = ["10.20.0.1/16"]',
    "networks as a text": 'webhook_networks = "10.0.0.0/8"',
    "in clear": '[mail]\nserver = "smtp.example:25"\nsecurity = "none"\nsender = "a@b.example"',
    "no port": '[mail]\nserver = "smtp.example"\nsender = "a@b.example"',
    "no sender": '[mail]\nserver = "smtp.example:465"',
    "a user without a password": '[mail]\nserver = "smtp.example:465"\nsender = "a@b.example"\nuser = "u"',
}


def test_settings_are_read_or_refused(tmp_path: Path) -> None:
    assert DeliverySettings.from_home(tmp_path) == DeliverySettings()
    (tmp_path / "pw").write_text("secret\n")
    (tmp_path / "pw").chmod(0o600)
    for name, text in SETTINGS.items():
        (tmp_path / "alerts.toml").write_text(text)
        if name == "complete":
            read = DeliverySettings.from_home(tmp_path)
            assert read.mail == MailServer(
                host="smtp.example", port=587, starttls=True, sender="a@b.example", user="u", password="secret"
            )
            assert len(read.networks) == 2
            assert "secret" not in repr(read)
            continue
        with pytest.raises(ConfigError):
            DeliverySettings.from_home(tmp_path)
    with pytest.raises(ConfigError):
        DeliverySettings(ca_file=tmp_path / "no-such-file").tls()
