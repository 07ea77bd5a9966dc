"""Preview of a rulebook: each limit that changes, and what that does to records and members, before anybody signs.

A pure function of the directory, which every member follows. It reads no record: where an effect depends on records,
it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus, Role
from client_sdk.kernel.rules.dates import check_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["EFFECTS", "UNCOUNTED", "RulebookChange", "RulebookPreview", "preview_rulebook"]

_REPORTS = "what is reported from the leaf of the act on; records that are there stay as they were admitted"
_QUOTA = "each member, from its next call on"
_CALENDAR = "disputes that are opened from the leaf of the act on; one that runs keeps its last day"
_LEVELS = "answers from the next HEAD on: what each lender has given is measured anew by it"
_OVERLAYS = (
    "repaid defaults: their lenders may hide what an overlay covers, and the act itself hides nothing; what only an "
    "overlay that is gone has hidden is shown again by itself within a day"
)

# What a change of each limit does, by its name.
EFFECTS = {
    "time_zone": "nothing: it stays for good",
    "retention_years": "records that end from now on; the last day of one that has ended is in its signed statement "
    "and is never later",
    "dispute_days": _CALENDAR,
    "notice_hours": _REPORTS,
    "max_live_records_per_subject": _REPORTS,
    "max_subjects_per_inquiry": "inquiries, from the next one on",
    "daily_report_evaluations": _QUOTA,
    "daily_inquire_evaluations": _QUOTA,
    "heartbeat_seconds": "how old the newest HEAD may be",
    "daily_statements": _QUOTA,
    "daily_inquired_subjects": _QUOTA,
    "holidays": _CALENDAR,
    "workdays": _CALENDAR,
    "paid_judgment_months": _REPORTS,
    "correction_days": "which members get a notice of a correction: those that asked within so many days before it",
    "free_reports_a_year": "reports that persons ask for from now on",
    "request_days": "how old a request may be that a person signed: inquiries of representatives, from the next one on",
    "overlays": _OVERLAYS,
    "scopes": "which facts answers show for each purpose, and how old a consent may be, from the next HEAD on; no "
    "verdict changes",
    "listing_years": _REPORTS,
    "relisting_months": _REPORTS,
    "jurisdiction": "nothing: it stays for good",
    "retained_from_start": "nothing: it stays for good",
    "no_part_payments": _REPORTS,
    "no_fraud_cause": _REPORTS,
    "one_default_a_debt": _REPORTS,
    "default_days": _REPORTS,
    "reciprocity_days": _LEVELS,
    "reciprocity_grace_days": _LEVELS,
    "reciprocity_levels": _LEVELS,
    "stale_days": "which running records answers show as stale, from the next HEAD on",
    "review_days": "members: above 0 each enrolment from now on needs a licence number of a known form and that of a "
    "lender a review, and reviews are over after so many days; it is never 0 again, and the registry starts only "
    "with `production = true` and what that asks for",
    "breach_hours": "until when an act that tells of a breach is in time, from now on",
    "witness_quorum": "answers: each member demands these witnesses' cosignatures from its next round on "
    "(docs/members.md, Comparing and witnesses); name witnesses that run already, and feed them by `witness_policy`",
    "replay_quorum": "answers: by these auditors' cosignatures a CLEAR counts as replayed, from each member's next "
    "round on; name keys of auditors that run `audit --follow --cosign`",
}
# What an administrator cannot count, by the limit that it depends on.
UNCOUNTED = {
    "overlays": "how many live records a new overlay covers: amounts and days are sealed, and only lenders open them",
    "stale_days": "how many running records become stale: the days of versions are in leaves, which auditors read",
    "reciprocity_days": "which lenders fall below a level: what each has given is shown to itself and to auditors",
    "scopes": "how many records are beyond a scope: their kinds and days are in leaves, which auditors read",
}
_SAME_COUNT = {"reciprocity_grace_days": "reciprocity_days", "reciprocity_levels": "reciprocity_days"}


class RulebookChange(NamedTuple):
    """One limit that changes.

    Attributes:
        name: of the limit, as in ``Rulebook``.
        before: its value now; of a list what goes.
        after: its value then; of a list what comes.
        effect: whom or what it concerns, and from when on.
    """

    name: str
    before: str
    after: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulebookPreview(Plain):
    """What a rulebook would change.

    Attributes:
        changes: in the order of the limits; none where it is the one in force.
        lenders: ACTIVE ones, whom it binds.
        members: ACTIVE members of all roles.
        uncounted: what depends on records that an administrator does not read.
    """

    changes: tuple[RulebookChange, ...]
    lenders: int
    members: int
    uncounted: tuple[str, ...]


def preview_rulebook(directory: Directory, rulebook: Rulebook) -> RulebookPreview:
    """Return what a rulebook would change if it were logged next.

    Args:
        directory: of today.
        rulebook: that is proposed.

    Raises:
        RuleError: RULEBOOK_INVALID or as for its days; it could not be logged.
    """
    check_zone(rulebook.time_zone)
    directory.with_rulebook(rulebook)
    changes = tuple(_changes(directory.rulebook, rulebook))
    active = [item for item in directory.institutions.values() if item.status is InstitutionStatus.ACTIVE]
    names = dict.fromkeys(_SAME_COUNT.get(change.name, change.name) for change in changes)
    return RulebookPreview(
        changes=changes,
        lenders=sum(Role.LENDER in item.roles for item in active),
        members=len(active),
        uncounted=tuple(UNCOUNTED[name] for name in names if name in UNCOUNTED),
    )


def _changes(before: Rulebook, after: Rulebook) -> Iterator[RulebookChange]:
    for name in (field.name for field in fields(Rulebook)):
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(old, tuple):
            gone, come = ([item for item in some if item not in others] for some, others in ((old, new), (new, old)))
            yield RulebookChange(name, _listed(gone), _listed(come), EFFECTS[name])
        else:
            yield RulebookChange(name, _word(old), _word(new), EFFECTS[name])


def _listed(items: list[object]) -> str:
    return ", ".join(map(_word, items)) or "none"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Overlay):
        limit = f"at most {value.most} minor units of {value.currency}, repaid by {value.repaid_until}"
        return f"{value.name} ({limit}, hidden from {value.hides_from} to before {value.hides_until})"
    return str(value)
