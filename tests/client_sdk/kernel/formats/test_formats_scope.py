"""Scopes of purposes: as people write them, as a rulebook holds them, and what is no scope."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.scope import PurposeScope, read_scopes, scopes_of
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind, Purpose

OTHERS = ("LOAN_APPROVAL:", "GUARANTEE_REVIEW:", "POST_LOAN_REVIEW:")


def test_a_text_names_purpose_kinds_and_days() -> None:
    scope = PurposeScope.of_text(" COLLECTION : JUDGMENT + DEFAULT : paid=30 : consent=9")
    assert scope == PurposeScope(Purpose.COLLECTION, (Kind.DEFAULT, Kind.JUDGMENT), 30, 9)
    assert scope.text == "COLLECTION:DEFAULT+JUDGMENT:paid=30:consent=9"
    assert PurposeScope.of_text("COLLECTION:") == PurposeScope(Purpose.COLLECTION, ())
    texts = (*OTHERS, scope.text)
    rulebook = replace(Rulebook(), scopes=texts[::-1])
    assert Rulebook.of(rulebook.message()).scopes == texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "COLLECTION",
        "COLLECTION:LOAN",
        "TRACING:DEFAULT",
        "COLLECTION:DEFAULT:paid=0",
        "COLLECTION:DEFAULT:paid=",
        "COLLECTION:DEFAULT:paid=100000",
        "COLLECTION:DEFAULT:consent=1:paid=1",
        "COLLECTION:DEFAULT:paid=1:paid=1",
        "COLLECTION:DEFAULT:paid=１",
    ],
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"rulebook\.scope"):
        PurposeScope.of_text(text)


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        (OTHERS, "scopes.complete"),
        ((), "scopes.complete"),
        ((*OTHERS, "COLLECTION:", "SUBJECT_ACCESS:"), "scopes.complete"),
        ((*OTHERS, "COLLECTION::paid=3661"), "scopes.limit"),
        ((*OTHERS, "COLLECTION::consent=3661"), "scopes.limit"),
    ],
)
def test_a_rulebook_names_each_purpose_of_a_lender_once(texts: tuple[str, ...], rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        Rulebook.of(replace(Rulebook(), scopes=texts).message())
    assert refused.value.rule == rule


def test_kinds_and_purposes_ascend_without_repetition() -> None:
    with pytest.raises(FormatError):
        scopes_of(("COLLECTION:", "COLLECTION:DEFAULT"))
    messages = [scope.message() for scope in scopes_of((*OTHERS, "COLLECTION:DEFAULT+JUDGMENT"))]
    with pytest.raises(FormatError):
        read_scopes(reversed(messages))
    messages[-1].kinds.reverse()
    with pytest.raises(FormatError):
        read_scopes(messages)
