"""What a rulebook would change, told before it is signed; and what none may change."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS, preview_rulebook
from client_sdk.kernel.rules.errors import RuleError
from tests.support.handmade_log import HandmadeLog

OVERLAY = {
    "name": "repair",
    "arisen_from": "2020-01-01",
    "arisen_until": "2025-12-31",
    "currency": "CNY",
    "most": 1_000_000,
    "repaid_until": "2026-03-31",
    "hides_from": "2026-01-01",
    "hides_until": "2099-01-01",
}
SHOWN = "repair (at most 1000000 minor units of CNY, repaid by 2026-03-31, hidden from 2026-01-01 to before 2099-01-01)"


def test_each_limit_has_an_effect() -> None:
    assert set(EFFECTS) == {field.name for field in fields(Rulebook)}


def test_each_change_is_told_with_what_it_concerns() -> None:
    log = HandmadeLog()
    log.act(StateBody("lender-3", InstitutionStatus.SUSPENDED))
    directory = log.state.directory
    scopes = (*Rulebook().scopes[:3], "COLLECTION:JUDGMENT")
    found = preview_rulebook(
        directory, replace(Rulebook(), stale_days=92, scopes=scopes, overlays=(Overlay.from_dict(OVERLAY),))
    )
    assert [change[:3] for change in found.changes] == [
        ("overlays", "none", SHOWN),
        ("scopes", "COLLECTION:JUDGMENT+ENFORCEMENT+LISTING", "COLLECTION:JUDGMENT"),
        ("stale_days", "184", "92"),
    ]
    assert all(change.effect == EFFECTS[change.name] for change in found.changes)
    assert (found.lenders, found.members) == (2, 5)
    assert len(found.uncounted) == 3
    assert preview_rulebook(directory, directory.rulebook).changes == ()
    several = replace(Rulebook(), reciprocity_days=9, reciprocity_grace_days=9, reciprocity_levels=())
    assert len(preview_rulebook(directory, several).uncounted) == 1


@pytest.mark.parametrize(
    "changes", [{"dispute_days": 21}, {"retained_from_start": True}, {"time_zone": "UTC"}, {"jurisdiction": "uk"}]
)
def test_what_could_not_be_logged_has_no_preview(changes: dict[str, object]) -> None:
    with pytest.raises(RuleError) as refused:
        preview_rulebook(HandmadeLog().state.directory, replace(Rulebook(), **changes))  # type: ignore[arg-type]  # by name
    assert refused.value.reason == "RULEBOOK_INVALID"


@pytest.mark.parametrize("day", ["hides_from", "hides_until", "arisen_from", "arisen_until", "repaid_until"])
def test_nothing_is_hidden_without_a_date(day: str) -> None:
    with pytest.raises(FormatError):
        Overlay.from_dict(OVERLAY | {day: ""})
