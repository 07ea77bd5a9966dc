"""Answers: proved records of one person, with the facts that the asker could open."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk._files import path_of
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats.assessment import AssessmentInputs, digest_of_json
from client_sdk.kernel.formats.plain import LEFT_OUT, Plain
from client_sdk.kernel.rules.facts import DefaultFacts
from client_sdk.models.assessment import Assessment, Outcome, Reason, ReasonId
from client_sdk.models.criteria_form import criteria_content
from client_sdk.models.features import features_of
from client_sdk.models.weighing import Criteria, weigh
from client_sdk.new_file import NewFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from client_sdk.kernel.formats.plain import Json
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.features import Features
    from client_sdk.models.listed import ListedRecord
    from client_sdk.models.replayed import Replayed
    from client_sdk.models.witnessed import Witnessed

__all__ = ["Answer", "Failure", "Verdict", "person_file"]


class Verdict(StrEnum):
    """Verdict of an answer."""

    # There is at least one live record.
    LISTED = "LISTED"
    # Absence is proved under every live version of the subject keys. It speaks of this identity number only.
    CLEAR = "CLEAR"
    # Nothing is proved; never to be read as CLEAR.
    UNVERIFIABLE = "UNVERIFIABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Plain):
    """Why an answer is UNVERIFIABLE.

    Attributes:
        part: of the evidence, e.g. ``checkpoint``.
        rule: stable id of the broken rule.
        message: what was found and asked for.
    """

    part: str
    rule: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Plain):
    """Verified answer about one person.

    Attributes:
        verdict: LISTED, CLEAR or UNVERIFIABLE.
        registry: its name.
        inquiry_id: 16 bytes; empty where no evidence could be read.
        position: place of the person in the inquiry, counted from 0.
        as_of: for when it is proved, UTC: ``logged_at`` of the HEAD; None where UNVERIFIABLE.
        size: leaves of the checkpoint.
        witnessed: what witnesses had cosigned of that log; None where no quorum is demanded, or UNVERIFIABLE.
        replayed: how far auditors had rebuilt that log, without which a CLEAR rests on the registry's word that no
            record was left out; None where UNVERIFIABLE.
        records: live records, ascending by index; empty unless LISTED.
        failure: why it is UNVERIFIABLE; None otherwise.
        identity: who was asked about; None in offline verification.
        question: digest of what was asked, as ``AssessmentInputs`` has it; empty where UNVERIFIABLE.
        head: digest of the log; empty where UNVERIFIABLE.
        rulebook: digest of the rulebook; empty where UNVERIFIABLE.
    """

    verdict: Verdict
    registry: str
    inquiry_id: bytes = b""
    position: int = 0
    as_of: datetime | None = None
    size: int = 0
    witnessed: Witnessed | None = None
    replayed: Replayed | None = None
    records: tuple[ListedRecord, ...] = ()
    failure: Failure | None = None
    identity: Identity | None = field(default=None, metadata=LEFT_OUT)
    question: bytes = field(default=b"", repr=False, metadata=LEFT_OUT)
    head: bytes = field(default=b"", repr=False, metadata=LEFT_OUT)
    rulebook: bytes = field(default=b"", repr=False, metadata=LEFT_OUT)
    # The person under each version of the subject keys, where the caller knows it: what opens facts again later.
    _names: Mapping[int, Pseudonym] = field(default_factory=dict, repr=False, compare=False)
    # Makes the evidence of this person alone; cut from an answer about many only when asked for.
    _cut: Callable[[], bytes] = field(default=bytes, repr=False, compare=False)

    @property
    def evidence(self) -> bytes:
        """Everything that the answer rests on; ``verify`` reads it offline. Empty where UNVERIFIABLE."""
        return self._cut()

    def about(self, identity: Identity) -> Answer:
        """Return the same answer with the identity it is about, known or verified by the caller."""
        return replace(self, identity=identity)

    def assess(self, criteria: Criteria | None = None) -> Assessment:
        """Weigh the listed facts. A pure function of answer and criteria; an UNVERIFIABLE answer makes it REFER.

        Args:
            criteria: the lender's own; None for the defaults.

        Raises:
            ConfigError: they are no Criteria.
        """
        given: object = criteria
        if not isinstance(given, Criteria | None):
            raise ConfigError(f"criteria: want Criteria, or None, got {type(given).__name__}")
        if self.failure is not None or self.as_of is None:
            detail = "" if self.failure is None else f"{self.failure.part}: {self.failure.rule}"
            reason = Reason(id=ReasonId.UNVERIFIABLE, outcome=Outcome.REFER, detail=detail)
            return Assessment(outcome=Outcome.REFER, reasons=(reason,), totals=(), as_of=self.as_of)
        chosen = criteria or Criteria()
        weighed = weigh(self.records, self.as_of, chosen)
        inputs = AssessmentInputs(
            question=self.question,
            head=self.head,
            rulebook=self.rulebook,
            criteria=digest_of_json("criteria", criteria_content(chosen)),
            records=digest_of_json("records", [_shown(record) for record in self.records]),
        )
        return replace(weighed, inputs=inputs, digest=inputs.digest(digest_of_json("outcome", _outcome(weighed))))

    def features(self, currency: str = "CNY") -> Features:
        """Return numbers about the records for a statistical model; a pure function of the answer (docs/features.md).

        Args:
            currency: ISO 4217, of what is owed.

        Raises:
            VerificationError: the answer is UNVERIFIABLE: nothing is known, which is no number.
            ConfigError: that is no currency.
        """
        if self.failure is not None or self.as_of is None:
            failure = self.failure or Failure(part="evidence", rule="evidence.present")
            raise VerificationError(failure.part, failure.rule, "an UNVERIFIABLE answer has no features")
        return features_of(self.records, self.as_of, currency)

    def save(self, path: str | Path) -> Path:
        """Write the evidence to a file, and what names the person to a second file beside it.

        The evidence holds pseudonyms only; the second file, ``<path>.person.json``, holds the number and the case
        numbers, so that the two can be kept apart. Both are new files with mode 0600.

        Returns:
            The path of the evidence.

        Raises:
            VerificationError: the answer is UNVERIFIABLE, so there is nothing that proves it.
            ConfigError: a file exists already, or cannot be written.
        """
        target = path_of(path, "path")
        evidence = self.evidence
        if not evidence:
            failure = self.failure or Failure(part="evidence", rule="evidence.present")
            raise VerificationError(failure.part, failure.rule, "an UNVERIFIABLE answer has no evidence")
        with NewFile(target) as file:
            if self.identity is not None:
                with NewFile(person_file(target)) as beside:
                    beside.write(self._person(self.identity))
            file.write(evidence)
        return target

    def _person(self, identity: Identity) -> bytes:
        cases = [
            record.facts.case_number
            for record in self.records
            if record.facts is not None and not isinstance(record.facts, DefaultFacts)
        ]
        content = {
            "id_type": identity.id_type.value,
            "issuing_state": identity.issuing_state,
            "number": identity.number,
            "case_numbers": cases,
        }
        return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def _shown(record: ListedRecord) -> Json:
    """Return the fields of a record that go into the digest: all but its facts, which the log commits to."""
    return {
        "index": record.index,
        "flags": sorted(flag.name for flag in record.flags),
        "contested": record.contested,
        "unopened": "" if record.unopened is None else record.unopened.value,
    }


def _outcome(assessment: Assessment) -> Json:
    """Return outcome and reasons, without remarks for people and without amounts."""
    reasons: list[Json] = [
        [reason.id.value, "" if reason.outcome is None else reason.outcome.value, reason.record]
        for reason in assessment.reasons
    ]
    return {"outcome": assessment.outcome.value, "reasons": reasons}


def person_file(evidence: Path) -> Path:
    """Return the path of the file that names the person, beside the evidence."""
    return evidence.with_name(f"{evidence.name}.person.json")
