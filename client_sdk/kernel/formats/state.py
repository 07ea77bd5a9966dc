"""Institution state, registry state and rulebook, as the map commits to them (proto/README.md 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.contribution import levels_of, read_levels
from client_sdk.kernel.formats.day_lists import DAY_LISTS, check_days
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.jurisdiction import jurisdiction
from client_sdk.kernel.formats.keys import key_id
from client_sdk.kernel.formats.member_parts import EndedRecords, EndedTlsKey, InstitutionKey, Succession
from client_sdk.kernel.formats.overlay import Overlay, check_overlays
from client_sdk.kernel.formats.replay_quorum import read_replay_lines, read_witness_lines
from client_sdk.kernel.formats.scope import read_scopes, scopes_of
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.voprf_key import check_voprf_key
from client_sdk.kernel.formats.words import USAGES, InstitutionStatus, Role, go_together, word

if TYPE_CHECKING:
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum

__all__ = [
    "VOPRF",
    "AdministratorAct",
    "EndedRecords",
    "EndedTlsKey",
    "InstitutionKey",
    "InstitutionState",
    "KeyService",
    "KeyServices",
    "LogKey",
    "RegistryState",
    "Rulebook",
    "Succession",
    "bounds_of",
]

# Algorithm name of a key service's key inside a key id.
VOPRF = "voprf-ristretto255-sha512"


@dataclass(frozen=True, slots=True)
class InstitutionState:
    """One institution as the map holds it."""

    id: str
    licence_number: str
    name: str
    roles: tuple[Role, ...]
    status: InstitutionStatus
    keys: tuple[InstitutionKey, ...]
    successions: tuple[Succession, ...] = ()
    ended_tls_keys: tuple[EndedTlsKey, ...] = ()
    ending: EndedRecords | None = None

    @property
    def successor(self) -> str:
        """Current successor; empty for none, as once its records are ended."""
        return self.successions[-1].successor if self.successions and self.ending is None else ""

    def succession_at(self, index: int) -> Succession | None:
        """Return the succession that counts at a leaf: the newest that an earlier act made; None for none."""
        if self.ending is not None and self.ending.index < index:
            return None
        return next((item for item in reversed(self.successions) if item.first < index), None)

    def terminated_at(self, index: int) -> bool:
        """Whether its successions or its ending show that it was terminated at a leaf: that of the first, or later."""
        acts = [item.first for item in self.successions] + ([] if self.ending is None else [self.ending.index])
        return bool(acts) and index >= min(acts)

    def speaks_at(self, id_: str, index: int) -> bool:
        """Whether an institution speaks for this one at a leaf: itself, or its successor there."""
        succession = self.succession_at(index)
        return id_ == self.id or (succession is not None and id_ == succession.successor)

    def key(self, key_id: bytes) -> InstitutionKey | None:
        """Return the key with that id, if the institution ever held it."""
        for key in self.keys:
            if key.key_id == key_id:
                return key
        return None

    def ended_tls_key(self, spki_hash: bytes) -> EndedTlsKey | None:
        """Return the TLS key with that hash, if an act has ended it."""
        return next((ended for ended in self.ended_tls_keys if ended.spki_hash == spki_hash), None)

    def encode(self) -> bytes:
        """Return the canonical bytes that the map's value hashes."""
        return canonical.encode(
            pb.InstitutionState(
                id=self.id,
                licence_number=self.licence_number,
                name=self.name,
                roles=[common_pb2.Role.ValueType(role.number) for role in self.roles],
                status=common_pb2.InstitutionStatus.ValueType(self.status.number),
                keys=[key.message() for key in self.keys],
                successions=[item.message() for item in self.successions],
                ended_tls_keys=[item.message() for item in self.ended_tls_keys],
                ending=None if self.ending is None else self.ending.message(),
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> InstitutionState:
        """Return the state that the bytes canonically encode.

        Raises:
            FormatError: they are not canonical, or a field has the wrong form.
        """
        part = "institution state"
        message = canonical.parse(pb.InstitutionState, data, part)
        check_institution_id(message.id, part, "id")
        keys = tuple(InstitutionKey.of(key, part) for key in message.keys)
        check_ascending([key.key_id for key in keys], part, "keys")
        roles = tuple(word(Role, role, part, "roles") for role in message.roles)
        check_ascending(roles, part, "roles")
        if not go_together(roles):
            raise FormatError(part, "roles.alone", want="a role, and AUDITOR or REPRESENTATIVE alone")
        if any(not any(key.usage in USAGES[role] for role in roles) for key in keys):
            raise FormatError(part, "institution.role", want="keys of a usage of its roles")
        status = word(InstitutionStatus, message.status, part, "status")
        successions = tuple(Succession.of(item, part) for item in message.successions)
        check_ascending([0, *(item.first for item in successions)], part, "successions")
        ending = EndedRecords.of(message.ending, part) if message.HasField("ending") else None
        if (successions or ending) and status is not InstitutionStatus.TERMINATED:
            raise FormatError(part, "successions.absent", want="none but for TERMINATED")
        if ending is not None and successions and successions[-1].first >= ending.index:
            raise FormatError(part, "ending.last", want="no successor after the ending")
        ended_tls_keys = tuple(EndedTlsKey.of(item, part) for item in message.ended_tls_keys)
        check_ascending([item.spki_hash for item in ended_tls_keys], part, "ended_tls_keys")
        return cls(
            message.id,
            message.licence_number,
            message.name,
            roles,
            status,
            keys,
            successions,
            ended_tls_keys,
            ending,
        )


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log; its origin is also the name of the note key."""

    origin: str
    algorithm: str
    public_key: bytes

    def message(self) -> pb.LogKey:
        """Return the protobuf form."""
        return pb.LogKey(origin=self.origin, algorithm=self.algorithm, public_key=self.public_key)

    @classmethod
    def of(cls, message: pb.LogKey) -> LogKey:
        """Return the value of a parsed message."""
        return cls(message.origin, message.algorithm, message.public_key)


@dataclass(frozen=True, slots=True)
class KeyService:
    """A key service: where it listens, its VOPRF public key, and the name that its certificate carries."""

    url: str
    public_key: bytes
    name: str

    @property
    def key_id(self) -> bytes:
        """The key id that a key-request names."""
        return key_id(VOPRF, self.public_key)


@dataclass(frozen=True, slots=True)
class KeyServices:
    """The key services of one version of the subject keys, in the order in which their outputs are joined."""

    subject_key_version: int
    services: tuple[KeyService, ...]

    def message(self) -> pb.KeyServices:
        """Return the protobuf form."""
        services = [pb.KeyService(url=item.url, public_key=item.public_key, name=item.name) for item in self.services]
        return pb.KeyServices(subject_key_version=self.subject_key_version, services=services)

    @classmethod
    def of(cls, message: pb.KeyServices, part: str) -> KeyServices:
        """Return the value of a parsed message.

        Raises:
            FormatError: no service, no version, an invalid key, or one key or name twice.
        """
        services = tuple(KeyService(item.url, check_voprf_key(item.public_key), item.name) for item in message.services)
        for service in services:
            check_institution_id(service.name, part, "key_services.name")
        if not message.subject_key_version or not services:
            raise FormatError(part, "key-services.complete", want="a version and at least one service")
        distinct = {service.public_key for service in services}, {service.name for service in services}
        if any(len(values) != len(services) for values in distinct):
            raise FormatError(part, "key-services.distinct", want="a key and a name of its own for each service")
        if any(not service.url for service in services):
            raise FormatError(part, "key-services.form", want="an address")
        return cls(message.subject_key_version, services)


# What no rulebook may exceed (proto/README.md 3, 5 and 9), beside what its jurisdiction sets.
_MOST = {
    "paid_judgment_months": 12,
    "listing_years": 2,
    "relisting_months": 12,
    "max_live_records_per_subject": 1_000,
    "max_subjects_per_inquiry": 100,
    "correction_days": 1_830,
    "default_days": 366,
    "stale_days": 3_660,
    "request_days": 3_660,
    "review_days": 1_830,
    "breach_hours": 72,
    "reciprocity_days": 1_830,
    "reciprocity_grace_days": 1_830,
}
# What may be nought, or an empty list; every other limit is above it.
_OPTIONAL = frozenset(
    (
        *("notice_hours", "paid_judgment_months", "listing_years", "relisting_months", "default_days"),
        *("reciprocity_grace_days", "reciprocity_levels", "request_days", "review_days", "overlays"),
        *("witness_quorum", "replay_quorum", *DAY_LISTS),
    )
)


def bounds_of(name: str, of_jurisdiction: str) -> tuple[int, int | None]:
    """Return the least and the largest number of a limit in a jurisdiction; None where no largest is set."""
    return int(name not in _OPTIONAL), {**_MOST, **jurisdiction(of_jurisdiction).most}.get(name)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Limits and periods for all members; units are in the names (proto/creditregistry/v1/directory.proto)."""

    time_zone: str = "Asia/Shanghai"
    retention_years: int = 5
    dispute_days: int = 20
    notice_hours: int = 0
    max_live_records_per_subject: int = 1_000
    max_subjects_per_inquiry: int = 100
    daily_report_evaluations: int = 1_000_000
    daily_inquire_evaluations: int = 100_000
    heartbeat_seconds: int = 60
    daily_statements: int = 5_000_000
    daily_inquired_subjects: int = 1_000_000
    holidays: tuple[str, ...] = ()
    workdays: tuple[str, ...] = ()
    paid_judgment_months: int = 0
    correction_days: int = 184  # No six months are longer (FCRA 611(d)).
    free_reports_a_year: int = 2
    request_days: int = 366  # No year is longer, and alerts last for one.
    overlays: tuple[Overlay, ...] = ()
    # As ``PurposeScope.text``; the reasons are in jurisdictions/cn.toml.
    scopes: tuple[str, ...] = (
        "LOAN_APPROVAL:DEFAULT+JUDGMENT+ENFORCEMENT+LISTING",
        "GUARANTEE_REVIEW:DEFAULT+JUDGMENT+ENFORCEMENT+LISTING",
        "POST_LOAN_REVIEW:DEFAULT+JUDGMENT+ENFORCEMENT+LISTING:paid=730",
        "COLLECTION:JUDGMENT+ENFORCEMENT+LISTING",
    )
    listing_years: int = 2
    relisting_months: int = 6
    jurisdiction: str = "cn"
    retained_from_start: bool = False
    no_part_payments: bool = False
    no_fraud_cause: bool = False
    one_default_a_debt: bool = False
    default_days: int = 0
    reciprocity_days: int = 184
    reciprocity_grace_days: int = 184
    # As ``ReciprocityLevel.text``: few lenders have cases of enforcement, which follow from judgments.
    reciprocity_levels: tuple[str, ...] = (
        "DEFAULT:DEFAULT",
        "JUDGMENT:JUDGMENT+ENFORCEMENT",
        "ENFORCEMENT:JUDGMENT+ENFORCEMENT",
    )
    stale_days: int = 184
    review_days: int = 0
    breach_hours: int = 72  # GDPR Art. 33.
    # As ``WitnessQuorum.lines``.
    witness_quorum: tuple[str, ...] = ()
    replay_quorum: tuple[str, ...] = ()

    @property
    def quorum(self) -> WitnessQuorum | None:
        """The witnesses that must cosign what this log shows; None where nothing is demanded."""
        return read_witness_lines(self.witness_quorum)

    @property
    def replaying(self) -> WitnessQuorum | None:
        """The auditors that rebuild this log and say so; None where none are named."""
        return read_replay_lines(self.replay_quorum, self.witness_quorum)

    @property
    def production(self) -> bool:
        """Whether real persons are in the registry: enrolments then need licence and review (proto/README.md 5)."""
        return self.review_days > 0

    @classmethod
    def shipped(cls, name: str) -> Rulebook:
        """Return the rulebook that ships for a jurisdiction.

        Raises:
            FormatError: there is none of that name.
        """
        given = jurisdiction(name).rulebook
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        return cls(**{**values, "jurisdiction": name})

    @property
    def longest_years(self) -> int:
        """The most years for which any rulebook of its jurisdiction keeps a record."""
        return jurisdiction(self.jurisdiction).most["retention_years"]

    @property
    def chinese_case_numbers(self) -> bool:
        """Whether numbers of cases have the form of Chinese courts; else any."""
        return jurisdiction(self.jurisdiction).chinese_case_numbers

    def message(self) -> pb.Rulebook:
        """Return the protobuf form.

        Raises:
            FormatError: a list of days holds what is no day, or of levels, scopes or witnesses what is none.
        """
        read_witness_lines(tuple(self.witness_quorum))
        read_replay_lines(tuple(self.replay_quorum), tuple(self.witness_quorum))
        for name in DAY_LISTS:
            check_days(name, getattr(self, name))
        values = {name: getattr(self, name) for name in self.__slots__}
        values["reciprocity_levels"] = [level.message() for level in levels_of(self.reciprocity_levels)]
        values["scopes"] = [scope.message() for scope in scopes_of(self.scopes)]
        values["overlays"] = [overlay.message() for overlay in self.overlays]
        return pb.Rulebook(**values)

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return _encoded(self)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes, as RegistryState carries it."""
        return sha256(self.encode()).digest()

    @classmethod
    def of(cls, message: pb.Rulebook) -> Rulebook:
        """Return the value of a parsed message.

        Raises:
            FormatError: a limit is missing, or the law's limits are exceeded.
        """
        fields: dict[str, Any] = {name: getattr(message, name) for name in cls.__slots__}
        lists = {name: tuple(fields[name]) for name in DAY_LISTS}
        texts = {"reciprocity_levels": read_levels(message.reciprocity_levels), "scopes": read_scopes(message.scopes)}
        overlays = tuple(Overlay.of(item) for item in message.overlays)
        quorums = {name: tuple(fields[name]) for name in ("witness_quorum", "replay_quorum")}
        rulebook = cls(**{**fields, **lists, **texts, **quorums, "overlays": overlays})
        required = [name for name in cls.__slots__ if name not in _OPTIONAL and not isinstance(fields[name], bool)]
        if missing := [name for name in required if not fields[name]]:
            raise FormatError("rulebook", "rulebook.complete", got=f"no {missing[0]}", want="every limit")
        for name, most in {**_MOST, **jurisdiction(rulebook.jurisdiction).most}.items():
            if getattr(rulebook, name) > most:
                raise FormatError("rulebook", f"{name}.limit", got=str(getattr(rulebook, name)), want=f"at most {most}")
        for name, days in lists.items():
            check_days(name, days)
        check_overlays(overlays)
        read_witness_lines(rulebook.witness_quorum)
        read_replay_lines(rulebook.replay_quorum, rulebook.witness_quorum)
        return rulebook


@lru_cache(maxsize=16)
def _encoded(rulebook: Rulebook) -> bytes:
    """Return the canonical bytes of a rulebook: the same one stands in every answer that shows a record."""
    return canonical.encode(rulebook.message())


class AdministratorAct(NamedTuple):
    """Place and leaf hash of an act that made or changed the administrators."""

    place: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class RegistryState:
    """The registry itself as the map holds it."""

    registry: str
    administrators: tuple[str, ...]
    threshold: int
    log_keys: tuple[LogKey, ...]
    key_services: tuple[KeyServices, ...]
    rulebook_digest: bytes
    act_number: int
    act_hash: bytes
    administrator_acts: tuple[AdministratorAct, ...]
    trial: bool = False

    def has_key_service(self, name: str) -> bool:
        """Whether a key service of that name belongs to a live version."""
        return any(service.name == name for version in self.key_services for service in version.services)

    @property
    def newest_subject_key_version(self) -> int:
        """The version that new records carry."""
        return self.key_services[-1].subject_key_version

    @property
    def live_subject_key_versions(self) -> tuple[int, ...]:
        """Versions under which CLEAR needs a proof of absence, ascending."""
        return tuple(services.subject_key_version for services in self.key_services)

    def encode(self) -> bytes:
        """Return the canonical bytes that the map's value hashes."""
        return canonical.encode(
            pb.RegistryState(
                registry=self.registry,
                administrators=self.administrators,
                threshold=self.threshold,
                log_keys=[key.message() for key in self.log_keys],
                key_services=[services.message() for services in self.key_services],
                rulebook_digest=self.rulebook_digest,
                act_number=self.act_number,
                act_hash=self.act_hash,
                administrator_acts=[
                    pb.AdministratorAct(index=act.place, hash=act.leaf_hash) for act in self.administrator_acts
                ],
                trial=self.trial,
            )
        )

    @classmethod
    def parse(cls, data: bytes) -> RegistryState:
        """Return the state that the bytes canonically encode.

        Raises:
            FormatError: they are not canonical, or a field has the wrong form.
        """
        part = "registry state"
        message = canonical.parse(pb.RegistryState, data, part)
        services = tuple(KeyServices.of(item, part) for item in message.key_services)
        check_ascending([item.subject_key_version for item in services], part, "key_services")
        check_ascending(list(message.administrators), part, "administrators")
        check_ascending([act.index for act in message.administrator_acts], part, "administrator_acts")
        if not services or not message.log_keys or not message.administrators or not message.administrator_acts:
            raise FormatError(part, "registry-state.complete", want="administrators, log keys and key services")
        hashes = [message.rulebook_digest, message.act_hash, *(act.hash for act in message.administrator_acts)]
        if any(len(value) != sha256().digest_size for value in hashes):
            raise FormatError(part, "registry-state.hash-length", want="32 bytes")
        return cls(
            message.registry,
            tuple(message.administrators),
            message.threshold,
            tuple(LogKey.of(key) for key in message.log_keys),
            services,
            message.rulebook_digest,
            message.act_number,
            message.act_hash,
            tuple(AdministratorAct(act.index, act.hash) for act in message.administrator_acts),
            message.trial,
        )
