"""The parts of the naive reading of a log: hashes and roots from their definitions, and what it keeps in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2 as words
from creditregistry.v1 import directory_pb2, statement_pb2
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

if TYPE_CHECKING:
    from collections.abc import Sequence

SHANGHAI = timezone(timedelta(hours=8))
ZERO = bytes(32)
TYPE = "application/vnd.creditregistry.{}.v1+protobuf"

# proto/README.md 2, the table, as it is printed: what may follow what.
FIRST = {"DEFAULT": "OPEN ARRANGED", "JUDGMENT": "OPEN", "ENFORCEMENT": "OPEN", "LISTING": "OPEN"}
NEXT = {
    "DEFAULT OPEN": "OPEN ARRANGED CURED TRANSFERRED WITHDRAWN",
    "DEFAULT ARRANGED": "OPEN ARRANGED CURED TRANSFERRED WITHDRAWN",
    "DEFAULT CURED": "CURED WITHDRAWN",
    "DEFAULT TRANSFERRED": "TRANSFERRED WITHDRAWN",
    "JUDGMENT OPEN": "OPEN SATISFIED TRANSFERRED SET_ASIDE WITHDRAWN",
    "JUDGMENT SATISFIED": "SATISFIED SET_ASIDE WITHDRAWN",
    "JUDGMENT TRANSFERRED": "TRANSFERRED WITHDRAWN",
    "ENFORCEMENT OPEN": "OPEN STAYED SATISFIED SET_ASIDE TRANSFERRED WITHDRAWN",
    "ENFORCEMENT STAYED": "OPEN STAYED SATISFIED SET_ASIDE TRANSFERRED WITHDRAWN",
    "ENFORCEMENT SATISFIED": "SATISFIED WITHDRAWN",
    "ENFORCEMENT TRANSFERRED": "TRANSFERRED WITHDRAWN",
    "LISTING OPEN": "OPEN SET_ASIDE WITHDRAWN",
}
BY_SUCCESSOR = ["CURED", "SATISFIED", "SET_ASIDE", "TRANSFERRED", "WITHDRAWN"]
RUNNING = ["OPEN", "ARRANGED", "STAYED"]
DATED = ["CURED", "SATISFIED", "TRANSFERRED"]
ENDED = ["WITHDRAWN", "SET_ASIDE"]


class Wrong(Exception):  # noqa: N818 - it is a verdict on a leaf
    """A leaf that does not count."""


def require(truth: object, what: str) -> None:
    if not truth:
        raise Wrong(what)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def long(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def naive_tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\x00", leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\x01", naive_tree_root(leaves[:k]), naive_tree_root(leaves[k:]))


def naive_map_root(entries: dict[bytes, bytes], depth: int = 0) -> bytes:
    """proto/README.md 6, word for word."""
    if not entries:
        return ZERO
    if len(entries) == 1:
        ((key, value),) = entries.items()
        return sha(b"\x02", key, value)
    halves: list[dict[bytes, bytes]] = [{}, {}]
    for key, value in entries.items():
        halves[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    return sha(b"\x03", naive_map_root(halves[0], depth + 1), naive_map_root(halves[1], depth + 1))


def first_bit(bit: int, digest: bytes) -> bytes:
    """A digest with another most significant bit: 0 for subjects, 1 for the directory."""
    return bytes((digest[0] % 128 + 128 * bit,)) + digest[1:]


def signed_by(public_key: bytes, form: str, payload: bytes, signature: bytes) -> bool:
    kind = TYPE.format(form)
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    try:
        VerifyKey(public_key).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, SHANGHAI).date().isoformat()


def time_of(leaf: bytes) -> int:
    return int.from_bytes(leaf[2:10], "big")


def real_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass
class Key:
    public: bytes
    usage: str
    first: int
    act: bytes
    end: int = 0
    contested: int = 0

    @property
    def id(self) -> bytes:
        return sha(b"creditregistry/key/v1\x00", long(b"ed25519"), long(self.public))


@dataclass
class Member:
    message: directory_pb2.InstitutionState
    keys: list[Key]
    enrolled_on: str = ""
    # Of the newest review.
    reviewed_on: str = ""
    given: dict[words.Kind.ValueType, str] = field(default_factory=dict)
    closing: bool = False

    def gives(self, said: statement_pb2.Statement, leaf: bytes) -> None:
        standing = words.Standing.Name(said.standing).removeprefix("STANDING_")
        if said.signer == said.issuer and standing not in ENDED:
            given_on = day(int.from_bytes(leaf[2:10], "big"))
            self.given[said.kind] = max(given_on, self.given.get(said.kind, "")) if self.closing else given_on

    def closes(self, today: str, last: str, days: int) -> None:
        self.closing = True
        for kind, given_on in self.given.items():
            if given_on < last and (date.fromisoformat(today) - date.fromisoformat(given_on)).days <= days:
                self.given[kind] = last

    def contribution(self) -> bytes:
        message = directory_pb2.Contribution(institution=self.message.id, enrolled_on=self.enrolled_on)
        for kind in sorted(self.given):
            message.given.add(kind=kind, given_on=self.given[kind])
        return message.SerializeToString(deterministic=True)

    @property
    def status(self) -> str:
        return words.InstitutionStatus.Name(self.message.status).removeprefix("INSTITUTION_STATUS_")

    @property
    def successor(self) -> str:
        successions = self.message.successions
        return successions[-1].successor if successions and not self.message.HasField("ending") else ""

    @property
    def roles(self) -> list[str]:
        return [words.Role.Name(role).removeprefix("ROLE_") for role in self.message.roles]

    def state(self) -> bytes:
        message = directory_pb2.InstitutionState()
        message.CopyFrom(self.message)
        del message.keys[:]
        for key in sorted(self.keys, key=lambda key: key.id):
            message.keys.add(
                key_id=key.id,
                algorithm="ed25519",
                public_key=key.public,
                usage=words.KeyUsage.Value(f"KEY_USAGE_{key.usage}"),
                first=key.first,
                end=key.end,
                contested_from=key.contested,
                act_hash=key.act,
            )
        return message.SerializeToString(deterministic=True)


def directory_entries(members: dict[str, Member]) -> dict[bytes, bytes]:
    """The entries of the map for members, and for what lenders have given."""
    entries: dict[bytes, bytes] = {}
    for id_, member in members.items():
        name = long(id_.encode())
        entries[first_bit(1, sha(b"creditregistry/map/institution/v1\x00", name))] = sha(member.state())
        if "LENDER" in member.roles:
            entries[first_bit(1, sha(b"creditregistry/map/contribution/v1\x00", name))] = sha(member.contribution())
    return entries


# What is remarked on a record, and passes to the one that continues it.
REMARKS = (
    "disputed_at",
    "disputed_since",
    "disputed_by",
    "disputed_jointly",
    "stated_by",
    "text",
    "code",
    "answered",
    "named",
)


@dataclass
class Record:
    kind: str
    versions: list[statement_pb2.Statement]
    payloads: list[bytes]
    index: int
    leaf: bytes
    first: bytes
    notes: list[tuple[int, bytes, statement_pb2.Annotation | None]] = field(default_factory=list)
    flags: set[int] = field(default_factory=set)
    disputed_at: int = 0
    disputed_since: int = 0
    disputed_by: str = ""
    disputed_jointly: bool = False
    stated_by: str = ""
    text: tuple[bytes, bytes] = (b"", b"")
    code: str = ""
    answered: bool = False
    named: list[bytes] = field(default_factory=list)
    overlay: str = ""
    continued: bool = False
    erased: bool = False

    @property
    def standing(self) -> str:
        return words.Standing.Name(self.versions[-1].standing).removeprefix("STANDING_")

    @property
    def live(self) -> bool:
        return not self.erased and not self.continued and self.standing not in ENDED

    @property
    def mapped(self) -> bool:
        return self.live and not self.overlay


def covers(rulebook: directory_pb2.Rulebook, record: Record, name: str, logged_at: int) -> bool:
    """Whether the log allows that an overlay hides a record on that day."""
    for overlay in rulebook.overlays:
        if overlay.name == name:
            newest, repaid = record.versions[-1], overlay.repaid_until
            years = 6 if rulebook.jurisdiction == "uk" else 5
            latest = f"{int(repaid[:4]) + years}{repaid[4:]}"
            in_time = overlay.hides_from <= day(logged_at) < overlay.hides_until
            in_kind = record.kind == "DEFAULT" and record.standing == "CURED"
            return in_time and in_kind and newest.retain_until <= latest
    return False


def kept_overlays(covered: dict[str, bytes], rulebook: directory_pb2.Rulebook) -> dict[str, bytes]:
    """What each overlay covers, by its name: the same in each rulebook that has one of that name."""
    found = dict(covered)
    for overlay in rulebook.overlays:
        covers_now = directory_pb2.Overlay()
        covers_now.CopyFrom(overlay)
        covers_now.hides_from = covers_now.hides_until = ""
        now = covers_now.SerializeToString(deterministic=True)
        require(found.setdefault(overlay.name, now) == now, "overlay kept")
    return found


def check_hiding(
    rulebook: directory_pb2.Rulebook, record: Record, said: statement_pb2.Annotation, logged_at: int, *, own: bool
) -> None:
    """Flag and name go together; who is not the issuer carries them over; an overlay allows what is new."""
    hidden = statement_pb2.ANNOTATION_FLAG_HIDDEN in said.flags
    require(hidden == bool(said.overlay), "overlay")
    if said.overlay != record.overlay:
        require(own, "hidden by another")
        require(not said.overlay or covers(rulebook, record, said.overlay, logged_at), "hidden")


def possessed(registry: str, institution: str, grant: directory_pb2.KeyGrant, by: bytes, signature: bytes) -> bool:
    """Whether a key has signed that it is held."""
    payload = directory_pb2.Possession(
        registry=registry,
        institution=institution,
        algorithm="ed25519",
        public_key=grant.public_key,
        usage=grant.usage,
    ).SerializeToString(deterministic=True)
    return signed_by(by, "possession", payload, signature)


def usage_of(number: words.KeyUsage.ValueType) -> str:
    return words.KeyUsage.Name(number).removeprefix("KEY_USAGE_")


def payload_of(leaf: bytes) -> bytes:
    """The payload of an annotation's leaf (second part) or a lapse's (first part)."""
    length = int.from_bytes(leaf[10:14], "big")
    if leaf[0] == 3:
        return leaf[14 : 14 + length]
    rest = leaf[14 + length :]
    return rest[4 : 4 + int.from_bytes(rest[:4], "big")]


def continued_by(record: Record) -> tuple[str, bytes] | None:
    first = record.versions[0]
    return (first.continues.issuer, first.continues.record_id) if first.HasField("continues") else None


def signed_in_batch(
    public_key: bytes, key_id: bytes, registry: str, signer: str, payload: bytes, carried: bytes
) -> None:
    """Raise ``Wrong`` unless a batch signature over this statement verifies: proto/README.md 2."""
    size, index = int.from_bytes(carried[:8], "big"), int.from_bytes(carried[8:16], "big")
    require(2 <= size <= 65_536 and index < size, "batch")
    rest = carried[16:]

    def walk(place: int, count: int) -> bytes:
        """RFC 6962 2.1.1 read backwards: the path ends with the half beside the root."""
        nonlocal rest
        if count == 1:
            kind = TYPE.format("statement")
            return sha(b"\x00", f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode(), payload)
        k = 1
        while 2 * k < count:
            k *= 2
        own = walk(place, k) if place < k else walk(place - k, count - k)
        require(len(rest) >= 32, "path")
        sibling, rest = rest[:32], rest[32:]
        return sha(b"\x01", own, sibling) if place < k else sha(b"\x01", sibling, own)

    root = walk(index, size)
    require(len(rest) == 68 and rest[:4] == bytes((0, 0, 0, 64)), "length")
    batch = statement_pb2.StatementBatch(registry=registry, signer=signer, key_id=key_id, size=size, root=root)
    require(signed_by(public_key, "statement-batch", batch.SerializeToString(deterministic=True), rest[4:]), "batch")


def years_later(at: int, years: int) -> str:
    """The same day so many years after the day of a moment in ms, in Shanghai."""
    day = datetime.fromtimestamp(at / 1000, SHANGHAI).date()
    try:
        return day.replace(year=day.year + years).isoformat()
    except ValueError:
        return day.replace(year=day.year + years, day=28).isoformat()


def kept_rightly(
    said: statement_pb2.Statement, kind: str, standing: str, before: Record | None, rulebook: directory_pb2.Rulebook
) -> None:
    """Whether the day until which a version is kept may follow that of the version before."""
    date = "" if before is None else before.versions[-1].retain_until
    listed = kind == "LISTING" and standing == "OPEN"
    dated = standing in DATED or (rulebook.retained_from_start and standing in RUNNING)
    require(bool(said.retain_until) == (dated or listed), "date")
    require(listed or not date or said.retain_until <= date, "date")
    years = rulebook.listing_years
    require(not listed or (years and said.retain_until <= years_later(said.issued_at, years + 3)), "listing")


def continued_rightly(
    said: statement_pb2.Statement, sold: statement_pb2.Statement, rulebook: directory_pb2.Rulebook
) -> None:
    """Whether version 1 may continue the newest version of a sold record."""
    require(sold.transferee == said.issuer, "continues")
    require(not rulebook.retained_from_start or said.retain_until <= sold.retain_until, "date")


def withdrawn_rightly(
    said: statement_pb2.Statement,
    kind: str,
    standing: str,
    leaf: bytes,
    before: Record | None,
    rulebook: directory_pb2.Rulebook,
) -> None:
    """Whether reason and evidence go with kind and standing, and days with the times of the leaves."""
    require(said.issued_at <= time_of(leaf) + 5 * 60_000, "time")
    reason = statement_pb2.WithdrawalReason.Name(said.reason).removeprefix("WITHDRAWAL_REASON_")
    require((reason != "UNSPECIFIED") == (standing == "WITHDRAWN"), "reason")
    require(standing == "WITHDRAWN" or not said.evidence, "evidence")
    require(said.evidence or reason not in ("FRAUD", "IDENTITY_THEFT", "COURT_ORDER"), "evidence")
    require(all(len(digest) == 32 and any(digest) and digest != sha() for digest in said.evidence), "evidence")
    require(list(said.evidence) == sorted(set(said.evidence)) and len(said.evidence) <= 16, "evidence")
    require(reason != "PAID_IN_TIME" or (kind == "JUDGMENT" and rulebook.paid_judgment_months), "paid in time")
    removed = reason in ("COURT_REMOVED", "REMOVED_ON_REQUEST")
    require(not removed or kind == "LISTING", "removed")
    require(bool(said.removed_on) == removed, "removed")
    require(not removed or (real_day(said.removed_on) and said.removed_on <= day(said.issued_at)), "removed")
    require(not removed or (before and day(time_of(before.first)) <= said.removed_on), "removed")
