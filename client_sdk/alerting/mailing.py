"""Mail: one message over TLS, which says that something happened and whom to ask, and no fact."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from client_sdk._deadline import ATTEMPT_SECONDS, ended_by
from client_sdk.alerting.failure import DeliveryError

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.alerting.address import Mailbox
    from client_sdk.alerting.settings import DeliverySettings, MailServer

__all__ = ["mail", "send"]

_FOR_GOOD = 500
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
    """Hand a mail to the member's server, over TLS.

    Raises:
        DeliveryError: it was not taken; final where the server refuses the address or the mail for good.
        ConfigError: the settings are not in order.
    """
    server, tls = _server(settings), settings.tls()
    name = server.sender.rpartition("@")[2]
    client = (
        smtplib.SMTP(local_hostname=name, timeout=seconds)
        if server.starttls
        else smtplib.SMTP_SSL(local_hostname=name, timeout=seconds, context=tls)
    )
    # The certificate is held against it.
    client._host = server.host  # type: ignore[attr-defined] # noqa: SLF001 - only the constructor sets it, which connects at once
    with ended_by(seconds, lambda: client.sock) as deadline:
        try:
            client.connect(server.host, server.port)
            if server.starttls:
                client.starttls(context=tls)
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
            if deadline.over or isinstance(error, TimeoutError):
                raise DeliveryError("mail.timeout", f"no answer within {seconds:g} seconds") from None
            raise DeliveryError("mail.unreachable", type(error).__name__) from None
        finally:
            client.close()


def _is_final(error: smtplib.SMTPResponseException) -> bool:
    """Whether the server refused this mail, and not all mail for now."""
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= _FOR_GOOD


def _server(settings: DeliverySettings) -> MailServer:
    if settings.mail is None:
        raise DeliveryError("mail.server", "alerts.toml names no mail server")
    return settings.mail
