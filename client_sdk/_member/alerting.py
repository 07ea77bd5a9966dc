"""Flows of alerts about persons: asking for them, taking those that wait, and ending them."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from creditregistry.v1 import alerts_pb2

from client_sdk._member.asking import Asking
from client_sdk._protocol import arguments
from client_sdk._protocol.alerts import read_alerts
from client_sdk._steps import ask, beside
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.rules.alerts import PAGE_ALERTS
from client_sdk.models.alert import AlertsAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from client_sdk._steps import Flow
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.models.alert import AlertPage
    from client_sdk.models.answer import Answer

__all__ = ["Alerting"]


class Alerting(Asking):
    """What a representative hears about persons."""

    def alerts_on(
        self,
        identity: Identity,
        mandate: Consent,
        officer: str,
        until: date,
        keep: Callable[[AlertsAsked], None] | None,
    ) -> Flow[AlertsAsked]:
        """Ask for alerts about a person, once the caller has kept what it asks for."""
        person = arguments.person_of(identity, "identity")
        arguments.consent_of(mandate)
        arguments.officer_of(officer)
        last = arguments.date_of(until, "inquiry.alerts_until")
        arguments.callable_of(keep, "keep")

        def put() -> Flow[tuple[AlertsAsked, list[Answer]]]:
            question = yield from self.question([person], Purpose.SUBJECT_ACCESS, mandate, officer, last.isoformat())
            version = max(question.names[0], default=0)
            asked = AlertsAsked(inquiry_id=question.inquiry.inquiry_id, until=last, subject_key_version=version)
            if keep is not None:
                yield from beside(partial(keep, asked))
            return asked, (yield from self.answers_to(question))

        asked, (answer,) = yield from self.fresh(put)
        if answer.failure is not None:
            raise VerificationError(answer.failure.part, answer.failure.rule, answer.failure.message)
        return asked

    def take_alerts(self, stored: Iterable[bytes]) -> Flow[AlertPage]:
        """Say which alerts are stored, and return those that wait."""
        given = islice(arguments.items_of(stored, "stored", "ids of alerts"), PAGE_ALERTS + 1)
        ids = [arguments.sixteen_bytes(alert_id, "stored") for alert_id in given]
        arguments.number_of(len(ids), "stored", 0, PAGE_ALERTS)
        response = yield from ask(self.services.subject_access.TakeAlerts, alerts_pb2.TakeAlertsRequest(stored=ids))
        return read_alerts(response)

    def alerts_off(self, inquiry_id: bytes) -> Flow[bool]:
        """End alerts."""
        request = alerts_pb2.EndAlertsRequest(inquiry_id=arguments.sixteen_bytes(inquiry_id, "inquiry_id"))
        response = yield from ask(self.services.subject_access.EndAlerts, request)
        return response.ended
