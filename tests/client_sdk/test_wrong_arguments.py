"""Wrong data in a call is told by an error of the SDK, and in a portfolio by the row that holds it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk import (
    Answer,
    ConfigError,
    CreditRegistryError,
    IdentityError,
    NoticeChannel,
    PreflightError,
    RejectedRow,
    RuleError,
    VerificationError,
    debt,
    notice_sent,
    read_portfolio,
    read_trust_root,
    verify,
)
from client_sdk.home import create_home
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.lending.chains import plan
from client_sdk.lending.preflight import Preflight
from client_sdk.models import Basis, Identity, IdType, RecordKey, Verdict
from tests.client_sdk.sdk_samples import default_report, person, suit

NOW = datetime(2025, 12, 1, tzinfo=UTC)
PREFLIGHT = Preflight(Rulebook(), int(NOW.timestamp() * 1_000))
REPORTS = suit(1)


class Timestamp(datetime):
    """A time as data frames hold it: a datetime of another class."""


anything: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=40),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(
        [
            *(Decimal("125.50"), timedelta(1), Timestamp(2026, 3, 31), object(), NoticeChannel, Path("a")),
            *((), [], {}, set(), ("OPEN", "NONSENSE"), ("FROZEN", []), [1], {"kind": "DEFAULT"}),
            *("OPEN", "LOAN_APPROVAL", "CREDIT_CARD", "CNY", "2026-03-31", "NaT", "lender-1", "half \ud800"),
            *(RejectedRow(row=1, violations=None), RejectedRow(row=1, violations=(5,))),  # type: ignore[arg-type]  # meant
            *(RecordKey("lender-1", b"1"), RecordKey("", bytes(16)), RecordKey(1, 2)),  # type: ignore[arg-type]  # meant
            *(Basis(record=RecordKey("lender-2", bytes(16))), Basis(record=None)),  # type: ignore[arg-type]  # meant
            *REPORTS,
            *(report.facts for report in REPORTS[::2]),
        ]
    ),
)


@st.composite
def changed_reports(draw: st.DrawFn) -> Any:
    """A report in which one field, of itself or of what it holds, holds anything."""
    value: Any = draw(st.sampled_from(REPORTS))
    path: list[tuple[Any, str]] = []
    while True:
        name = draw(st.sampled_from([field.name for field in fields(value)]))
        path.append((value, name))
        held = getattr(value, name)
        if not hasattr(held, "__dataclass_fields__") or isinstance(held, Identity) or draw(st.booleans()):
            break
        value = held
    new = draw(anything)
    for holder, name in reversed(path):
        new = replace(holder, **{name: new})
    return new


@given(changed_reports())
def test_any_value_in_any_field_of_a_report_passes_or_is_a_rejected_row(report: Any) -> None:
    planned = plan([report, default_report(2)], PREFLIGHT).report()
    assert planned.passed + planned.repeated + planned.rejected_rows == planned.rows == 2
    assert all(violation.field and violation.rule for violation in planned.violations)
    assert len({violation.row for violation in planned.violations}) == planned.rejected_rows


@given(st.lists(anything, max_size=3))
def test_what_is_no_report_is_a_rejected_row(items: list[Any]) -> None:
    planned = plan([*items, default_report(2)], PREFLIGHT).report()
    assert planned.rows == len(items) + 1


@given(st.sampled_from(IdType), st.text(max_size=30), st.text(max_size=4))
def test_any_text_is_an_identity_or_an_error_of_the_sdk(id_type: IdType, number: str, issuing_state: str) -> None:
    with suppress(IdentityError):
        Identity.parse(id_type, number, issuing_state)


def test_a_number_that_is_none_is_an_error_of_the_sdk_and_a_value_error() -> None:
    for kind in (IdentityError, CreditRegistryError, ValueError):
        with pytest.raises(kind):
            Identity.parse(IdType.CN_RESIDENT_ID, "110105194912310021")
    assert Identity.parse("CN_RESIDENT_ID", person(1).number) == person(1)


@given(anything, anything, anything)
def test_anything_is_an_identity_or_an_error_of_the_sdk(id_type: Any, number: Any, issuing_state: Any) -> None:
    with suppress(IdentityError):
        Identity.parse(id_type, number, issuing_state)


@given(st.text(max_size=80) | anything, st.text(max_size=80) | anything)
def test_anything_is_a_debt_or_an_error_of_the_sdk(creditor: Any, contract: Any) -> None:
    with suppress(CreditRegistryError):
        debt(original_creditor=creditor, contract=contract)


@given(st.datetimes() | st.dates() | st.none() | st.integers() | st.text())
def test_a_notice_without_a_time_and_its_zone_is_refused(sent_at: Any) -> None:
    with pytest.raises(RuleError, match=r"notice\.time-zone"):
        notice_sent(document=b"notice", sent_at=sent_at, channel=NoticeChannel.SMS)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_evidence_no_trust_root_and_no_portfolio(tmp_path_factory: Any, data: bytes) -> None:
    file = tmp_path_factory.mktemp("bytes") / "file.csv"
    file.write_bytes(data)
    with pytest.raises(CreditRegistryError):
        read_trust_root(file)
    with pytest.raises(CreditRegistryError):
        verify(data, file)
    with suppress(PreflightError):
        assert all(isinstance(row, RejectedRow) for row in read_portfolio(file))


@given(st.lists(anything, min_size=1, max_size=3))
def test_roles_that_are_none_make_no_home(tmp_path_factory: Any, roles: list[Any]) -> None:
    home = tmp_path_factory.mktemp("homes") / "home"
    names: dict[str, Any] = {"registry": "127.0.0.1:1", "name": "r", "licence_number": "1", "display_name": "L"}
    with pytest.raises(ConfigError, match=r"^roles: want"):
        create_home(home, institution="lender-1", roles=roles, **names)
    assert not home.exists()


def test_an_answer_that_proves_nothing_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="no evidence"):
        Answer(verdict=Verdict.UNVERIFIABLE, registry="r").save(tmp_path / "evidence")
    assert not list(tmp_path.iterdir())


def test_words_are_taken_in_the_place_of_members() -> None:
    given: Any = "SMS"
    sent = notice_sent(document=b"notice", sent_at=NOW, channel=given)
    assert sent.channel is NoticeChannel.SMS
    assert sent.to_dict()["sent_at"] == "2025-12-01T00:00:00.000+00:00"
    report = default_report(1)
    assert report.facts is not None
    words: dict[str, Any] = {"product": "CREDIT_CARD", "subject_role": "BORROWER", "collection_stage": "REMINDED"}
    assert replace(report, facts=replace(report.facts, **words)) == report
    wrong: dict[str, Any] = {"product": "CREDITCARD"}
    planned = plan([replace(report, facts=replace(report.facts, **wrong))], PREFLIGHT).report()
    [violation] = planned.violations
    assert (violation.field, violation.rule) == ("product", "field.type")
    assert "CREDIT_CARD" in violation.want


def test_the_days_of_a_date_are_told_by_row_and_field() -> None:
    report = default_report(1)
    for moment in (Timestamp(2025, 4, 30), datetime(2025, 4, 30, tzinfo=UTC)):
        wrong = replace(report, row=7, facts=replace(report.facts, as_of=moment))  # type: ignore[type-var]  # has facts
        [violation] = plan([wrong], PREFLIGHT).report().violations
        assert (violation.row, violation.field, violation.want) == (7, "as_of", "a date")
        assert violation.got == type(moment).__name__
    assert isinstance(report.first_day, date)
