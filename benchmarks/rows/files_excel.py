"""A workbook of 100,000 rows against the same rows as CSV: read, held against the rules, and the plan shown.

Seconds are those of the processor: the sides run one after the other, and what else the machine does would fall on one.

python -m benchmarks.rows.files_excel FILE      what a child process does: prints seconds and its peak of memory
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.table import Row
from client_sdk.cli.verbs.report_plan import PortfolioCheck, plan_lines
from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.lending.chains import plan
from client_sdk.lending.files import read_portfolio, write_portfolio
from client_sdk.lending.preflight import Preflight
from client_sdk.models import (
    Amounts,
    CollectionStage,
    DefaultFacts,
    DefaultReport,
    Identity,
    IdType,
    LegalBasis,
    NoticeChannel,
    Product,
    Standing,
    SubjectRole,
    debt,
    notice_sent,
    written_consent,
)
from client_sdk.models.batch import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 100_000
GOAL = 1.5
NOW = datetime(2026, 3, 31, tzinfo=UTC)
NOTICE = datetime(2026, 1, 2, tzinfo=UTC)
FIRST_DAY = date(2025, 12, 31)
_BORN = date(1960, 1, 1)
_BIRTHDAYS = 15_000


def measure() -> Row:
    """Return seconds for the workbook over seconds for the text, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, peaks = {}, {}
        for ending in ("xlsx", "csv"):
            file = Path(folder, f"portfolio.{ending}")
            write_portfolio(file, _reports())
            told = subprocess.run([sys.executable, "-m", __name__, str(file)], check=True, capture_output=True)
            seconds[ending], peaks[ending] = json.loads(told.stdout)
    note = f"peaks of memory {peaks['xlsx']:,} and {peaks['csv']:,} MB"
    ratio = seconds["xlsx"] / seconds["csv"]
    return Row("files-excel", seconds["xlsx"], seconds["csv"], "s", ratio, GOAL, at_most=True, note=note)


def _reports() -> Iterator[DefaultReport]:
    for number in range(ROWS):
        born = _BORN + timedelta(days=number % _BIRTHDAYS)
        body = f"110105{born:%Y%m%d}{number // _BIRTHDAYS + 1:03}"
        facts = DefaultFacts(
            subject_role=SubjectRole.BORROWER,
            product=Product.CONSUMER_LOAN,
            amounts=Amounts(currency="CNY", principal=100_000 + number, interest=number % 5_000),
            as_of=date(2026, 3, 1),
            first_delinquency_on=FIRST_DAY,
            days_past_due=60,
            collection_stage=CollectionStage.REMINDED,
            debt=debt(original_creditor="91350100M000100Y43", contract=f"HT-{number}"),
            legal_basis=LegalBasis.CONSENT,
            approver="credit desk",
            notice=notice_sent(document=b"notice %d" % number, sent_at=NOTICE, channel=NoticeChannel.SMS),
            consent=written_consent(document=b"consent %d" % number, given_on=date(2025, 6, 1)),
        )
        identity = Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))
        report = DefaultReport(identity=identity, reference=f"LOAN-{number}", standing=Standing.OPEN, facts=facts)
        yield replace(report, first_day=FIRST_DAY)


def show(file: Path) -> None:
    """Read a portfolio, hold it against the rules and show the plan."""
    portfolio = read_portfolio(file)
    reports = list(portfolio)
    if len(reports) != ROWS or any(isinstance(report, RejectedRow) for report in reports):
        raise RuntimeError("not every row was read")
    found = plan(reports, Preflight(Rulebook(), int(NOW.timestamp() * 1_000))).report()
    if found.violations:
        raise RuntimeError(f"a row is refused: {found.violations[0]}")
    console = Console(file=io.StringIO())
    for line in plan_lines(PortfolioCheck(portfolio, reports, found)):
        console.print(line)


if __name__ == "__main__":
    started = time.process_time()
    show(Path(sys.argv[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([time.process_time() - started, peak]))
