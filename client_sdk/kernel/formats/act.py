"""Encoding and parsing of acts (proto/README.md 5); their effects are in ``ledger.directory``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.breach import BreachBody
from client_sdk.kernel.formats.checkpoint import check_origin
from client_sdk.kernel.formats.closing import ClosingBody, SuccessorRegistry
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.key_grant import KeyGrant, grant_key, possession_payload
from client_sdk.kernel.formats.keys import check_enrolable
from client_sdk.kernel.formats.lasting_text import check_ground
from client_sdk.kernel.formats.leaf import TIME_END_MS
from client_sdk.kernel.formats.readable import flaw_of
from client_sdk.kernel.formats.review import Review
from client_sdk.kernel.formats.state import KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import RecordKey, check_institution_id, check_record_id
from client_sdk.kernel.formats.tls_key import check_spki_hash
from client_sdk.kernel.formats.words import InstitutionStatus, Role, word

__all__ = [
    "Act",
    "AdministratorsBody",
    "Body",
    "BreachBody",
    "ClockBody",
    "ClosingBody",
    "EndingBody",
    "Enrolment",
    "ErasureBody",
    "GenesisBody",
    "InstitutionBody",
    "KeyEndBody",
    "KeyGrant",
    "KeyGrantBody",
    "KeyServicesBody",
    "RetireKeyServicesBody",
    "ReviewBody",
    "RulebookBody",
    "StateBody",
    "SuccessionBody",
    "SuccessorRegistry",
    "TlsKeyBody",
    "grant_key",
    "possession_payload",
]

PART = "act"
NO_PREVIOUS = bytes(HASH_BYTES)
# One act erases at most so many records, so that its leaf stays below the limit of a leaf.
MAX_ERASED_RECORDS = 500
_WHY = "why: a merger, an order of a court, or a decision"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new institution with its first keys, and the review of one that will report."""

    id: str
    licence_number: str
    name: str
    roles: tuple[Role, ...]
    keys: tuple[KeyGrant, ...]
    review: Review | None = None

    def message(self) -> pb.Enrolment:
        """Return the protobuf form."""
        return pb.Enrolment(
            id=self.id,
            licence_number=self.licence_number,
            name=self.name,
            roles=[common_pb2.Role.ValueType(role.number) for role in self.roles],
            keys=[grant.message() for grant in self.keys],
            review=None if self.review is None else self.review.message(),
        )

    @classmethod
    def of(cls, message: pb.Enrolment) -> Enrolment:
        """Return the value of a parsed message.

        Raises:
            FormatError: a field has the wrong form.
        """
        check_institution_id(message.id, PART, "id")
        if not message.licence_number or not message.name:
            raise FormatError(PART, "enrolment.complete", want="a licence number and a name (征信业管理条例 Art. 7)")
        for field in ("licence_number", "name"):
            # With such a character one name looks like another.
            if flaw := flaw_of(getattr(message, field)):
                raise FormatError(PART, "enrolment.name", got=f"{field}: {flaw.got}", want=flaw.want)
        roles = tuple(word(Role, role, PART, "roles") for role in message.roles)
        keys = tuple(KeyGrant.of(grant) for grant in message.keys)
        check_ascending(roles, PART, "roles")
        check_ascending([grant.key_id for grant in keys], PART, "keys")
        if not roles or not keys:
            raise FormatError(PART, "enrolment.complete", want="at least one role and one key")
        if any(grant.endorser or grant.endorsement for grant in keys):
            raise FormatError(PART, "endorser.absent", want="none but in a key act")
        review = Review.of(message.review) if message.HasField("review") else None
        return cls(message.id, message.licence_number, message.name, roles, keys, review)


@dataclass(frozen=True, slots=True)
class GenesisBody:
    """The first act."""

    administrators: tuple[Enrolment, ...]
    threshold: int
    log_keys: tuple[LogKey, ...]
    key_services: KeyServices
    rulebook: Rulebook


@dataclass(frozen=True, slots=True)
class InstitutionBody:
    """A new institution."""

    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class ReviewBody:
    """A further review of a lender."""

    institution: str
    review: Review


@dataclass(frozen=True, slots=True)
class KeyGrantBody:
    """A further key."""

    institution: str
    grant: KeyGrant


@dataclass(frozen=True, slots=True)
class KeyEndBody:
    """The end of a key; what it signed from ``contested_from`` on is in doubt."""

    institution: str
    key_id: bytes
    contested_from: int = 0


@dataclass(frozen=True, slots=True)
class StateBody:
    """A change of an institution's state."""

    institution: str
    status: InstitutionStatus


@dataclass(frozen=True, slots=True)
class SuccessionBody:
    """The successor of a lender, which is TERMINATED from then on."""

    institution: str
    successor: str
    ground: str


@dataclass(frozen=True, slots=True)
class EndingBody:
    """The end of a terminated lender's records: nobody speaks for them any more."""

    institution: str
    ground: str


@dataclass(frozen=True, slots=True)
class KeyServicesBody:
    """A new version of the subject keys."""

    introduce: KeyServices


@dataclass(frozen=True, slots=True)
class RetireKeyServicesBody:
    """The end of a version of the subject keys."""

    retire: int


@dataclass(frozen=True, slots=True)
class RulebookBody:
    """A new rulebook."""

    rulebook: Rulebook


@dataclass(frozen=True, slots=True)
class ErasureBody:
    """Erasure by order."""

    records: tuple[RecordKey, ...]
    ground: str


@dataclass(frozen=True, slots=True)
class AdministratorsBody:
    """New administrators."""

    enrolments: tuple[Enrolment, ...]
    administrators: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class ClockBody:
    """A correction of the log's time: the leaf of this act may carry an earlier time than the leaf before it.

    Attributes:
        not_before: the earliest time that the leaf may carry, ms since 1970 UTC.
    """

    not_before: int


@dataclass(frozen=True, slots=True)
class TlsKeyBody:
    """The end of a TLS key of an institution."""

    institution: str
    spki_hash: bytes
    ground: str


Body = (
    GenesisBody
    | InstitutionBody
    | ReviewBody
    | KeyGrantBody
    | KeyEndBody
    | StateBody
    | SuccessionBody
    | EndingBody
    | KeyServicesBody
    | RetireKeyServicesBody
    | RulebookBody
    | ErasureBody
    | AdministratorsBody
    | ClockBody
    | TlsKeyBody
    | ClosingBody
    | BreachBody
)


@dataclass(frozen=True, slots=True)
class Act:
    """A decision of the administrators, numbered and chained to the previous act."""

    registry: str
    number: int
    previous: bytes
    body: Body

    def encode(self) -> bytes:
        """Return the canonical payload that administrators sign."""
        message = pb.Act(registry=self.registry, number=self.number, previous=self.previous)
        _write_body(message, self.body)
        return canonical.encode(message)

    @classmethod
    def parse(cls, payload: bytes) -> Act:
        """Return the act that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Act, payload, PART)
        if not message.registry or len(message.previous) != HASH_BYTES:
            raise FormatError(PART, "act.complete", want="registry and the hash of the act before")
        if (message.number == 0) is not (message.WhichOneof("body") == "genesis"):
            raise FormatError(PART, "act.number", got=str(message.number), want="0 for genesis and only for it")
        return cls(message.registry, message.number, message.previous, _read_body(message))


def _write_body(message: pb.Act, body: Body) -> None:
    match body:
        case GenesisBody():
            genesis = message.genesis
            genesis.administrators.extend(item.message() for item in body.administrators)
            genesis.threshold = body.threshold
            genesis.log_keys.extend(key.message() for key in body.log_keys)
            genesis.key_services.CopyFrom(body.key_services.message())
            genesis.rulebook.CopyFrom(body.rulebook.message())
        case InstitutionBody():
            message.institution.enrolment.CopyFrom(body.enrolment.message())
        case ReviewBody():
            message.institution.review.institution = body.institution
            message.institution.review.review.CopyFrom(body.review.message())
        case KeyGrantBody() | KeyEndBody() | StateBody() | SuccessionBody() | EndingBody() | TlsKeyBody():
            _write_about_member(message, body)
        case KeyServicesBody():
            message.key_services.introduce.CopyFrom(body.introduce.message())
        case RetireKeyServicesBody():
            message.key_services.retire = body.retire
        case RulebookBody():
            message.rulebook.rulebook.CopyFrom(body.rulebook.message())
        case ErasureBody():
            message.erasure.ground = body.ground
            for record in body.records:
                message.erasure.records.add(issuer=record.issuer, record_id=record.record_id)
        case AdministratorsBody():
            administrators = message.administrators
            administrators.enrolments.extend(item.message() for item in body.enrolments)
            administrators.administrators.extend(body.administrators)
            administrators.threshold = body.threshold
        case ClockBody():
            message.clock.not_before = body.not_before
        case ClosingBody():
            message.closing.CopyFrom(body.message())
        case BreachBody():
            message.breach.CopyFrom(body.message())


def _write_about_member(
    message: pb.Act, body: KeyGrantBody | KeyEndBody | StateBody | SuccessionBody | EndingBody | TlsKeyBody
) -> None:
    match body:
        case KeyGrantBody():
            message.key.institution = body.institution
            message.key.grant.CopyFrom(body.grant.message())
        case KeyEndBody():
            message.key.institution = body.institution
            message.key.end.key_id = body.key_id
            message.key.end.contested_from = body.contested_from
        case StateBody():
            message.state.institution = body.institution
            message.state.status = common_pb2.InstitutionStatus.ValueType(body.status.number)
        case SuccessionBody():
            message.succession.institution = body.institution
            message.succession.successor = body.successor
            message.succession.ground = body.ground
        case EndingBody():
            message.ending.institution = body.institution
            message.ending.ground = body.ground
        case TlsKeyBody():
            message.tls_key.institution = body.institution
            message.tls_key.spki_hash = body.spki_hash
            message.tls_key.ground = body.ground


def _read_body(message: pb.Act) -> Body:
    match message.WhichOneof("body"):
        case "genesis":
            return _read_genesis(message.genesis, message.registry)
        case "institution":
            return _read_institution(message.institution)
        case "key":
            return _read_key(message.key)
        case "state":
            return _read_state(message.state)
        case "succession" | "ending" as name:
            return _read_succession(message.succession) if name == "succession" else _read_ending(message.ending)
        case "key_services":
            return _read_key_services(message.key_services)
        case "rulebook":
            return RulebookBody(Rulebook.of(message.rulebook.rulebook))
        case "erasure":
            return _read_erasure(message.erasure)
        case "administrators":
            return _read_administrators(message.administrators)
        case "clock":
            return _read_clock(message.clock)
        case "tls_key":
            return _read_tls_key(message.tls_key)
        case "closing":
            return ClosingBody.of(message.closing)
        case "breach":
            return BreachBody.of(message.breach)
        case None:
            raise FormatError(PART, "act.body", want="a decision")


def _read_genesis(genesis: pb.GenesisAct, registry: str) -> GenesisBody:
    administrators = tuple(Enrolment.of(item) for item in genesis.administrators)
    check_ascending([item.id for item in administrators], PART, "administrators")
    log_keys = tuple(LogKey.of(key) for key in genesis.log_keys)
    check_ascending([key.origin for key in log_keys], PART, "log_keys")
    if not log_keys:
        raise FormatError(PART, "genesis.complete", want="a log key")
    for key in log_keys:
        check_enrolable(key.algorithm, key.public_key)
        check_origin(key.origin, registry)
    services = KeyServices.of(genesis.key_services, PART)
    return GenesisBody(administrators, genesis.threshold, log_keys, services, Rulebook.of(genesis.rulebook))


def _read_institution(act: pb.InstitutionAct) -> InstitutionBody | ReviewBody:
    match act.WhichOneof("change"):
        case "enrolment":
            return InstitutionBody(Enrolment.of(act.enrolment))
        case "review":
            check_institution_id(act.review.institution, PART, "institution")
            return ReviewBody(act.review.institution, Review.of(act.review.review))
        case None:
            raise FormatError(PART, "institution.change", want="an enrolment or a review")


def _read_key(key: pb.KeyAct) -> KeyGrantBody | KeyEndBody:
    check_institution_id(key.institution, PART, "institution")
    match key.WhichOneof("change"):
        case "grant":
            return KeyGrantBody(key.institution, KeyGrant.of(key.grant))
        case "end":
            if len(key.end.key_id) != HASH_BYTES:
                raise FormatError(PART, "key_id.length", got=f"{len(key.end.key_id)} bytes", want="32 bytes")
            return KeyEndBody(key.institution, key.end.key_id, key.end.contested_from)
        case None:
            raise FormatError(PART, "key.change", want="a grant or an end")


def _read_state(state: pb.StateAct) -> StateBody:
    check_institution_id(state.institution, PART, "institution")
    status = word(InstitutionStatus, state.status, PART, "status")
    return StateBody(state.institution, status)


def _read_succession(act: pb.SuccessionAct) -> SuccessionBody:
    check_institution_id(act.institution, PART, "institution")
    check_institution_id(act.successor, PART, "successor")
    return SuccessionBody(act.institution, act.successor, check_ground(act.ground, PART, "act.ground", _WHY))


def _read_ending(act: pb.EndingAct) -> EndingBody:
    check_institution_id(act.institution, PART, "institution")
    return EndingBody(act.institution, check_ground(act.ground, PART, "act.ground", _WHY))


def _read_key_services(act: pb.KeyServicesAct) -> KeyServicesBody | RetireKeyServicesBody:
    match act.WhichOneof("change"):
        case "introduce":
            return KeyServicesBody(KeyServices.of(act.introduce, PART))
        case "retire":
            if not act.retire:
                raise FormatError(PART, "retire.version", got="0", want="a version")
            return RetireKeyServicesBody(act.retire)
        case None:
            raise FormatError(PART, "key-services.change", want="a new version or the end of one")


def _read_erasure(erasure: pb.ErasureAct) -> ErasureBody:
    records = tuple(RecordKey(record.issuer, record.record_id) for record in erasure.records)
    if not 0 < len(records) <= MAX_ERASED_RECORDS:
        raise FormatError(PART, "erasure.count", got=str(len(records)), want=f"1 to {MAX_ERASED_RECORDS} records")
    for record in records:
        check_institution_id(record.issuer, PART, "issuer")
        check_record_id(record.record_id, PART)
    if any(later <= earlier for earlier, later in pairwise(records)):
        raise FormatError(PART, "erasure.order", want="ascending, without repetition")
    return ErasureBody(records, check_ground(erasure.ground, PART, "erasure.ground", "a legal ground"))


def _read_tls_key(act: pb.TlsKeyAct) -> TlsKeyBody:
    check_institution_id(act.institution, PART, "institution")
    check_spki_hash(act.spki_hash, PART)
    ground = check_ground(act.ground, PART, "tls-key.ground", "why the key ends")
    return TlsKeyBody(act.institution, act.spki_hash, ground)


def _read_administrators(act: pb.AdministratorsAct) -> AdministratorsBody:
    enrolments = tuple(Enrolment.of(item) for item in act.enrolments)
    check_ascending([item.id for item in enrolments], PART, "enrolments")
    check_ascending(list(act.administrators), PART, "administrators")
    return AdministratorsBody(enrolments, tuple(act.administrators), act.threshold)


def _read_clock(act: pb.ClockAct) -> ClockBody:
    if not 0 < act.not_before < TIME_END_MS:
        raise FormatError(PART, "clock.not-before", got=str(act.not_before), want="a time before 9999-01-01 UTC")
    return ClockBody(act.not_before)
