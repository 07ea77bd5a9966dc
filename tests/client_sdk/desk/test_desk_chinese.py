"""Pages in Chinese hold no English sentence: each page without a place in its path, and what is told of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.pages import PAGES, ROLE_PAGES
from client_sdk.desk.proposed_acts import KINDS
from client_sdk.lending.rows import row_of
from client_sdk.models import Kind, Role
from tests.client_sdk.desk.desk_forms import csv_of, drop
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry
    from tests.support.desk import Visitor

# Four words of small letters, one after the other.
SENTENCE = re.compile(r"(?:\b[a-z]{2,}\b,? ){3}[a-z]{2,}\b")
FORMS = {
    Role.LENDER: [f"/report/{kind.name.lower()}" for kind in Kind],
    Role.ADMINISTRATOR: [f"/propose/{kind}" for kind in KINDS],
}


def english_in(visitor: Visitor, paths: list[str]) -> dict[str, str]:
    """The first English sentence of each page that has one."""
    answers = {path: visitor.get(path) for path in paths}
    # A file to save has its own language test, and a style sheet.
    pages = {path: page for path, page in answers.items() if page.headers["content-disposition"] is None}
    found = {path: SENTENCE.search(page.words) for path, page in pages.items()}
    return {path: sentence[0] for path, sentence in found.items() if sentence}


@pytest.mark.parametrize(
    ("member", "role"),
    [
        ("lender-1", Role.LENDER),
        ("counter-zh", Role.REPRESENTATIVE),
        ("auditor", Role.AUDITOR),
        ("admin-3", Role.ADMINISTRATOR),
    ],
)
def test_no_page_in_chinese_holds_an_english_sentence(
    registry: TestRegistry, tmp_path: Path, member: str, role: Role
) -> None:
    home = registry.enrol(member, role) if role is Role.REPRESENTATIVE else registry.home(member)
    with RunningDesk(home, tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.language = "zh"
        pages = (*PAGES, *ROLE_PAGES[role])
        paths = [page.path for page in pages if page.method == "GET" and "{" not in page.path]
        if role is Role.AUDITOR:
            visitor.get("/audit")
            visitor.post("/audit/start", {"follow": "no"})
            assert "event: done" in visitor.get("/audit/progress").text
        assert len(paths) > 5
        assert english_in(visitor, [*paths, *FORMS.get(role, [])]) == {}


def test_what_is_told_at_a_counter_is_said_in_chinese(registry: TestRegistry, tmp_path: Path) -> None:
    with registry.client("lender-1") as lender:
        record = f"lender-1/{lender.report(default_report(802)).uuid}"
    with RunningDesk(registry.enrol("counter-told-zh", Role.REPRESENTATIVE), tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.language = "zh"
        visitor.get("/person")
        typed = {"id_type": "CN_RESIDENT_ID", "number": person(802).number, "request_date": "2026-01-01"}
        pages = [
            visitor.post("/person", typed | {"number": "1", "request_date": "soon"}),
            visitor.post("/statements", typed | {"record": record, "text": "card 6222 0212 3456 7890 123"}),
            visitor.post("/statements/remove", {"removed": record}),
            visitor.post("/disputes/open", {"record": record, "own_code": "not mine!"}, {"evidence": b"x"}),
            visitor.post("/disputes/open", {"record": record}, {}),
            visitor.post("/alerts/on", typed | {"until": "2020-01-01", "mail": "nobody"}),
        ]
        assert [page.status for page in pages] == [422] * len(pages)
        pages.append(visitor.follow(visitor.post("/person", typed, {"request_file": b"Signed."})))
        pages.append(visitor.follow(visitor.post("/disputes/open", {"record": record}, {"evidence": b"Signed."})))
        pages += [visitor.get("/today"), visitor.get("/disputes"), visitor.get(f"/disputes/of/{record}")]
        found = [SENTENCE.search(page.words) for page in pages]
        assert [sentence[0] for sentence in found if sentence] == []


def test_what_is_wrong_with_rows_and_forms_is_said_in_chinese(registry: TestRegistry, tmp_path: Path) -> None:
    with RunningDesk(registry.enrol("lender-zh"), tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.language = "zh"
        visitor.get("/portfolio")
        row = row_of(default_report(801))
        broken = [
            {"as_of": "soon"}, {"currency": "RMB"}, {"principal": "1.5"}, {"notice_channel": ""}, {"consent_form": ""},
            {"consent_date": "2199-01-01"}, {"notice_sent_at": "2199-01-01T00:00:00+08:00"}, {"id_number": "1"},
            {"contract": "110105180001010010"}, {"kind": "LOAN"}, {"subject_role": "GUARANTOR"}, {"reference": ""},
            {"original_creditor": "x"}, {"days_past_due": "5"}, {"contacts": "SMS"}, {"retain_until": "2199-01-01"},
        ]  # fmt: skip
        rows = [{**row, "reference": f"loan-{place}", **wrong} for place, wrong in enumerate(broken)]
        path, checked = drop(visitor, csv_of(rows))
        for page in (checked, visitor.get(f"{path}?show=all"), visitor.get(f"{path}?show=warned")):
            assert not SENTENCE.search(page.words), page.words
        reasons = visitor.get(f"{path}/reasons.csv").text
        assert "请填写不小于 0 的整数" in reasons
        for content in (b"a,b\n1,2\n", b"PK\x03\x04", csv_of([]), b"\x89PNG\r\n\x1a\n"):
            path, unread = drop(visitor, content)
            assert not SENTENCE.search(unread.words), unread.words
