"""Webhooks: one POST, to an address that does not lead inward, with an end and without redirects.

Signatures are those of Standard Webhooks: ``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256, with the
endpoint's secret, over webhook-id, webhook-timestamp and body, joined by dots.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import ssl
import time
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk._address import is_this_machine
from client_sdk._deadline import ATTEMPT_SECONDS, resolve
from client_sdk._https_post import Endpoint
from client_sdk._https_post import post as https_post
from client_sdk._version import __version__
from client_sdk.alerting.failure import DeliveryError
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from client_sdk.alerting.address import Webhook
    from client_sdk.alerting.settings import DeliverySettings, Network

__all__ = ["SignedMessage", "leads_outward", "post", "refuse_inward", "sign"]

Ip: TypeAlias = IPv4Address | IPv6Address
# IPv4 addresses inside of IPv6 ones that a gateway translates.
_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_IPV6 = IPv6Network("2000::/3")
# Not public either, though Python says so or has said so: of the IETF, of relays for 6to4, and for documentation.
_RESERVED = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
_GONE = 410
_OK, _REDIRECT, _CLIENT_ERROR = 200, 300, 400


class SignedMessage(NamedTuple):
    """A message as it is posted: the same id whenever it is, and a signature of this attempt."""

    message_id: str
    timestamp: int
    body: bytes
    signature: str


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> SignedMessage:
    """Sign a message for one attempt.

    Args:
        secret: of the endpoint.
        message_id: of the message.
        timestamp: seconds since 1970 UTC.
        body: that is posted.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    mac = hmac.new(secret, signed, sha256).digest()
    return SignedMessage(message_id, timestamp, body, "v1," + base64.b64encode(mac).decode())


def leads_outward(address: Ip, networks: tuple[Network, ...]) -> bool:
    """Whether a webhook may be at an address: a public one, or one of the member's own networks that it named."""
    if any(address in network for network in networks):
        return True
    if not address.is_global or address.is_multicast or any(address in network for network in _RESERVED):
        return False
    if isinstance(address, IPv4Address):
        return True
    inner = _embedded(address)
    # The rest of IPv6 is unassigned or local.
    return address in _GLOBAL_IPV6 if inner is None else leads_outward(inner, networks)


def _embedded(address: Ip) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = None if address.teredo is None else address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or teredo


def post(
    webhook: Webhook, message: SignedMessage, settings: DeliverySettings, seconds: float = ATTEMPT_SECONDS
) -> None:
    """Post a message; return where the answer's status is 2xx.

    Nothing else of the answer is read, and no redirect is followed. The name is resolved once, every address that it
    has must lead outward, and the connection goes to the first of these addresses that takes one.

    Raises:
        DeliveryError: it was not taken.
        ConfigError: the settings are not in order.
    """
    ends = time.monotonic() + seconds
    addresses = _resolved(webhook, seconds)
    for address in map(ip_address, addresses):
        if not leads_outward(address, settings.networks) or (not webhook.secure and not address.is_loopback):
            raise DeliveryError("webhook.inward", "the name leads to an address that is not public, or not by https")
    tls = settings.tls() if webhook.secure else None
    endpoint = Endpoint(webhook.host, addresses, webhook.port, webhook.target, tls)
    try:
        status, _ = https_post(endpoint, message.body, _headers(webhook, message), ends=ends, step=seconds)
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError("webhook.certificate", error.verify_message) from None
    except TimeoutError:
        raise DeliveryError("webhook.timeout", f"no answer within {seconds:g} seconds") from None
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError("webhook.unreachable", type(error).__name__) from None
    _check_status(status)


def refuse_inward(webhook: Webhook, networks: tuple[Network, ...]) -> None:
    """Refuse a webhook by http to another machine, or one that names an address which points inward.

    Names are resolved when the webhook is called.

    Raises:
        ConfigError: it is one.
    """
    try:
        address = ip_address(webhook.host)
    except ValueError:
        address = None
    if not webhook.secure and not is_this_machine(webhook.host):
        raise ConfigError("a webhook must be https; http is for this machine alone")
    if address is None:
        return
    if not leads_outward(address, networks):
        raise ConfigError("that webhook points inward: name its network in webhook_networks of alerts.toml to allow it")


def _resolved(webhook: Webhook, seconds: float) -> list[str]:
    try:
        found = resolve(webhook.host, webhook.port, seconds)
    except TimeoutError:
        raise DeliveryError("webhook.timeout", f"the name was not resolved within {seconds:g} seconds") from None
    except (OSError, UnicodeError):
        raise DeliveryError("webhook.unreachable", "the name of the host is not known") from None
    # A scope is no part of the address.
    return [address.partition("%")[0] for address in found]


def _headers(webhook: Webhook, message: SignedMessage) -> dict[str, str]:
    host = f"[{webhook.host}]" if ":" in webhook.host else webhook.host
    usual = webhook.port == (http.client.HTTPS_PORT if webhook.secure else http.client.HTTP_PORT)
    return {
        "Host": host if usual else f"{host}:{webhook.port}",
        "Content-Type": "application/json",
        "User-Agent": f"credit-registry/{__version__}",
        "Connection": "close",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": message.signature,
    }


def _check_status(status: int) -> None:
    if _OK <= status < _REDIRECT:
        return
    if status == _GONE:
        raise DeliveryError("webhook.gone", "410", final=True)
    if _REDIRECT <= status < _CLIENT_ERROR:
        raise DeliveryError("webhook.redirect", str(status))
    raise DeliveryError("webhook.status", str(status))
