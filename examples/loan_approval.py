"""Loan approval: ask about an applicant, weigh the answer, keep the evidence.

    echo 110105180001010010 | python examples/loan_approval.py --home lender-1 --consent consent.pdf \
        --given-on 2026-03-01 --officer clerk-7 --evidence loan-4711.evidence

The number comes from standard input, because other users of the machine can read a command line. It prints one JSON
document and ends with 0 for NOT_ADVERSE and WATCH, with 1 for BLACKLISTED and REFER: a person decides on those. It
ends with 2 for a wrong command, and with 3 where nothing was decided: a file is missing, or the registry is away.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from client_sdk import (
    Assessment,
    Client,
    Consent,
    CreditRegistryError,
    Criteria,
    Identity,
    IdType,
    Outcome,
    Purpose,
    Verdict,
    written_consent,
)

CRITERIA = Criteria(min_days_past_due=30, min_amounts={"CNY": 50_000})


def assess(client: Client, applicant: Identity, consent: Consent, officer: str, evidence: Path) -> Assessment:
    """Ask, keep what proves the answer, and weigh it by the lender's own criteria."""
    answer = client.check(applicant, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer=officer)
    if answer.verdict is not Verdict.UNVERIFIABLE:
        answer.save(evidence)
    return answer.assess(CRITERIA)


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--consent", type=Path, required=True)
    parser.add_argument("--given-on", type=date.fromisoformat, required=True)
    parser.add_argument("--officer", required=True)
    parser.add_argument("--evidence", type=Path, required=True)
    given = parser.parse_args()
    try:
        applicant = Identity.parse(IdType.CN_RESIDENT_ID, sys.stdin.readline())
        consent = written_consent(document=given.consent.read_bytes(), given_on=given.given_on)
        with Client.from_home(given.home) as client:
            assessment = assess(client, applicant, consent, given.officer, given.evidence)
    except (CreditRegistryError, OSError) as error:
        # No error of the SDK shows the number, and none about a file has it.
        print(f"not decided: {error}", file=sys.stderr)
        return 3
    print(json.dumps(assessment.to_dict(), indent=2))
    return 1 if assessment.outcome in (Outcome.BLACKLISTED, Outcome.REFER) else 0


if __name__ == "__main__":
    sys.exit(main())
