"""Statistics of an audit: leaves by type, acts, records by institution. They contain no subject and no facts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.act import (
    Act,
    AdministratorsBody,
    BreachBody,
    ClockBody,
    ClosingBody,
    EndingBody,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
)
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, LeafType, parse_leaf
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.words import AnnotationFlag

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.ledger.replay import Replay

__all__ = [
    "CLOCK_DECISION",
    "ActRow",
    "BreachRow",
    "InstitutionRow",
    "LeafTally",
    "breach_rows",
    "institution_rows",
]

# What an act that corrects the log's time is called.
CLOCK_DECISION = "clock"
_NAMES = {int(kind): kind.name for kind in LeafType}


class ActRow(NamedTuple):
    """One act in the log.

    Attributes:
        leaf_index: of its leaf.
        number: of the act.
        logged_at: when it was logged, UTC.
        decision: what kind of decision.
        about: id of the institution, key service or record that the act is about.
        signers: ids of the administrators who signed.
    """

    leaf_index: int
    number: int
    logged_at: datetime
    decision: str
    about: str
    signers: tuple[str, ...]


class BreachRow(NamedTuple):
    """A breach of data of which an act tells.

    Attributes:
        leaf_index: of the act's leaf.
        noticed_at: when the breach was noticed, by the act's own word, UTC.
        due_at: until when the act had to be logged, by the rulebook, UTC.
        logged_at: when it was logged, UTC.
        in_time: whether it was not later.
    """

    leaf_index: int
    noticed_at: datetime
    due_at: datetime
    logged_at: datetime
    in_time: bool


class InstitutionRow(NamedTuple):
    """One institution and its records.

    Attributes:
        id: of the institution.
        name: as it was enrolled.
        roles: names of its roles.
        status: name of its state.
        keys: running ones.
        ended_keys: of which nothing counts any more.
        records: that it opened.
        versions: of these.
        live: of these records.
        disputed: of the live ones.
        erased: of its records.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    status: str
    keys: int
    ended_keys: int
    records: int
    versions: int
    live: int
    disputed: int
    erased: int


class LeafTally:
    """Counts leaves as they pass."""

    def __init__(self) -> None:
        self.size = 0
        self.leaves: Counter[str] = Counter()
        self._acts: list[tuple[int, ActLeaf, Act]] = []

    def take(self, batch: list[bytes]) -> None:
        """Count the next leaves."""
        self.leaves.update(_NAMES.get(leaf[0] if leaf else 0, "OTHER") for leaf in batch)
        for place, data in enumerate(batch, self.size):
            if data[:1] == bytes((LeafType.ACT,)):
                self._take_act(place, data)
        self.size += len(batch)

    def _take_act(self, place: int, data: bytes) -> None:
        try:
            leaf = parse_leaf(data)
            if isinstance(leaf, ActLeaf):
                self._acts.append((place, leaf, Act.parse(leaf.payload)))
        except FormatError:
            return  # A finding says so.

    def acts(self, replay: Replay) -> tuple[ActRow, ...]:
        """Return the acts in order."""
        owners = replay.directory.owners
        rows = []
        for place, leaf, act in self._acts:
            decision, about = _describe(act.body)
            signers = sorted({owners.get(approval.key_id, "unknown") for approval in leaf.approvals})
            rows.append(ActRow(place, act.number, moment(leaf.logged_at), decision, about, tuple(signers)))
        return tuple(rows)


def _describe(body: Body) -> tuple[str, str]:
    match body:
        case GenesisBody(administrators, threshold):
            return "genesis", f"{threshold} of {len(administrators)} administrators"
        case (
            InstitutionBody()
            | ReviewBody()
            | KeyGrantBody()
            | KeyEndBody()
            | StateBody()
            | SuccessionBody()
            | EndingBody()
            | TlsKeyBody()
        ):
            return _describe_member(body)
        case KeyServicesBody(introduce):
            return "key services", f"version {introduce.subject_key_version} introduced"
        case RetireKeyServicesBody(version):
            return "key services", f"version {version} retired"
        case RulebookBody():
            return "rulebook", "new"
        case ErasureBody(records, ground):
            return "erasure", f"{len(records)} {'record' if len(records) == 1 else 'records'}, {ground}"
        case AdministratorsBody(_, administrators, threshold):
            return "administrators", f"{threshold} of {', '.join(administrators)}"
        case ClockBody(not_before):
            return CLOCK_DECISION, f"the log's time may go back to {moment(not_before):%Y-%m-%d %H:%M:%S} UTC"
        case ClosingBody(way, open_until, approval):
            return "closing", f"open until {open_until}, then {way.name}, approved by {approval}"
        case BreachBody():
            return "breach", f"of {', '.join(body.data)}, for {', '.join(body.members) or 'all members'}"


def _describe_member(
    body: InstitutionBody
    | ReviewBody
    | KeyGrantBody
    | KeyEndBody
    | StateBody
    | SuccessionBody
    | EndingBody
    | TlsKeyBody,
) -> tuple[str, str]:
    match body:
        case InstitutionBody(enrolment):
            return "institution", enrolment.id
        case ReviewBody(institution, review):
            return "review", f"{institution}: of {review.reviewed_on}, {review.reference}"
        case KeyGrantBody(institution, grant):
            return "key", f"{institution}: {grant.usage.name} given"
        case KeyEndBody(institution, _, contested_from):
            return "key", f"{institution}: ended" + (f", contested from {contested_from}" if contested_from else "")
        case StateBody(institution, status):
            return "state", f"{institution}: {status.name}"
        case SuccessionBody(institution, successor, ground):
            return "succession", f"{institution}: {successor} from here on, {ground}"
        case EndingBody(institution, ground):
            return "ending", f"{institution}: nobody speaks for its records any more, {ground}"
        case TlsKeyBody(institution, _, ground):
            return "TLS key", f"{institution}: ended, {ground}"


def _describe_state(body: StateBody | SuccessionBody | EndingBody) -> tuple[str, str]:
    match body:
        case StateBody(institution, status):
            return "state", f"{institution}: {status.name}"
        case SuccessionBody(institution, successor, ground):
            return "succession", f"{institution}: {successor} from here on, {ground}"
        case EndingBody(institution, ground):
            return "ending", f"{institution}: nobody speaks for its records any more, {ground}"


def breach_rows(replay: Replay) -> tuple[BreachRow, ...]:
    """Return the breaches of which acts have told, in order."""
    return tuple(
        BreachRow(place, moment(told.body.noticed_at), moment(told.due_at), moment(told.logged_at), told.in_time)
        for place, told in sorted(replay.directory.breaches.items())
    )


def institution_rows(replay: Replay) -> tuple[InstitutionRow, ...]:
    """Return every institution with the counts of its records, by id."""
    states = replay.directory.institutions
    counts = {id_: Counter[str]() for id_ in states}
    for chain in replay.chains.values():
        disputed = chain.annotation is not None and AnnotationFlag.DISPUTED in chain.annotation.flags
        counts[chain.key.issuer].update(
            records=1,
            versions=chain.version,
            live=int(chain.live),
            disputed=int(chain.live and disputed),
            erased=int(chain.erased),
        )
    return tuple(_row(states[id_], counts[id_]) for id_ in sorted(states))


def _row(state: InstitutionState, counts: Counter[str]) -> InstitutionRow:
    running = sum(1 for key in state.keys if key.running)
    return InstitutionRow(
        state.id,
        state.name,
        tuple(role.name for role in state.roles),
        state.status.name,
        running,
        len(state.keys) - running,
        counts["records"],
        counts["versions"],
        counts["live"],
        counts["disputed"],
        counts["erased"],
    )
