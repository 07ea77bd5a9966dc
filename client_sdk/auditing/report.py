"""The report of an audit: text, a dictionary, or one HTML page without script or outside reference.

Text and page are in the program's language; the dictionary, for programs, is the same in each.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from jinja2 import Environment, PackageLoader, StrictUndefined

from client_sdk._version import __version__
from client_sdk.act_titles import DECISIONS
from client_sdk.kernel.formats.moment import moment_text
from client_sdk.kernel.formats.plain import Plain, plain
from client_sdk.new_file import NewFile
from client_sdk.texts import N_, recognised, say, spoken_language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from jinja2 import Template

    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.tally import ActRow, BreachRow, HeadPoint, InquiryRow, InstitutionRow
    from client_sdk.kernel.formats.plain import Json
    from client_sdk.kernel.ledger.findings import Finding, FindingId

__all__ = ["AuditReport", "as_html", "as_text"]

EXIT_CLEAN = 0
EXIT_FOUND = 1
_LEAF_WORDS = {
    "STATEMENT": N_("{count} statements and annotations"),
    "ACT": N_("{count} acts"),
    "LAPSE": N_("{count} lapses"),
    "HEAD": N_("{count} HEADs"),
}


@dataclass(frozen=True, kw_only=True)
class AuditReport(Plain):
    """Result of an audit: counts and findings. It contains no personal data.

    Attributes:
        registry: its name.
        fingerprint: of the trust root.
        audited_at: when it began, UTC.
        previous_size: leaves that an earlier audit had read.
        size: leaves up to which this one went.
        root: of their tree.
        origin: of the log.
        logged_at: when the newest leaf was logged, UTC; None where none was read.
        leaves: how many of each type.
        signatures: of members, verified in this audit.
        live: live records.
        inquiries: leaves of the inquiry tree.
        inquiry_outcomes: how many of them were ANSWERED, and how many refused for each reason.
        inquiries_by: how often each member asked, by purpose.
        directory_checked: whether the directory that the registry proves could be held against the acts.
        maps_checked: sizes at whose HEAD the map was rebuilt: the first, the newest, and how many.
        heads: HEADs with their times, at most 256 evenly chosen, the first and the newest among them.
        institutions: every member.
        acts: every act, in order.
        breaches: of which acts tell, and whether each was told in time.
        findings: everything found, by this audit and by earlier ones.
        new: how many of them no earlier audit had found.
        silencing: references of those that keep this auditor from cosigning.
        counts: how many of each kind, those beyond the kept ones included.
        seconds: how long it took.
    """

    registry: str
    fingerprint: str
    audited_at: datetime
    previous_size: int
    size: int
    root: bytes = b""
    origin: str = ""
    logged_at: datetime | None = None
    leaves: Mapping[str, int] = field(default_factory=dict)
    signatures: int = 0
    live: int = 0
    inquiries: int = 0
    inquiry_outcomes: Mapping[str, int] = field(default_factory=dict)
    inquiries_by: tuple[InquiryRow, ...] = ()
    directory_checked: bool = False
    maps_checked: tuple[int, int, int] = (0, 0, 0)
    heads: tuple[HeadPoint, ...] = ()
    institutions: tuple[InstitutionRow, ...] = ()
    acts: tuple[ActRow, ...] = ()
    breaches: tuple[BreachRow, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    new: int = 0
    silencing: tuple[str, ...] = ()
    counts: Mapping[FindingId, int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was found, now or earlier."""
        return not self.findings

    @property
    def accepted(self) -> int:
        """How many findings a person at the auditor has accepted."""
        return sum(found.accepted is not None for found in self.findings)

    @property
    def hidden(self) -> int:
        """How many findings there are beyond those that are listed."""
        return sum(self.counts.values()) - len(self.findings)

    @property
    def exit_code(self) -> int:
        """0 only if nothing was found that nobody has accepted."""
        return EXIT_CLEAN if self.accepted == len(self.findings) and not self.hidden else EXIT_FOUND

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if self.clean:
            return say("Nothing was found.")
        total = sum(self.counts.values())
        found = say("1 finding") if total == 1 else say("{count} findings", count=total)
        accepted = say(", {count} accepted", count=self.accepted) if self.accepted else ""
        return say("{found}, {new} of them new{accepted}.", found=found, new=self.new, accepted=accepted)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values of the audited log."""
        separator, none = say(", "), say("none")
        types = separator.join(say(words, count=self.leaves.get(name, 0)) for name, words in _LEAF_WORDS.items())
        outcomes = separator.join(f"{count} {outcome}" for outcome, count in self.inquiry_outcomes.items())
        audited = say("0 to {size}, {new} of them new", size=self.size, new=max(self.size - self.previous_size, 0))
        took = say(
            "{at} in {seconds} s, version {version}",
            at=moment_text(self.audited_at),
            seconds=f"{self.seconds:.1f}",
            version=__version__,
        )
        return [
            (say("Registry"), self.registry),
            (say("Fingerprint of the trust root"), self.fingerprint),
            (say("Log"), self.origin or say("not read")),
            (say("Leaves audited"), audited),
            (say("Root of these leaves"), self.root.hex() or none),
            (say("As of"), moment_text(self.logged_at) if self.logged_at else say("never")),
            (say("Leaves by type"), types),
            (say("Signatures verified in this audit"), str(self.signatures)),
            (say("Live records"), str(self.live)),
            (say("Maps rebuilt and compared"), self._maps()),
            (say("Notices of breaches"), self._breaches()),
            (say("Directory compared with the acts"), say("yes") if self.directory_checked else say("no")),
            (say("Inquiries in the inquiry tree"), str(self.inquiries)),
            (say("Inquiries by outcome"), outcomes or none),
            (say("Audited"), took),
        ]

    def _maps(self) -> str:
        first, newest, count = self.maps_checked
        if count > 1:
            return say(
                "at {count} sizes, {first} the first and {newest} the newest", count=count, first=first, newest=newest
            )
        return say("at size {size}", size=first) if count else say("none")

    def _breaches(self) -> str:
        late = [row for row in self.breaches if not row.in_time]
        if not late:
            return say("{count}, each in time", count=len(self.breaches)) if self.breaches else say("none")
        last = say(", ").join(
            say("leaf {leaf}, due {due}", leaf=row.leaf_index, due=moment_text(row.due_at)) for row in late
        )
        return say("{count}, {late} of them LATE: {last}", count=len(self.breaches), late=len(late), last=last)

    def to_dict(self) -> dict[str, Json]:
        """Return counts and findings as values that ``json.dumps`` takes; times are ISO 8601, hashes hexadecimal."""
        first, newest, count = self.maps_checked
        return {
            **Plain.to_dict(self),
            "clean": self.clean,
            "maps_checked": {"first": first, "newest": newest, "count": count},
            "findings": [
                {
                    **found.finding.to_dict(),
                    "reference": found.reference,
                    "meaning": found.finding.meaning,
                    "found_at": plain(found.found_at),
                    "found_at_size": found.size,
                    "accepted": None if found.accepted is None else plain(found.accepted._asdict()),
                }
                for found in self.findings
            ],
        }

    def write_text(self, path: str | Path) -> None:
        """Write the report to a new file, as a terminal shows it.

        Raises:
            ConfigError: something exists there already, or it cannot be written.
        """
        _write(path, as_text(self))

    def write_html(self, path: str | Path) -> None:
        """Write the report to a new file, as one HTML page that needs nothing else; errors as ``write_text``."""
        _write(path, as_html(self))

    def write_json(self, path: str | Path) -> None:
        """Write ``to_dict`` to a new file, as JSON; errors as ``write_text``."""
        _write(path, json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n")


def _write(path: str | Path, content: str) -> None:
    with NewFile(path) as file:
        file.write(content.encode())


def as_text(report: AuditReport) -> str:
    """Return the report for a terminal, in the program's language."""
    width = max(_width(name) for name, _ in report.facts)
    lines = [f"{name}{' ' * (width - _width(name))}  {value}" for name, value in report.facts]
    lines += ["", report.verdict]
    for found in report.findings:
        lines.append(f"  {found.reference}  {_finding_text(found.finding)}")
        if found.accepted is not None:
            at, reason = moment_text(found.accepted.at), found.accepted.reason
            lines.append(say("    ACCEPTED at {at}: {reason}", at=at, reason=reason))
    if report.hidden:
        lines.append(say("  and {count} more of the same kinds", count=report.hidden))
    return "\n".join(lines) + "\n"


def _finding_text(finding: Finding) -> str:
    found = [say("got {got}", got=recognised(finding.got))] if finding.got else []
    found += [say("want {want}", want=recognised(finding.want))] if finding.want else []
    place = "" if finding.leaf_index is None else say(" at leaf {index}", index=finding.leaf_index)
    told = say(", ").join([f"{say(finding.meaning)} {finding.field}", *found])
    return f"{finding.id}{place}{say(': ')}{told} ({finding.rule})"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def as_html(report: AuditReport) -> str:
    """Return the report as one page in the program's language: no script, no font, no image, no address."""
    return _template().render(report=report, language=spoken_language())


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("client_sdk.auditing", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment_text, "recognised": recognised}
    environment.globals |= {"say": say, "decisions": DECISIONS}
    return environment.get_template("report.html.j2")
