"""Digests of an assessment and of each of its inputs (proto/README.md 8).

    digest   = H(label("creditregistry/assessment/v1")
                 || question || head || rulebook || criteria || records || outcome)
    question = H(label("creditregistry/assessment/question/v1") || lp(registry) || lp(asker) || lp(purpose)
                 || (u64(subject_key_version) || subject) of each pseudonym)
    head     = H(label("creditregistry/assessment/head/v1") || u64(size) || root)
    rulebook = SHA-256 of the canonical Rulebook
    criteria, records, outcome = H(label("creditregistry/assessment/" || name || "/v1") || lp(JSON))

JSON is UTF-8 without white space, names ascending. No fact goes into a digest but by the log that commits to it, so
that nobody finds an amount by trying amounts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import H, label, lp, u64
from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.plain import Json

__all__ = ["AssessmentInputs", "digest_of_head", "digest_of_json", "digest_of_question"]

_LABEL = "creditregistry/assessment"
_DIGEST = label(f"{_LABEL}/v1")
_QUESTION = label(f"{_LABEL}/question/v1")
_HEAD = label(f"{_LABEL}/head/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentInputs(Plain):
    """Digests of what an assessment follows from, 32 bytes each.

    Attributes:
        question: registry, asker, purpose and pseudonyms asked about.
        head: the log as of which it was answered.
        rulebook: in force then.
        criteria: of the asker.
        records: which records were shown, with their flags, and whether their facts were opened.
    """

    question: bytes
    head: bytes
    rulebook: bytes
    criteria: bytes
    records: bytes

    def digest(self, outcome: bytes) -> bytes:
        """Return the digest of an assessment with these inputs and the digest of its outcome."""
        return H(_DIGEST, self.question, self.head, self.rulebook, self.criteria, self.records, outcome)


def digest_of_question(registry: str, asker: str, purpose: str, subjects: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the digest of a question about one person.

    Args:
        registry: its name.
        asker: institution id.
        purpose: its word.
        subjects: version of the subject keys and pseudonym, ascending by version.
    """
    pseudonyms = b"".join(u64(version) + subject for version, subject in subjects)
    return H(_QUESTION, lp(registry), lp(asker), lp(purpose), pseudonyms)


def digest_of_head(size: int, root: bytes) -> bytes:
    """Return the digest of the log that an answer rests on."""
    return H(_HEAD, u64(size), root)


def digest_of_json(name: str, value: Json) -> bytes:
    """Return the digest of criteria, records or outcome.

    Args:
        name: which of them.
        value: without any number that is not whole.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return H(label(f"{_LABEL}/{name}/v1"), lp(text))
