"""Findings of an audit, with stable ids.

A finding never quotes a subject, an opening, a fact or a key: it says which leaf, which part, which rule, and what the
rule asks for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from client_sdk.kernel.formats.complaint import Complaining, Complaint
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.leaf import LeafType
from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.plain import Json
    from client_sdk.kernel.rules.errors import RuleError

__all__ = ["MAX_KEPT", "MEANINGS", "OF_REASON", "OF_REASON_IN_ACTS", "Finding", "FindingId", "Findings", "finding_of"]

# A log that is wrong everywhere is reported by its first so many findings of each kind, and a count of the rest.
MAX_KEPT = 1_000


class FindingId(StrEnum):
    """Stable names; never renamed."""

    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    ACT_INVALID = "ACT_INVALID"
    ACT_ORDER = "ACT_ORDER"
    ACT_SIGNATURE = "ACT_SIGNATURE"
    ACT_THRESHOLD = "ACT_THRESHOLD"
    AFTER_ERASURE = "AFTER_ERASURE"
    ANNOTATION = "ANNOTATION"
    BINDING_DEAD = "BINDING_DEAD"
    BINDING_MISSING = "BINDING_MISSING"
    BINDING_WRONG = "BINDING_WRONG"
    CHAIN = "CHAIN"
    CHECKPOINT = "CHECKPOINT"
    CLOSED = "CLOSED"
    CONSENT = "CONSENT"
    DIRECTORY = "DIRECTORY"
    ERASED_ALONE = "ERASED_ALONE"
    FORK = "FORK"
    GENESIS = "GENESIS"
    HEAD_CHAIN = "HEAD_CHAIN"
    HEAD_PLACE = "HEAD_PLACE"
    HIDDEN = "HIDDEN"
    INQUIRY = "INQUIRY"
    INQUIRY_TREE = "INQUIRY_TREE"
    KEY_ACT = "KEY_ACT"
    KEY_OWNER = "KEY_OWNER"
    KEY_RANGE = "KEY_RANGE"
    KEY_USAGE = "KEY_USAGE"
    LAPSE_EARLY = "LAPSE_EARLY"
    LEAF_FORM = "LEAF_FORM"
    MAP_COUNT = "MAP_COUNT"
    MAP_ROOT = "MAP_ROOT"
    RECIPROCITY = "RECIPROCITY"
    REGISTRY = "REGISTRY"
    RETENTION = "RETENTION"
    ROLLBACK = "ROLLBACK"
    SIGNATURE = "SIGNATURE"
    SPEAKER = "SPEAKER"
    STATISTICS = "STATISTICS"
    SUBJECT_KEY_VERSION = "SUBJECT_KEY_VERSION"
    TIME = "TIME"
    TRANSFEREE = "TRANSFEREE"
    TRANSITION = "TRANSITION"


_F = FindingId

MEANINGS: Mapping[FindingId, str] = {
    _F.ACKNOWLEDGEMENT: "One acknowledgement of a member was logged twice.",
    _F.ACT_INVALID: "An act decides what the rules do not allow.",
    _F.ACT_ORDER: "An act is not the next one of this registry.",
    _F.ACT_SIGNATURE: "An act carries a signature that does not count.",
    _F.ACT_THRESHOLD: "Fewer administrators signed an act than must.",
    _F.AFTER_ERASURE: "Something was logged of a record after its erasure.",
    _F.ANNOTATION: "An annotation does not follow the one before it, or says what its author may not say.",
    _F.BINDING_DEAD: "A binding is kept of a version that is no longer live: it should have been deleted.",
    _F.BINDING_MISSING: "A live record has no binding: nobody can find it.",
    _F.BINDING_WRONG: "A binding does not open the commitment that the issuer signed.",
    _F.CHAIN: "A version does not follow the one before it.",
    _F.CHECKPOINT: "A checkpoint is not what the log's key signs for these leaves.",
    _F.CLOSED: "The registry took something of a member that its closing act no longer allows.",
    _F.CONSENT: "An inquiry was answered although its consent is younger, too old, or for another purpose.",
    _F.DIRECTORY: "What the map says of the registry or of a member is not what the acts say.",
    _F.ERASED_ALONE: "A record was erased without the record that it continues, or that continues it.",
    _F.FORK: "The log does not continue the one that was audited before: it shows different logs to different people.",
    _F.GENESIS: "The log does not begin with the genesis act of the trust root.",
    _F.HEAD_CHAIN: "A HEAD does not follow the one before it.",
    _F.HEAD_PLACE: "A HEAD does not stand where it must.",
    _F.HIDDEN: "A record is still hidden although no overlay covers it any more: it should have been shown again.",
    _F.INQUIRY: "An inquiry is not the one of its leaf, or was answered although its asker could not ask it.",
    _F.INQUIRY_TREE: "The inquiries that the registry shows are not those that a HEAD counts.",
    _F.KEY_ACT: "A key was given or ended against the rules.",
    _F.KEY_OWNER: "The key that signed is not one of the signer's.",
    _F.KEY_RANGE: "The key that signed did not count at that leaf.",
    _F.KEY_USAGE: "The key that signed was given for another use.",
    _F.LAPSE_EARLY: "The registry let something lapse before its time.",
    _F.LEAF_FORM: "A leaf has not the form that the formats give it.",
    _F.MAP_COUNT: "The map has another number of entries than the HEAD says.",
    _F.MAP_ROOT: "The map that follows from the log and the bindings has another root than the HEAD says.",
    _F.RECIPROCITY: "What the map says that a lender has given, by which it receives, is not what it has reported.",
    _F.REGISTRY: "What was signed for another registry was logged here.",
    _F.RETENTION: "A record is kept longer than the law allows, or its date was set or moved against the rules.",
    _F.ROLLBACK: "The log is shorter than it was.",
    _F.SIGNATURE: "A signature does not verify.",
    _F.SPEAKER: "Who signed could not speak at that leaf, for the issuer or for itself.",
    _F.STATISTICS: "The counts that the registry publishes are not those of the log, or do not fit together.",
    _F.SUBJECT_KEY_VERSION: "A version names subject keys that it may not name.",
    _F.TIME: "The registry's clock ran backwards, or is off the auditor's.",
    _F.TRANSFEREE: "A debt was transferred to an institution that was no other lender.",
    _F.TRANSITION: "A standing may not follow the one before it.",
}

# Reasons of the kernel's rules, by what an auditor calls them.
OF_REASON: Mapping[str, FindingId] = {
    "ACKNOWLEDGED": _F.ACKNOWLEDGEMENT,
    "ACT_ORDER": _F.ACT_ORDER,
    "ACT_SIGNATURE": _F.ACT_SIGNATURE,
    "ACT_THRESHOLD": _F.ACT_THRESHOLD,
    "ADMINISTRATION_INVALID": _F.ACT_INVALID,
    "RULEBOOK_INVALID": _F.ACT_INVALID,
    "ANNOTATION_INVALID": _F.ANNOTATION,
    "ANNOTATION_ORDER": _F.ANNOTATION,
    "BREACH_INVALID": _F.ACT_INVALID,
    "CLOSING_INVALID": _F.ACT_INVALID,
    "CONTINUES_INVALID": _F.CHAIN,
    "CORRECTION_INVALID": _F.TIME,
    "DATE_INVALID": _F.TIME,
    "ENROLMENT_INVALID": _F.ACT_INVALID,
    "ERASED_ALONE": _F.ERASED_ALONE,
    "FACTS_INVALID": _F.TRANSFEREE,
    "HEAD_CHAIN": _F.HEAD_CHAIN,
    "HEAD_PLACE": _F.HEAD_PLACE,
    "ILLEGAL_TRANSITION": _F.TRANSITION,
    "INSTITUTION_SUSPENDED": _F.SPEAKER,
    "INSTITUTION_TERMINATED": _F.SPEAKER,
    "INSTITUTION_UNKNOWN": _F.SPEAKER,
    "KEY_NOT_ENDORSED": _F.KEY_ACT,
    "KEY_NOT_POSSESSED": _F.KEY_ACT,
    "KEY_OF_ANOTHER": _F.KEY_OWNER,
    "KEY_RANGE": _F.KEY_RANGE,
    "KEY_SERVICES_INVALID": _F.ACT_INVALID,
    "KEY_TAKEN": _F.KEY_ACT,
    "KEY_UNKNOWN": _F.KEY_OWNER,
    "KEY_USAGE": _F.KEY_USAGE,
    "KIND_CHANGED": _F.CHAIN,
    "LAPSE_EARLY": _F.LAPSE_EARLY,
    "NOT_A_LENDER": _F.SPEAKER,
    "NOT_THE_SUCCESSOR": _F.SPEAKER,
    "PREVIOUS_MISMATCH": _F.CHAIN,
    "RECORD_ENDED": _F.TRANSITION,
    "RECORD_ERASED": _F.AFTER_ERASURE,
    "RECORD_UNKNOWN": _F.CHAIN,
    "REGISTRY_CLOSED": _F.CLOSED,
    "REGISTRY_OTHER": _F.REGISTRY,
    "RETENTION_INVALID": _F.RETENTION,
    "STATE_INVALID": _F.ACT_INVALID,
    "SUBJECT_KEY_VERSION": _F.SUBJECT_KEY_VERSION,
    "TIME": _F.TIME,
    "TIME_INVALID": _F.TIME,
    "TLS_CLAIM_MISMATCH": _F.ACT_INVALID,
    "TLS_KEY_REVOKED": _F.ACT_INVALID,
    "VERSION_SKIPPED": _F.CHAIN,
    "VERSION_TAKEN": _F.CHAIN,
}

# What the same reason means of an act, where it means something else.
OF_REASON_IN_ACTS: Mapping[str, FindingId] = {
    "DATE_INVALID": _F.ACT_INVALID,
    "INSTITUTION_UNKNOWN": _F.ACT_INVALID,
    "KEY_RANGE": _F.KEY_ACT,
    "KEY_USAGE": _F.KEY_ACT,
    "RECORD_UNKNOWN": _F.ACT_INVALID,
}


@dataclass(frozen=True, slots=True)
class Finding(Complaining, Plain):
    """One thing that is wrong: a complaint whose reason is the finding's id.

    Attributes:
        leaf_index: which leaf; None where it is no single leaf's.
        complaint: what is wrong, which never quotes personal data.
    """

    leaf_index: int | None
    complaint: Complaint

    @classmethod
    def of(
        cls, id_: FindingId, leaf_index: int | None, field: str, rule: str, *, got: str = "", want: str = ""
    ) -> Self:
        """Return the finding of these parts."""
        return cls(leaf_index, Complaint(id_, field, rule, got, want))

    @property
    def id(self) -> FindingId:
        """What kind of wrong."""
        return FindingId(self.complaint.reason)

    @property
    def meaning(self) -> str:
        """Description of the finding's id."""
        return MEANINGS[self.id]

    def to_dict(self) -> dict[str, Json]:
        """Return the parts by name, as reports keep them: id, leaf_index, field, rule, got and want."""
        named: dict[str, Json] = {name: getattr(self.complaint, name) for name in ("field", "rule", "got", "want")}
        return {"id": str(self.id), "leaf_index": self.leaf_index, **named}

    def __str__(self) -> str:
        place = "" if self.leaf_index is None else f" at leaf {self.leaf_index}"
        found = f", {self.complaint.found}" if self.complaint.found else ""
        return f"{self.id}{place}: {self.meaning} {self.field}{found} ({self.rule})"


def finding_of(index: int | None, error: FormatError | RuleError, leaf_type: int = 0) -> Finding:
    """Return the finding for a kernel error about a leaf.

    Args:
        index: of the leaf.
        error: what the kernel raised or reported.
        leaf_type: first byte of the leaf.
    """
    if isinstance(error, FormatError):
        id_ = FindingId.SIGNATURE if isinstance(error, SignatureError) else FindingId.LEAF_FORM
    else:
        id_ = OF_REASON[error.reason]
        if leaf_type == LeafType.ACT:
            id_ = OF_REASON_IN_ACTS.get(error.reason, id_)
    return Finding(index, replace(error.complaint, reason=id_))


class Findings:
    """Findings of one examination: each once, all counted, the first of each kind kept."""

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self._kept: dict[Finding, None] = {}
        self.counts: Counter[FindingId] = Counter()
        for finding in found:
            self.add(finding)

    def add(self, finding: Finding) -> None:
        """Take up a finding, unless it was found before."""
        if finding in self._kept:
            return
        self.counts[finding.id] += 1
        if self.counts[finding.id] <= MAX_KEPT:
            self._kept[finding] = None

    def note(self, id_: FindingId, index: int | None, field: str, rule: str, *, got: str = "", want: str = "") -> None:
        """Take up a finding of these parts."""
        self.add(Finding.of(id_, index, field, rule, got=got, want=want))

    def __len__(self) -> int:
        return sum(self.counts.values())

    def kept(self) -> list[Finding]:
        """Return what was found, by leaf, at most 1,000 of a kind; what is no single leaf's comes last."""
        return sorted(self._kept, key=lambda finding: (finding.leaf_index is None, finding.leaf_index or 0, finding.id))
