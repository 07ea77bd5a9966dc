"""Decision engine: decide on applications by rules, keep what each decision rests on, and prove it years later.

    python examples/decision_engine.py decide --home lender-1 --officer engine --archive decisions < applications.jsonl
    python examples/decision_engine.py prove --trust-root trust-root.bin --fingerprint 3f1c... --archive decisions

An application is a line `{"reference": "LOAN-4711", "number": "110105180001010010", "amount": 500000, "income": 120000,
"consent_given_on": "2026-03-01", "consent_sha256": "9f86d0…"}`, amounts in fen, income a month. The engine approves, or
refers to a person: no machine alone turns anybody down (PIPL Art. 24). Beside the evidence of each decision lie the
assessment and the rules that spoke; `prove` recomputes both from these files alone, without the registry. Both end with
1 where an application could not be decided, or a decision not be proved, and with 2 where nothing could be begun.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from client_sdk import (
    Assessment,
    Client,
    Consent,
    ConsentForm,
    CreditRegistryError,
    Criteria,
    Identity,
    IdType,
    Outcome,
    Purpose,
    TrustRoot,
    Verdict,
    keep_assessment,
    read_trust_root,
    reassess,
)

CRITERIA = Criteria(min_days_past_due=30, min_amounts={"CNY": 50_000})
_MOST_MONTHS = 6
_REFERENCE = re.compile(r"LOAN-[0-9]{1,9}")


@dataclass(frozen=True)
class Terms:
    """What is applied for, in fen."""

    amount: int
    income: int


def rules_that_speak(terms: Terms, assessment: Assessment) -> list[str]:
    """Return the rules by which a person has to decide; nothing approves."""
    rules = {
        "UNVERIFIED": assessment.outcome is Outcome.REFER,
        "BLACKLISTED": assessment.outcome is Outcome.BLACKLISTED,
        "WATCH_AND_LARGE": assessment.outcome is Outcome.WATCH and terms.amount > terms.income,
        "BEYOND_MEANS": terms.amount > _MOST_MONTHS * terms.income,
    }
    return [name for name, speaks in rules.items() if speaks]


def decide(client: Client, line: str, officer: str, archive: Path) -> str:
    """Decide on one application; return its reference and the decision.

    Raises:
        ValueError: the line is no application; also a CreditRegistryError or OSError, where nothing was decided.
    """
    given = json.loads(line)
    reference = str(given["reference"])
    if not _REFERENCE.fullmatch(reference):
        raise ValueError("reference")
    terms = Terms(int(given["amount"]), int(given["income"]))
    digest, given_on = bytes.fromhex(given["consent_sha256"]), date.fromisoformat(given["consent_given_on"])
    answer = client.check(
        Identity.parse(IdType.CN_RESIDENT_ID, given["number"]),
        purpose=Purpose.LOAN_APPROVAL,
        consent=Consent(form=ConsentForm.WRITTEN, date=given_on, digest=digest),
        officer=officer,
    )
    assessment = answer.assess(CRITERIA)
    rules = rules_that_speak(terms, assessment)
    if answer.verdict is not Verdict.UNVERIFIABLE:
        evidence = answer.save(archive / f"{reference}.evidence")
        keep_assessment(answer, evidence, CRITERIA)
    kept = {"terms": asdict(terms), "rules": rules, "assessment": assessment.digest.hex()}
    with (archive / f"{reference}.decision.json").open("x", encoding="utf-8") as file:
        json.dump(kept, file)
    return f"{reference} {'REFER ' + ' '.join(rules) if rules else 'APPROVE'}"


def prove(decision: Path, trust_root: TrustRoot) -> bool:
    """Return whether evidence and rules still give the decision that was kept."""
    kept = json.loads(decision.read_text("utf-8"))
    evidence = decision.with_name(decision.name.removesuffix(".decision.json") + ".evidence")
    again = reassess(evidence, trust_root)
    rules = rules_that_speak(Terms(**kept["terms"]), again.assessment)
    return again.matches and again.assessment.digest.hex() == kept["assessment"] and rules == kept["rules"]


def decide_all(home: Path, officer: str, archive: Path) -> int:
    """Decide on every line of standard input; return the exit code."""
    undecided = 0
    with Client.from_home(home) as client:
        for number, line in enumerate(sys.stdin, start=1):
            try:
                print(decide(client, line, officer, archive))
            except (CreditRegistryError, OSError) as error:
                print(f"line {number}: not decided: {error}", file=sys.stderr)
                undecided += 1
            except (KeyError, TypeError, ValueError):
                # Without the value, which may be a number of a person in the wrong place.
                print(f"line {number}: no application", file=sys.stderr)
                undecided += 1
    return 1 if undecided else 0


def prove_all(archive: Path, trust_root: TrustRoot) -> int:
    """Prove every decision of a folder; return the exit code."""
    unproved = 0
    for decision in sorted(archive.glob("*.decision.json")):
        try:
            proved = prove(decision, trust_root)
        except CreditRegistryError as error:
            print(f"{decision.name}: {error}", file=sys.stderr)
            proved = False
        print(f"{decision.name}: {'proved' if proved else 'NOT PROVED'}")
        unproved += not proved
    return 1 if unproved else 0


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    deciding, proving = verbs.add_parser("decide"), verbs.add_parser("prove")
    deciding.add_argument("--home", type=Path, required=True)
    deciding.add_argument("--officer", required=True)
    proving.add_argument("--trust-root", type=Path, required=True)
    proving.add_argument("--fingerprint", required=True, help="compared over another channel")
    for verb in (deciding, proving):
        verb.add_argument("--archive", type=Path, required=True)
    given = parser.parse_args()
    try:
        if given.verb == "decide":
            return decide_all(given.home, given.officer, given.archive)
        trust_root = read_trust_root(given.trust_root)
        if trust_root.fingerprint != given.fingerprint:
            print(f"another trust root: got {trust_root.fingerprint}", file=sys.stderr)
            return 2
        return prove_all(given.archive, trust_root)
    except CreditRegistryError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
