"""Which rows of a portfolio travel together: what rests on each other, and what is one debt."""

from __future__ import annotations

from datetime import date

from client_sdk.invented.parties import LENDERS
from client_sdk.invented.synthetic import borrowers
from client_sdk.invented.synthetic import portfolio as invented
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.lending.chains import Plan, plan
from client_sdk.lending.preflight import Preflight
from client_sdk.models import DefaultReport, Kind
from demo.recipe import portfolio
from demo.uci import MONTHS, Client, Month

NOW_MS = 1_767_600_000_000  # 2026-01-05
PREFLIGHT = Preflight(Rulebook(), NOW_MS)


def client(number: int, *late: int) -> Client:
    months = tuple(Month(as_of, k, 1000, 100) for as_of, k in zip(MONTHS, late, strict=True))
    return Client(number, months, 20_000, defaulted=False)


def in_order(planned: Plan) -> bool:
    places = [[step.row.place for step in unit.steps] for unit in planned.units]
    return all(rows == sorted(rows) for rows in places)


def test_a_later_episode_of_a_debt_waits_for_the_end_of_the_one_before() -> None:
    planned = plan(portfolio([client(1, 1, 0, 2, 0, 0, 1), client(5, 0, 0, 0, 0, 0, 1)], 0, LENDERS), PREFLIGHT)
    assert planned.records == 4
    assert sorted(len(unit.chains) for unit in planned.units) == [1, 3]
    assert in_order(planned)


def test_debts_of_different_persons_or_contracts_travel_alone() -> None:
    reports: list[DefaultReport] = portfolio([client(1, 0, 0, 0, 0, 0, 1), client(5, 0, 0, 0, 0, 0, 1)], 0, LENDERS)
    reports += portfolio([client(1, 0, 0, 0, 0, 0, 1)], 1, LENDERS)
    assert [len(unit.chains) for unit in plan(reports, PREFLIGHT).units] == [1, 1, 1]


def test_default_judgment_and_enforcement_travel_together() -> None:
    planned = plan(invented(borrowers(), 0, LENDERS, date(2026, 1, 4)), PREFLIGHT)
    assert not planned.rejected
    kinds = [{chain.key.kind for chain in unit.chains} for unit in planned.units]
    assert {Kind.DEFAULT} in kinds
    assert {Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT} in kinds
    assert in_order(planned)
