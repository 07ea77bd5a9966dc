"""What is held back from a purpose, and from a lender that does not give."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind, Purpose, Standing
from client_sdk.kernel.rules.withholding import Withheld, Withholding, scope_for

DAY_MS = 86_400_000
AS_OF = 1_767_225_600_000  # 2026-01-01
NEW = Contribution("lender-1", "2026-01-01")


@pytest.mark.parametrize(
    ("purpose", "kind", "standing", "age", "want"),
    [
        (Purpose.COLLECTION, Kind.DEFAULT, Standing.OPEN, 0, Withheld.SCOPE),
        (Purpose.COLLECTION, Kind.JUDGMENT, Standing.OPEN, 0, None),
        (Purpose.LOAN_APPROVAL, Kind.DEFAULT, Standing.CURED, 1_800 * DAY_MS, None),
        (Purpose.POST_LOAN_REVIEW, Kind.DEFAULT, Standing.CURED, 730 * DAY_MS, None),
        (Purpose.POST_LOAN_REVIEW, Kind.DEFAULT, Standing.CURED, 730 * DAY_MS + 1, Withheld.SCOPE_PAID),
        (Purpose.POST_LOAN_REVIEW, Kind.JUDGMENT, Standing.SATISFIED, 731 * DAY_MS, Withheld.SCOPE_PAID),
        # What is not paid is never too old, nor what may be unpaid at its buyer's.
        (Purpose.POST_LOAN_REVIEW, Kind.DEFAULT, Standing.OPEN, 1_800 * DAY_MS, None),
        (Purpose.POST_LOAN_REVIEW, Kind.DEFAULT, Standing.TRANSFERRED, 1_800 * DAY_MS, None),
        # After a correction of the log's time a leaf may lie ahead of its HEAD.
        (Purpose.POST_LOAN_REVIEW, Kind.DEFAULT, Standing.CURED, -DAY_MS, None),
    ],
)
def test_a_purpose_is_shown_its_kinds_and_what_was_paid_of_late(
    purpose: Purpose, kind: Kind, standing: Standing, age: int, want: Withheld | None
) -> None:
    assert Withholding(purpose, Rulebook(), NEW, AS_OF).of(kind, standing, AS_OF - age) is want


def test_scope_goes_before_reciprocity() -> None:
    rulebook = replace(Rulebook(), reciprocity_grace_days=0)
    collecting = Withholding(Purpose.COLLECTION, rulebook, NEW, AS_OF)
    assert collecting.of(Kind.DEFAULT, Standing.OPEN, AS_OF) is Withheld.SCOPE
    assert collecting.of(Kind.JUDGMENT, Standing.OPEN, AS_OF) is Withheld.RECIPROCITY
    assert collecting.of(Kind.LISTING, Standing.OPEN, AS_OF) is None


def test_from_the_person_nothing_is_held_back() -> None:
    rulebook = replace(Rulebook(), reciprocity_grace_days=0)
    access = Withholding(Purpose.SUBJECT_ACCESS, rulebook, NEW, AS_OF)
    assert scope_for(Purpose.SUBJECT_ACCESS, rulebook) is None
    assert [access.of(kind, Standing.OPEN, AS_OF) for kind in Kind] == [None] * len(Kind)


@pytest.mark.parametrize(("name", "want"), [("cn", Withheld.SCOPE), ("uk", None)])
def test_the_jurisdictions_differ(name: str, want: Withheld | None) -> None:
    collecting = Withholding(Purpose.COLLECTION, Rulebook.shipped(name), NEW, AS_OF)
    assert collecting.of(Kind.DEFAULT, Standing.OPEN, AS_OF) is want
