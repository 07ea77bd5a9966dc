"""An audit in words: verdict, what was read, findings by severity, members, inquiries; for the page and for paper."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from client_sdk.act_titles import DECISIONS
from client_sdk.auditing.silencing import is_acceptable, tells_against
from client_sdk.desk.member_words import roles_text, status_text
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.texts import N_
from client_sdk.models import Purpose
from client_sdk.subject_report.content import Document, Part, Rows
from client_sdk.subject_report.facts import visible
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.report import AuditReport
    from client_sdk.desk.texts import Language, Say

__all__ = ["AuditWords", "FindingGroup", "Severity", "finding_groups", "finding_pairs"]

# Of one severity, on the page and on paper; the log may be wrong everywhere.
MOST_FINDINGS = 200


class Severity(IntEnum):
    """How grave a finding is, the gravest first."""

    # The log was split in two, or begins otherwise: never accepted, never cosigned again.
    HISTORY = 1
    # An answer may be wrong by it.
    AGAINST = 2
    # About what the registry did, kept or published beside the log.
    BESIDE = 3

    @classmethod
    def of(cls, item: AuditFinding) -> Severity:
        """Return how grave a finding is."""
        if not is_acceptable(item.finding):
            return cls.HISTORY
        return cls.AGAINST if tells_against(item.finding) else cls.BESIDE


_SEVERITIES = {
    Severity.HISTORY: (
        N_("Two histories"),
        N_("The log was split, or begins otherwise. This is never accepted, and the log is never cosigned again."),
    ),
    Severity.AGAINST: (
        N_("Against the log"),
        N_("An answer may be wrong by it. The log is not cosigned until a person has looked into it and accepted it."),
    ),
    Severity.BESIDE: (
        N_("Beside the log"),
        N_("About what the registry did, kept or published: no answer about a person is wrong by it."),
    ),
}
_LEAVES = {
    "STATEMENT": N_("Statements and annotations"),
    "ACT": N_("Acts"),
    "LAPSE": N_("Lapses"),
    "HEAD": N_("HEADs (checkpoints)"),
    "OTHER": N_("Of no known type"),
}


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one severity.

    Attributes:
        severity: of them.
        name: of the severity.
        meaning: of the severity.
        shown: at most 200, those first that nobody has accepted.
        more: how many there are beside them.
        accepted: how many of all a person has accepted.
    """

    severity: Severity
    name: str
    meaning: str
    shown: tuple[AuditFinding, ...]
    more: int
    accepted: int


def finding_groups(found: Sequence[AuditFinding], say: Say) -> tuple[FindingGroup, ...]:
    """Return findings by severity, the gravest first; severities without any are left out."""
    groups = []
    for severity, (name, meaning) in _SEVERITIES.items():
        own = sorted((item for item in found if Severity.of(item) is severity), key=lambda item: bool(item.accepted))
        if own:
            accepted = sum(item.accepted is not None for item in own)
            shown = tuple(own[:MOST_FINDINGS])
            groups.append(FindingGroup(severity, say(name), say(meaning), shown, len(own) - len(shown), accepted))
    return tuple(groups)


class AuditWords:
    """Says one report in one language."""

    def __init__(self, report: AuditReport, language: Language, say: Say) -> None:
        self._report, self._language, self._say = report, language, say

    @property
    def clean(self) -> bool:
        """Whether nothing was found that nobody has accepted."""
        return self._report.exit_code == 0

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        report, say = self._report, self._say
        if report.clean:
            return say("Nothing was found.")
        total = sum(report.counts.values())
        return say(
            "Found: {total}, new: {new}, accepted: {accepted}.", total=total, new=report.new, accepted=report.accepted
        )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return what was read, and how fast: names and values."""
        report, say = self._report, self._say
        rate = f"{report.signatures / max(report.seconds, 0.001):,.0f}"
        first, newest, count = report.maps_checked
        maps = say("sizes: {count}, from {first} to {newest}", count=count, first=first, newest=newest)
        late = sum(not row.in_time for row in report.breaches)
        return (
            (say("Registry"), visible(report.registry)),
            (say("Fingerprint of the trust root"), report.fingerprint),
            (say("Log"), visible(report.origin) or say("not read")),
            (say("Leaves"), f"{report.size:,}"),
            (say("New since the audit before"), f"{max(report.size - report.previous_size, 0):,}"),
            (say("Root of these leaves"), report.root.hex() or "–"),
            (say("Newest leaf logged"), clock_text(report.logged_at) or "–"),
            (say("Signatures verified"), f"{report.signatures:,}"),
            (say("Signatures a second"), rate),
            (say("Live records"), f"{report.live:,}"),
            (say("Map rebuilt and compared"), maps if count else say("not yet")),
            (say("Directory compared with the acts"), say("yes") if report.directory_checked else say("no")),
            (say("Notices of breaches"), say("{count}, late: {late}", count=len(report.breaches), late=late)),
            (say("Inquiries"), f"{report.inquiries:,}"),
            (say("Audited at"), clock_text(report.audited_at)),
            (say("Seconds"), f"{report.seconds:.1f}"),
        )

    def leaves(self) -> tuple[tuple[str, str], ...]:
        """Return how many leaves of each type there are."""
        return tuple((self._say(_LEAVES.get(name, name)), f"{count:,}") for name, count in self._report.leaves.items())

    def members(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return the members: id with name, roles, state, counts of records."""
        say = self._say
        return tuple(
            (
                f"{row.id} ({visible(row.name)})",
                roles_text(row.roles, say),
                status_text(row.status, say),
                say(
                    "in all {records}: live {live}, of these disputed {disputed}; ended {ended}; "
                    "erased for good {erased}",
                    records=row.records,
                    live=row.live,
                    disputed=row.disputed,
                    ended=row.records - row.live - row.erased,
                    erased=row.erased,
                ),
            )
            for row in self._report.institutions
        )

    def acts(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return the acts: number, time, what was decided, who signed."""
        return tuple(
            (
                f"{row.number} ({row.leaf_index})",
                clock_text(row.logged_at),
                self._say.pair(self._say(DECISIONS[row.decision]), self._say.error(visible(row.about))),
                self._say.list(row.signers),
            )
            for row in self._report.acts
        )

    def inquiries(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return how often each member asked for each purpose: member, purpose, answered with persons, refused."""
        return tuple(
            (
                row.institution,
                self.purpose(row.purpose),
                self._say("{answered} (persons: {persons})", answered=row.answered, persons=row.persons),
                str(row.refused),
            )
            for row in self._report.inquiries_by
        )

    def purposes(self) -> tuple[tuple[str, int], ...]:
        """Return how many inquiries there were for each purpose, the most first."""
        counts: Counter[str] = Counter()
        for row in self._report.inquiries_by:
            counts[row.purpose] += row.answered + row.refused
        return tuple((self.purpose(name), count) for name, count in counts.most_common())

    def outcomes(self) -> tuple[tuple[str, str], ...]:
        """Return how many inquiries had each outcome, by its stable word."""
        return tuple((name, f"{count:,}") for name, count in self._report.inquiry_outcomes.items())

    def purpose(self, name: str) -> str:
        """Return a purpose as people say it."""
        return term_of(Purpose[name]).of(self._language)

    def document(self) -> Document:
        """Return the report as one page and as it is printed."""
        report, say = self._report, self._say
        parts = [
            Part(say("What was audited"), pairs=self.facts()),
            Part(say("Findings"), paragraphs=(self.verdict,)),
            *(part for group in finding_groups(report.findings, say) for part in self._findings(group)),
            Part(say("Leaves by type"), pairs=self.leaves()),
            Part(
                say("Members"),
                tables=(Rows((say("Member"), say("Roles"), say("State"), say("Records")), self.members()),),
            ),
            Part(
                say("Inquiries by member and purpose"),
                tables=(Rows((say("Member"), say("Purpose"), say("Answered"), say("Refused")), self.inquiries()),),
            ),
            Part(say("Inquiries by outcome"), pairs=self.outcomes()),
            Part(
                say("Acts"),
                paragraphs=(say("What was decided stands here as the log names it."),),
                tables=(Rows((say("Act (leaf)"), say("Logged"), say("Decision"), say("Signed by")), self.acts()),),
            ),
            Part(
                say("What an audit cannot see"),
                paragraphs=(
                    say(
                        "It read every leaf and the binding of every live record, and no fact; this report names no "
                        "person. Maps of HEADs before the first one that was rebuilt cannot be rebuilt."
                    ),
                ),
            ),
        ]
        return Document(
            self._language,
            say("Audit of the credit registry"),
            say("Registry {registry}", registry=visible(report.registry)),
            self.verdict,
            not self.clean,
            tuple(parts),
            say("Page {page}", page="{page}"),
        )

    def _findings(self, group: FindingGroup) -> list[Part]:
        say = self._say
        more = (say("And {count} more.", count=group.more),) if group.more else ()
        head = Part(group.name, level=3, paragraphs=(group.meaning, *more))
        return [head, *(self._finding(item) for item in group.shown)]

    def _finding(self, item: AuditFinding) -> Part:
        say, finding = self._say, item.finding
        badges = () if item.accepted is None else (say("accepted"),)
        return Part(f"{finding.id} {item.reference}", level=3, badges=badges, pairs=finding_pairs(item, say))


def finding_pairs(item: AuditFinding, say: Say) -> tuple[tuple[str, str], ...]:
    """Return what a finding means, where it is, and since when it is known: names and values."""
    finding, accepted = item.finding, item.accepted
    pairs = [
        (say("Means"), say(finding.meaning)),
        (say("Leaf"), say("of no single leaf") if finding.leaf_index is None else str(finding.leaf_index)),
        (say("Where"), f"{finding.field} ({finding.rule})"),
        (say("Found"), visible(say.error(finding.got))),
        (say("Wanted"), visible(say.error(finding.want))),
        (say("First found"), say("{at}, at size {size}", at=clock_text(item.found_at), size=item.size)),
    ]
    if accepted is not None:
        pairs.append((say("Accepted"), f"{clock_text(accepted.at)}: {visible(accepted.reason)}"))
    return tuple((name, value) for name, value in pairs if value)
