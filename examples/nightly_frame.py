"""Nightly batch from a data frame: join the bank's own tables in Polars, and report what is overdue; no file between.

    python examples/nightly_frame.py --home lender-1 --loans loans.parquet --arrears arrears.parquet \
        --as-of 2026-03-31 --rejected rejected-2026-03-31.parquet

`loans` has contract, id_number, signed_on and consent_sha256; `arrears` has contract, principal and interest in fen,
first_missed_on, reminded_at and reminder_sha256. The same tables again change nothing. What was rejected goes to a new
file, a row a broken rule, by contract. It ends with 0 where the registry holds every row, with 1 where rows were
rejected, with 2 where something has to be put in order first, and with 3 where it has to be run again. It needs Polars.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from client_sdk import (
    BatchReport,
    Client,
    CreditRegistryError,
    KeyServiceError,
    TransportError,
    portfolio_from_frame,
)

# What is the same in every row.
CONSTANTS = {
    "kind": "DEFAULT",
    "standing": "OPEN",
    "id_type": "CN_RESIDENT_ID",
    "subject_role": "BORROWER",
    "product": "CONSUMER_LOAN",
    "collection_stage": "COLLECTING",
    "currency": "CNY",
    "legal_basis": "CONSENT",
    "notice_channel": "SMS",
    "consent_form": "WRITTEN",
    "original_creditor": "91110000MA0000000H",
    "approver": "credit desk",
}
# Sooner, nobody has been reminded.
FEWEST_DAYS = 30


def overdue(loans: pl.DataFrame, arrears: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the columns of a portfolio for every loan that is overdue for long enough."""
    first_missed = pl.col("first_missed_on")
    return (
        arrears.join(loans, on="contract", how="inner", validate="1:1")
        .filter(first_missed <= as_of - timedelta(FEWEST_DAYS))
        .select(
            "id_number",
            "contract",
            "principal",
            "interest",
            reference="contract",
            first_delinquency_on=first_missed,
            as_of=pl.lit(as_of),
            days_past_due=(pl.lit(as_of) - first_missed).dt.total_days(),
            notice_sent_at="reminded_at",
            notice_digest="reminder_sha256",
            consent_date="signed_on",
            consent_digest="consent_sha256",
            **{name: pl.lit(value) for name, value in CONSTANTS.items()},
        )
    )


def rejected(done: BatchReport, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what was wrong with which contract; rows of a frame are counted from 1."""
    contracts = frame["contract"].to_list()
    found = [
        {"contract": contracts[one.row - 1], "reason": one.reason, "column": one.field, "want": one.want}
        for one in done.rejected
    ]
    return pl.DataFrame(found, schema=dict.fromkeys(("contract", "reason", "column", "want"), pl.String))


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--loans", type=Path, required=True)
    parser.add_argument("--arrears", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--rejected", type=Path, required=True, help="a new file")
    given = parser.parse_args()
    if given.rejected.exists():
        print(f"{given.rejected} exists already", file=sys.stderr)
        return 2
    try:
        frame = overdue(pl.read_parquet(given.loans), pl.read_parquet(given.arrears), given.as_of)
        with Client.from_home(given.home) as client:
            done = client.report_many(portfolio_from_frame(frame))
    except (TransportError, KeyServiceError) as error:
        print(f"run it again: {error}", file=sys.stderr)
        return 3
    except (CreditRegistryError, OSError) as error:
        print(f"nothing or not all was reported: {error}", file=sys.stderr)
        return 2
    except pl.exceptions.PolarsError as error:
        # Its text may show values.
        print(f"the tables are not as they should be: {type(error).__name__}", file=sys.stderr)
        return 2
    rejected(done, frame).write_parquet(given.rejected)
    print(f"{done.rows} rows: {done.accepted} accepted, {done.repeated} known, {done.rejected_rows} rejected")
    return 0 if done.complete else 1


if __name__ == "__main__":
    sys.exit(main())
