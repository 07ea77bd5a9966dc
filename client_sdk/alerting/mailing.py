"""Mail: one message over TLS, which says that something happened and whom to ask, and no fact."""

from __future__ import annotations

import smtplib
import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from client_sdk._deadline import ATTEMPT_SECONDS, connect, ended_by, resolve
from client_sdk.alerting.failure import DeliveryError

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk._deadline import Deadline
    from client_sdk.alerting.address import Mailbox
    from client_sdk.alerting.settings import DeliverySettings, MailServer

__all__ = ["mail", "send"]

_FOR_GOOD = 500
_READY = 220
_SUBJECT = "信用登记提醒 / Notice of a credit registry"
_TEXT = """\
{day}，您在信用登记机构 {registry} 的登记有新情况。本邮件不含任何具体内容。
查询本人信用报告或停止提醒，请联系：{contact}

On {day} something happened that concerns you at the credit registry {registry}. This mail holds no detail.
For your own report, or to end these notices, ask: {contact}
"""


def mail(
    to: Mailbox, message_id: str, happened_at: datetime, registry: str, sent_at: datetime, settings: DeliverySettings
) -> EmailMessage:
    """Return the mail of a message; the same message has the same Message-ID.

    Args:
        to: mailbox of the recipient.
        message_id: of the message.
        happened_at: UTC.
        registry: its name.
        sent_at: UTC.
        settings: with the mail server and whom to ask.

    Raises:
        DeliveryError: there is no mail server in the settings.
    """
    server = _server(settings)
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = server.sender, to.text, _SUBJECT
    made["Date"] = format_datetime(sent_at)
    made["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    contact = settings.contact or server.sender
    made.set_content(_TEXT.format(day=happened_at.date().isoformat(), registry=registry, contact=contact))
    return made


def send(message: EmailMessage, settings: DeliverySettings, seconds: float = ATTEMPT_SECONDS) -> None:
    """Hand a mail to the member's server, over TLS, within a time that resolving, connecting and handshake share.

    The connection goes to the first address of its name that takes one.

    Raises:
        DeliveryError: it was not taken; final where the server refuses the address or the mail for good.
        ConfigError: the settings are not in order.
    """
    server, tls = _server(settings), settings.tls()
    ends = time.monotonic() + seconds
    addresses = _resolved(server, seconds)
    client = smtplib.SMTP(local_hostname=server.sender.rpartition("@")[2], timeout=seconds)
    left = max(ends - time.monotonic(), 0.0)
    with ended_by(left, lambda: client.sock) as deadline:
        try:
            client.sock = connect(addresses, server.port, left)
            deadline.check()
            if not server.starttls:
                _secure(client, server, tls, deadline)
            _greeted(client)
            if server.starttls:
                _start_tls(client, server, tls, deadline)
            if server.user:
                client.login(server.user, server.password)
            client.send_message(message)
        except ssl.SSLCertVerificationError as error:
            raise DeliveryError("mail.certificate", error.verify_message) from None
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError("mail.login", str(error.smtp_code)) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise DeliveryError("mail.refused", str(max(codes)), final=max(codes) >= _FOR_GOOD) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError("mail.refused", str(error.smtp_code), final=_is_final(error)) from None
        except (OSError, smtplib.SMTPException) as error:
            # smtplib makes of a read that waited too long a connection that was closed.
            if deadline.over or isinstance(error, TimeoutError) or time.monotonic() >= ends:
                raise DeliveryError("mail.timeout", f"no answer within {seconds:g} seconds") from None
            raise DeliveryError("mail.unreachable", type(error).__name__) from None
        finally:
            client.close()


def _resolved(server: MailServer, seconds: float) -> list[str]:
    try:
        return resolve(server.host, server.port, seconds)
    except TimeoutError:
        raise DeliveryError("mail.timeout", f"the name was not resolved within {seconds:g} seconds") from None
    except (OSError, UnicodeError):
        raise DeliveryError("mail.unreachable", "the name of the mail server is not known") from None


def _secure(client: smtplib.SMTP, server: MailServer, tls: ssl.SSLContext, deadline: Deadline) -> None:
    """Begin TLS on the connection of a client, which holds it meanwhile: the deadline then ends the handshake too."""
    plain = client.sock
    if plain is None:
        raise TimeoutError
    secured = tls.wrap_socket(plain, server_hostname=server.host, do_handshake_on_connect=False)
    client.sock = secured
    # What was read in clear is no part of what comes under TLS.
    client.file = None
    deadline.check()
    secured.do_handshake()


def _greeted(client: smtplib.SMTP) -> None:
    code, text = client.getreply()
    if code != _READY:
        raise smtplib.SMTPConnectError(code, text)


def _start_tls(client: smtplib.SMTP, server: MailServer, tls: ssl.SSLContext, deadline: Deadline) -> None:
    """Ask for TLS after a greeting in clear, and begin it; what the server said of itself before counts no more."""
    client.ehlo_or_helo_if_needed()
    if not client.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError("STARTTLS")
    code, text = client.docmd("STARTTLS")
    if code != _READY:
        raise smtplib.SMTPResponseException(code, text)
    _secure(client, server, tls, deadline)
    client.helo_resp = client.ehlo_resp = None
    client.esmtp_features = {}
    client.does_esmtp = False


def _is_final(error: smtplib.SMTPResponseException) -> bool:
    """Whether the server refused this mail, and not all mail for now."""
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= _FOR_GOOD


def _server(settings: DeliverySettings) -> MailServer:
    if settings.mail is None:
        raise DeliveryError("mail.server", "alerts.toml names no mail server")
    return settings.mail
