"""The report of an audit: text, a dictionary, or one HTML page without script or outside reference."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from client_sdk._version import __version__
from client_sdk.kernel.formats.moment import moment_text
from client_sdk.kernel.formats.plain import Plain, plain
from client_sdk.new_file import NewFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from jinja2 import Template

    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.tally import ActRow, BreachRow, HeadPoint, InquiryRow, InstitutionRow
    from client_sdk.kernel.formats.plain import Json
    from client_sdk.kernel.ledger.findings import FindingId

__all__ = ["AuditReport", "as_html", "as_text"]

EXIT_CLEAN = 0
EXIT_FOUND = 1
_LEAF_WORDS = {"STATEMENT": "statements and annotations", "ACT": "acts", "LAPSE": "lapses", "HEAD": "HEADs"}


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
            return "Nothing was found."
        total = sum(self.counts.values())
        accepted = f", {self.accepted} accepted" if self.accepted else ""
        return f"{total} {'finding' if total == 1 else 'findings'}, {self.new} of them new{accepted}."

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values of the audited log."""
        types = ", ".join(f"{self.leaves.get(name, 0)} {words}" for name, words in _LEAF_WORDS.items())
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.inquiry_outcomes.items())
        first, newest, count = self.maps_checked
        maps = f"at {count} sizes, {first} the first and {newest} the newest" if count > 1 else f"at size {first}"
        return [
            ("Registry", self.registry),
            ("Fingerprint of the trust root", self.fingerprint),
            ("Log", self.origin or "not read"),
            ("Leaves audited", f"0 to {self.size}, {max(self.size - self.previous_size, 0)} of them new"),
            ("Root of these leaves", self.root.hex() or "none"),
            ("As of", moment_text(self.logged_at) if self.logged_at else "never"),
            ("Leaves by type", types),
            ("Signatures verified in this audit", str(self.signatures)),
            ("Live records", str(self.live)),
            ("Maps rebuilt and compared", maps if count else "none"),
            ("Notices of breaches", self._breaches()),
            ("Directory compared with the acts", "yes" if self.directory_checked else "no"),
            ("Inquiries in the inquiry tree", str(self.inquiries)),
            ("Inquiries by outcome", outcomes or "none"),
            ("Audited", f"{moment_text(self.audited_at)} in {self.seconds:.1f} s, version {__version__}"),
        ]

    def _breaches(self) -> str:
        late = [row for row in self.breaches if not row.in_time]
        if not late:
            return f"{len(self.breaches)}, each in time" if self.breaches else "none"
        last = ", ".join(f"leaf {row.leaf_index}, due {moment_text(row.due_at)}" for row in late)
        return f"{len(self.breaches)}, {len(late)} of them LATE: {last}"

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
    """Return the report for a terminal."""
    width = max(len(name) for name, _ in report.facts)
    lines = [f"{name:<{width}}  {value}" for name, value in report.facts]
    lines += ["", report.verdict]
    for found in report.findings:
        lines.append(f"  {found.reference}  {found.finding}")
        if found.accepted is not None:
            lines.append(f"    ACCEPTED at {moment_text(found.accepted.at)}: {found.accepted.reason}")
    if report.hidden:
        lines.append(f"  and {report.hidden} more of the same kinds")
    return "\n".join(lines) + "\n"


def as_html(report: AuditReport) -> str:
    """Return the report as one page that needs nothing else: no script, no font, no image, no address."""
    return _template().render(report=report)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("client_sdk.auditing", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = moment_text
    return environment.get_template("report.html.j2")
