"""Reassessment: recompute the assessment of an answer from its evidence file, offline.

    keep_assessment(answer, "loan-4711.evidence", criteria)     # beside it, once ``answer.save`` has written it
    reassessed = reassess("loan-4711.evidence", "trust-root.bin")   # years later, on any machine
    print(reassessed.matches, reassessed.differing)

The same question at the same head under the same rulebook and criteria gives the same assessment and digest. The kept
file holds the criteria, the digests of all inputs, and the seal keys that open the facts of that person: it is a
secret (mode 0600).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2

from client_sdk._files import path_of
from client_sdk._protocol.inquiry import read_offline
from client_sdk._protocol.verification import verifying
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats import canonical, strict_json
from client_sdk.kernel.formats.assessment import AssessmentInputs
from client_sdk.kernel.formats.debt import SEAL_KEY_BYTES
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.subjects.pseudonym import Pseudonym
from client_sdk.models.answer import Answer
from client_sdk.models.criteria_form import criteria_content, criteria_of
from client_sdk.models.weighing import Criteria
from client_sdk.new_file import NewFile
from client_sdk.verification import demands_of_root, read_evidence, read_trust_root

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk._protocol.replayed import DemandsAt
    from client_sdk.models.assessment import Assessment

__all__ = ["KeptAssessment", "Reassessment", "compare", "keep_assessment", "kept_file", "read_kept", "reassess"]

_VERSION = 1
_PART = "kept assessment"
_FIELDS = ("version", "digest", "outcome", "inputs", "criteria", "seal_keys")
_INPUTS = tuple(field.name for field in fields(AssessmentInputs))
# What differs where every input is the same: another version of the SDK weighs otherwise.
_OUTCOME = "outcome"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeptAssessment:
    """An assessment as it was kept, with what recomputes it.

    Attributes:
        digest: 32 bytes.
        outcome: its word.
        inputs: digests.
        criteria: of the asker.
        seal_keys: of the person by version of the subject keys, 32 bytes each.
    """

    digest: bytes
    outcome: str
    inputs: AssessmentInputs
    criteria: Criteria
    seal_keys: dict[int, bytes]

    def __repr__(self) -> str:
        return f"KeptAssessment(digest={self.digest.hex()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassessment(Plain):
    """A recomputed assessment beside the kept one.

    Attributes:
        answer: verified again, with its facts where they open.
        assessment: recomputed.
        kept: digest of the assessment that was kept.
        differing: inputs that differ, of question, head, rulebook, criteria and records; ``outcome`` where all are the
            same and the assessment is not; nothing where it matches.
    """

    answer: Answer
    assessment: Assessment
    kept: bytes
    differing: tuple[str, ...]

    @property
    def matches(self) -> bool:
        """Whether the recomputed assessment is the kept one."""
        return not self.differing


def kept_file(evidence: str | Path) -> Path:
    """Return the path of the kept assessment, beside the evidence: ``<evidence>.assessment.json``."""
    path = path_of(evidence, "evidence")
    return path.with_name(f"{path.name}.assessment.json")


def keep_assessment(answer: Answer, evidence: str | Path, criteria: Criteria | None = None) -> Path:
    """Write what recomputes an assessment to a new file beside the evidence, mode 0600.

    Args:
        answer: LISTED or CLEAR.
        evidence: path that ``answer.save`` wrote.
        criteria: that were weighed by; None for the defaults.

    Raises:
        ConfigError: the answer is UNVERIFIABLE, an argument is of another type, or the file exists or cannot be
            written.
    """
    given: object = answer
    if not isinstance(given, Answer):
        raise ConfigError(f"answer: want an Answer, got {type(given).__name__}")
    path = kept_file(evidence)
    assessment = answer.assess(criteria)
    if assessment.inputs is None:
        raise ConfigError("an UNVERIFIABLE answer has no assessment to keep: ask again")
    content = {
        "version": _VERSION,
        "digest": assessment.digest.hex(),
        "outcome": assessment.outcome.value,
        "inputs": assessment.inputs.to_dict(),
        "criteria": criteria_content(criteria or Criteria()),
        "seal_keys": {str(version): name.seal_key.hex() for version, name in sorted(answer._names.items())},  # noqa: SLF001 - of this package, and shown to no caller
    }
    with NewFile(path) as file:
        file.write(json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")
    return path


def read_kept(file: str | Path) -> KeptAssessment:
    """Read a kept assessment.

    Raises:
        ConfigError: the file cannot be read, or is none.
    """
    path = path_of(file, "kept")
    try:
        return _parse(read_evidence(path))
    except (FormatError, TypeError, ValueError, AttributeError):
        raise ConfigError(f"{path} is no kept assessment: want the file that was written beside the evidence") from None


def _parse(data: bytes) -> KeptAssessment:
    content = strict_json.parse(data, _PART)
    if not isinstance(content, dict) or set(content) != set(_FIELDS) or content["version"] != _VERSION:
        raise FormatError(_PART, "assessment.fields", want=f"version {_VERSION}")
    inputs = content["inputs"]
    if set(inputs) != set(_INPUTS):
        raise FormatError(_PART, "assessment.inputs", want=", ".join(_INPUTS))
    keys = {int(version): _bytes(key, SEAL_KEY_BYTES) for version, key in content["seal_keys"].items()}
    return KeptAssessment(
        digest=_bytes(content["digest"], HASH_BYTES),
        outcome=str(content["outcome"]),
        inputs=AssessmentInputs(**{name: _bytes(inputs[name], HASH_BYTES) for name in _INPUTS}),
        criteria=criteria_of(content["criteria"]),
        seal_keys=keys,
    )


def _bytes(text: object, length: int) -> bytes:
    value = bytes.fromhex(text) if isinstance(text, str) else b""
    if len(value) != length:
        raise FormatError(_PART, "assessment.length", want=f"{length} bytes, hexadecimal")
    return value


def reassess(
    evidence: str | Path,
    trust_root: str | Path | TrustRoot,
    kept: str | Path | None = None,
    criteria: Criteria | None = None,
    demands: DemandsAt | None = None,
) -> Reassessment:
    """Recompute the assessment of an answer from its evidence, offline, and compare it with the kept one.

    Args:
        evidence: path of the file, about one person.
        trust_root: path of the file, or the value.
        kept: path of the kept assessment; None for the one beside the evidence.
        criteria: to be weighed by; None for the kept ones.
        demands: whose cosignatures of the log count; None for those whom the trust root names.

    Raises:
        ConfigError: a file cannot be read, or is not what it should be.
        VerificationError: the evidence does not verify; nothing may be concluded from it.
    """
    path = path_of(evidence, "evidence")
    beside = kept_file(path) if kept is None else path_of(kept, "kept")
    given: object = criteria
    if not isinstance(given, Criteria | None):
        raise ConfigError(f"criteria: want Criteria, or None, got {type(given).__name__}")
    asked: object = demands
    if asked is not None and not callable(asked):
        raise ConfigError(f"demands: want what says the demands by size, or None, got {type(asked).__name__}")
    root = trust_root if isinstance(trust_root, TrustRoot) else read_trust_root(trust_root)
    remembered, data = read_kept(beside), read_evidence(path)
    with verifying():
        parsed = canonical.parse(evidence_pb2.Evidence, data, "evidence")
        if len(parsed.persons) != 1:
            raise FormatError("person", "persons.one", got=str(len(parsed.persons)), want="evidence about one person")
        subjects = {subject.subject_key_version: subject.subject for subject in parsed.persons[0].subjects}
        names = {
            version: Pseudonym(version, subjects[version], key)
            for version, key in remembered.seal_keys.items()
            if version in subjects
        }
        (answer,) = read_offline(data, parsed, Verifier(root), names, demands or demands_of_root(root))
    assessment = answer.assess(remembered.criteria if criteria is None else criteria)
    return compare(answer, assessment, remembered)


def compare(answer: Answer, assessment: Assessment, kept: KeptAssessment) -> Reassessment:
    """Compare a recomputed assessment with a kept one, input by input."""
    differing = tuple(
        name
        for name in _INPUTS
        if assessment.inputs is None or getattr(assessment.inputs, name) != getattr(kept.inputs, name)
    )
    if not differing and (assessment.digest != kept.digest or assessment.outcome.value != kept.outcome):
        differing = (_OUTCOME,)
    return Reassessment(answer=answer, assessment=assessment, kept=kept.digest, differing=differing)
