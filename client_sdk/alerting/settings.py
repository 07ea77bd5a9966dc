"""Settings of deliveries: ``alerts.toml`` in the member's home, which may be missing.

contact = "Consumer desk, +86 10 1234 5678"   # whom a person may ask; stands in every message
ca_file = "hooks-ca.pem"                      # CAs to trust instead of the system's; the system's if left out
webhook_networks = ["10.20.0.0/16"]           # own networks that webhooks may lead into; none if left out

[mail]
server = "smtp.example:465"
security = "tls"                              # or "starttls"; nothing is sent in clear
sender = "alerts@office.example"
user = "alerts"                               # if the server wants one
password_file = "smtp-password"               # mode 0600
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, TypeAlias

from client_sdk._address import host_port
from client_sdk._files import read_private
from client_sdk._settings_file import check_known, read_settings, text_setting
from client_sdk.alerting.address import mailbox
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ALERTS_FILE", "DeliverySettings", "MailServer", "Network"]

Network: TypeAlias = IPv4Network | IPv6Network
ALERTS_FILE = "alerts.toml"
_SECURITY = ("tls", "starttls")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that takes a member's mail.

    Attributes:
        host: name or address.
        port: 1 to 65535.
        starttls: whether TLS begins after a greeting in clear; else the connection begins with it.
        sender: address that mail comes from.
        user: name to log in with; empty for no login.
        password: of the user.
    """

    host: str
    port: int
    starttls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Settings of one member's deliveries.

    Attributes:
        contact: whom a person may ask; may be empty.
        ca_file: certificates to trust instead of this machine's; None for those.
        networks: networks of the member's own that webhooks may lead into.
        mail: server for mail; None where there is none, so that no mail is sent.
    """

    contact: str = ""
    ca_file: Path | None = None
    networks: tuple[Network, ...] = ()
    mail: MailServer | None = None

    @classmethod
    def from_home(cls, home: Path) -> DeliverySettings:
        """Return the settings of a home; those of none where it has no ``alerts.toml``.

        Raises:
            ConfigError: the file is not in order.
        """
        file = home / ALERTS_FILE
        content = read_settings(file, ("contact", "ca_file", "webhook_networks", "mail"), optional=True)
        contact, ca_file = text_setting(content, "contact", file, ""), text_setting(content, "ca_file", file, "")
        return cls(
            contact=contact,
            ca_file=home / ca_file if ca_file else None,
            networks=_networks(content.get("webhook_networks", []), file),
            mail=_mail(content["mail"], home, file) if "mail" in content else None,
        )

    def tls(self) -> ssl.SSLContext:
        """Return what a server's certificate is held against.

        Raises:
            ConfigError: ``ca_file`` cannot be read or holds no certificate.
        """
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{ALERTS_FILE}: ca_file cannot be read, or holds no certificate") from error


def _networks(value: object, file: Path) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(item) for item in value) if isinstance(value, list) else _raise()
    except ValueError:
        raise ConfigError(f'{file}: webhook_networks must be a list such as ["10.20.0.0/16"]') from None


def _raise() -> tuple[Network, ...]:
    raise ValueError


def _mail(content: object, home: Path, file: Path) -> MailServer:
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: mail must be a table")
    check_known(content, ("server", "security", "sender", "user", "password_file"), f"{file}: mail")
    try:
        server = host_port(text_setting(content, "server", f"{file}: mail", ""))
    except ValueError as error:
        raise ConfigError(f"{file}: mail: server: {error}") from None
    security = text_setting(content, "security", f"{file}: mail", "") or "tls"
    if security not in _SECURITY:
        raise ConfigError(f"{file}: mail: security must be tls or starttls")
    password_file, user = (text_setting(content, name, f"{file}: mail", "") for name in ("password_file", "user"))
    if bool(user) is not bool(password_file):
        raise ConfigError(f"{file}: mail: user and password_file go together")
    return MailServer(
        host=server.host,
        port=server.port,
        starttls=security == "starttls",
        sender=_sender(content, file),
        user=user,
        password=read_private(home / password_file).decode(errors="replace").strip() if password_file else "",
    )


def _sender(content: Mapping[str, object], file: Path) -> str:
    try:
        return mailbox(text_setting(content, "sender", f"{file}: mail", "")).text
    except ConfigError as error:
        raise ConfigError(f"{file}: mail: sender: {error}") from None
