"""Risk model: train one on your own books, and one with what the registry knows besides; print what that brings.

    python examples/risk_model.py --home lender-1 --borrowers borrowers.csv --consent consent.pdf \
        --given-on 2026-03-01 --officer model-desk

The file has a row for each borrower of the past: its resident number, numbers of your own books under any headings, and
in the column `defaulted` 1 or 0, for what became of the loan. Each borrower is asked about once, under one purpose and
the consents on file; the numbers stay on this machine. It needs scikit-learn.

The last line is JSON: for both models the area under the ROC curve (0.5 is chance), and the lift, which is how many
times as many defaults as usual are among the tenth that the model thinks the riskiest; both from cross-validation.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from client_sdk import Client, Consent, CreditRegistryError, Identity, IdType, Purpose, written_consent

_NUMBER, _OUTCOME = "number", "defaulted"
_MOST_SUBJECTS = 100
_FOLDS = 5
_RISKIEST = 0.1


def borrowers(path: Path) -> tuple[list[Identity], np.ndarray, np.ndarray]:
    """Return who they are, what your own books say of each, and what became of the loans."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    headings = [heading for heading in rows[0] if heading not in {_NUMBER, _OUTCOME}]
    own = np.array([[float(row[heading]) for heading in headings] for row in rows])
    outcomes = np.array([int(row[_OUTCOME]) for row in rows])
    return [Identity.parse(IdType.CN_RESIDENT_ID, row[_NUMBER]) for row in rows], own, outcomes


def ask(home: Path, people: list[Identity], consent: Consent, officer: str, currency: str) -> np.ndarray:
    """Return the registry's features of each, a row a person; NaN where there is nothing to measure."""
    features: list[list[float]] = []
    with Client.from_home(home) as client:
        for start in range(0, len(people), _MOST_SUBJECTS):
            answers = client.check_many(
                people[start : start + _MOST_SUBJECTS],
                purpose=Purpose.POST_LOAN_REVIEW,
                consent=consent,
                officer=officer,
            )
            features += [answer.features(currency).vector() for answer in answers]
    return np.array(features)


def judged(known: np.ndarray, outcomes: np.ndarray) -> dict[str, float]:
    """Return how well a model tells who defaults, from what is known of each."""
    # What there was nothing to measure of is a feature of its own; the seed makes a second run the same.
    model = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0, add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(),
    )
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    risk = cross_val_predict(model, known, outcomes, cv=folds, method="predict_proba")[:, 1]
    riskiest = np.argsort(risk)[-max(1, int(len(risk) * _RISKIEST)) :]
    lift = outcomes[riskiest].mean() / outcomes.mean()
    return {"auc": round(float(roc_auc_score(outcomes, risk)), 4), "lift": round(float(lift), 3)}


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--borrowers", type=Path, required=True)
    parser.add_argument("--consent", type=Path, required=True)
    parser.add_argument("--given-on", type=date.fromisoformat, required=True)
    parser.add_argument("--officer", required=True)
    parser.add_argument("--currency", default="CNY", help="of what is owed")
    given = parser.parse_args()
    try:
        people, own, outcomes = borrowers(given.borrowers)
        consent = written_consent(document=given.consent.read_bytes(), given_on=given.given_on)
        shared = ask(given.home, people, consent, given.officer, given.currency)
    except (CreditRegistryError, OSError) as error:
        print(f"nothing was trained: {error}", file=sys.stderr)
        return 2
    except (IndexError, KeyError, TypeError, ValueError):
        # Without the value, which may be a number of a person in the wrong column.
        print(f"{given.borrowers}: want columns number, defaulted (0 or 1), and others of numbers", file=sys.stderr)
        return 2
    told = {
        "borrowers": len(people),
        "defaulted": int(outcomes.sum()),
        "listed": int(shared[:, 0].astype(bool).sum()),
        "own_books": judged(own, outcomes),
        "with_registry": judged(np.hstack((own, shared)), outcomes),
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
