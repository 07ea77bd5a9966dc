"""Overlays as a rulebook holds them: what is read back, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.overlay import MAX_OVERLAYS, Overlay
from client_sdk.kernel.formats.state import Rulebook
from tests.support.overlays import REPAIR


def test_a_rulebook_keeps_its_overlays() -> None:
    rulebook = Rulebook(overlays=(replace(REPAIR, name="a"), REPAIR))
    assert Rulebook.of(rulebook.message()) == rulebook
    assert Overlay.from_dict(REPAIR.to_dict()) == REPAIR


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"hides_until": ""}, "hides_until.date"),
        ({"hides_from": ""}, "hides_from.date"),
        ({"hides_until": "2025-01-01"}, "hides_until.order"),
        ({"arisen_until": "2019-12-31"}, "arisen_until.order"),
        ({"repaid_until": "2019-12-31"}, "repaid_until.order"),
        ({"arisen_from": "2020-02-30"}, "arisen_from.date"),
        ({"name": ""}, "name.present"),
        ({"name": "no space"}, "code.form"),
        ({"currency": "cny"}, "currency.form"),
        ({"most": 0}, "most.present"),
        ({"most": -1}, "overlay.form"),
        ({"most": "1"}, "most.form"),
        ({"most": True}, "most.form"),
        ({"name": 1}, "name.form"),
        ({"more": "1"}, "overlay.complete"),
    ],
)
def test_an_overlay_without_form_is_refused(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        Overlay.from_dict(REPAIR.to_dict() | changes)
    assert refused.value.rule == rule


def test_what_is_no_object_is_no_overlay() -> None:
    with pytest.raises(FormatError):
        Overlay.from_dict("repair")


@pytest.mark.parametrize(
    "overlays",
    [(REPAIR, REPAIR), tuple(replace(REPAIR, name=f"n{place:03}") for place in range(MAX_OVERLAYS + 1))],
    ids=["twice", "too many"],
)
def test_overlays_are_in_order_and_few(overlays: tuple[Overlay, ...]) -> None:
    with pytest.raises(FormatError):
        Rulebook.of(Rulebook(overlays=overlays).message())


def test_an_overlay_hides_for_a_day_at_least() -> None:
    message = replace(REPAIR, hides_until=date(2025, 1, 2)).message()
    assert Overlay.of(message).hides_until == date(2025, 1, 2)
