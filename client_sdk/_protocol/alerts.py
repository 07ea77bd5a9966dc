"""Alerts about persons, as the registry gives them (proto/README.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import AlertReason, word
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES
from client_sdk.kernel.rules.alerts import PAGE_ALERTS
from client_sdk.models.alert import Alert, AlertPage

if TYPE_CHECKING:
    from creditregistry.v1 import alerts_pb2 as pb

__all__ = ["read_alerts"]

_PART = "alert"


def read_alerts(response: pb.TakeAlertsResponse) -> AlertPage:
    """Return the alerts of a response.

    Raises:
        VerificationError: there are too many, one comes twice, or one is not in its form.
    """
    with verifying():
        found = tuple(map(_alert, response.alerts))
        if len(found) > PAGE_ALERTS or len({alert.alert_id for alert in found}) != len(found):
            raise FormatError(_PART, "alerts.page", got=str(len(found)), want=f"at most {PAGE_ALERTS}, each once")
    return AlertPage(alerts=found, more=response.more, watched=response.watched)


def _alert(message: pb.Alert) -> Alert:
    for name in ("alert_id", "inquiry_id"):
        length = len(getattr(message, name))
        if length != INQUIRY_ID_BYTES:
            raise FormatError(_PART, f"{name}.length", got=f"{length} bytes", want="16 bytes")
    return Alert(
        alert_id=message.alert_id,
        inquiry_id=message.inquiry_id,
        reason=word(AlertReason, message.reason, _PART, "reason"),
        happened_at=moment(message.happened_at),
    )
