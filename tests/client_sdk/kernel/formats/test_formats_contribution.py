"""Contributions and levels: one form each, in the order of their kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.contribution import Contribution, Given, ReciprocityLevel, levels_of
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_newest_day_of_each_kind_is_kept_in_the_order_of_kinds() -> None:
    first = Contribution("lender-1", "2026-01-01").after(Kind.JUDGMENT, "2026-01-02")
    second = first.after(Kind.DEFAULT, "2026-01-03")
    assert second.given == (Given(Kind.DEFAULT, "2026-01-03"), Given(Kind.JUDGMENT, "2026-01-02"))
    assert second.after(Kind.DEFAULT, "2026-01-03") is second
    assert second.after(Kind.DEFAULT, "2026-01-02").given_on(Kind.DEFAULT) == "2026-01-02"
    assert Contribution.parse(second.encode()) == second


def _message() -> pb.Contribution:
    message = pb.Contribution(institution="lender-1", enrolled_on="2026-01-01")
    message.given.add(kind=common_pb2.KIND_DEFAULT, given_on="2026-01-02")
    message.given.add(kind=common_pb2.KIND_JUDGMENT, given_on="2026-01-02")
    return message


def _reversed(message: pb.Contribution) -> None:
    message.given.reverse()


def _no_day(message: pb.Contribution) -> None:
    message.given[0].given_on = "2026-02-30"


def _never_enrolled(message: pb.Contribution) -> None:
    message.enrolled_on = ""


def _of_nobody(message: pb.Contribution) -> None:
    message.institution = ""


def _of_no_kind(message: pb.Contribution) -> None:
    message.given[0].kind = common_pb2.KIND_UNSPECIFIED


@pytest.mark.parametrize("change", [_reversed, _no_day, _never_enrolled, _of_nobody, _of_no_kind])
def test_another_form_is_refused(change: Callable[[pb.Contribution], None]) -> None:
    message = _message()
    Contribution.parse(canonical.encode(message))
    change(message)
    with pytest.raises(FormatError):
        Contribution.parse(canonical.encode(message))


def test_a_level_is_written_as_what_is_given_and_what_is_received() -> None:
    (default, judgment) = levels_of(["JUDGMENT:ENFORCEMENT+JUDGMENT", "DEFAULT:DEFAULT"])
    assert default == ReciprocityLevel(Kind.DEFAULT, (Kind.DEFAULT,))
    assert judgment.text == "JUDGMENT:JUDGMENT+ENFORCEMENT"


@pytest.mark.parametrize("levels", [("DEFAULT",), ("DEFAULT:",), ("X:DEFAULT",), ("DEFAULT:DEFAULT",) * 2, (7,)])
def test_what_is_no_level_makes_no_rulebook(levels: tuple[str, ...]) -> None:
    with pytest.raises(FormatError):
        Rulebook(reciprocity_levels=levels).message()


def test_levels_out_of_order_or_without_a_kind_are_refused() -> None:
    message = Rulebook().message()
    assert Rulebook.of(message) == Rulebook()
    message.reciprocity_levels.reverse()
    with pytest.raises(FormatError):
        Rulebook.of(message)
    message.reciprocity_levels.reverse()
    message.reciprocity_levels[0].ClearField("receives")
    with pytest.raises(FormatError):
        Rulebook.of(message)
    assert Rulebook.of(Rulebook(reciprocity_levels=()).message()).reciprocity_levels == ()
