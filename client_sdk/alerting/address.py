"""Addresses that messages are delivered to: URLs of webhooks, and mailboxes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from client_sdk.errors import ConfigError

__all__ = ["Address", "Mailbox", "Webhook", "address_of", "kept_as", "mailbox", "webhook"]

_MAX_URL = 2_048
_MAX_MAILBOX = 254
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
# The unquoted form of RFC 5321, in ASCII: nothing in it can begin a further header or command.
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" + _HOST.pattern, re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_MAILTO = "mailto:"
_HTTPS = 443
_HTTP = 80


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that takes messages by POST.

    Attributes:
        text: the URL.
        host: name or address, without brackets.
        port: 1 to 65535.
        target: path and query.
        secure: whether it is https.
    """

    text: str = field(repr=False)
    host: str = field(repr=False)
    port: int = field(repr=False)
    target: str = field(repr=False)
    secure: bool


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address for mail."""

    text: str = field(repr=False)


Address = Webhook | Mailbox


def address_of(text: str) -> Address:
    """Return the address that ``kept_as`` has written."""
    return mailbox(text.removeprefix(_MAILTO)) if text.startswith(_MAILTO) else webhook(text)


def kept_as(address: Address) -> str:
    """Return an address as a queue keeps it."""
    return address.text if isinstance(address, Webhook) else _MAILTO + address.text


def webhook(url: str) -> Webhook:
    """Return the webhook of a URL, https or http; ``refuse_inward`` refuses http to other machines.

    Raises:
        ConfigError: it is no such URL of ASCII characters, or holds a user, a password or a fragment.
    """
    if not _VISIBLE.fullmatch(url) or len(url) > _MAX_URL:
        raise ConfigError(f"a webhook must be a URL of at most {_MAX_URL:,} visible ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("a webhook must be a URL such as https://hooks.example/alerts") from None
    host = parts.hostname or ""
    right = _HOST.fullmatch(host) or ":" in host
    if parts.scheme not in {"https", "http"} or not right or port == 0:
        raise ConfigError("a webhook must be a URL such as https://hooks.example/alerts")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError("the URL of a webhook holds no user, no password and no fragment")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Webhook(url, host, port or (_HTTPS if secure else _HTTP), target, secure)


def mailbox(text: str) -> Mailbox:
    """Return the mailbox of a text.

    Raises:
        ConfigError: it is no plain address in ASCII, such as person@mail.example.
    """
    if len(text) > _MAX_MAILBOX or not _MAILBOX.fullmatch(text):
        raise ConfigError("an address for mail must be plain and in ASCII, such as person@mail.example")
    return Mailbox(text)
