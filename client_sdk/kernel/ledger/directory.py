"""The directory: members, their states and keys, computed from the acts (proto/README.md 5 and 6).

A pure function of the acts in the log. ``Directory.genesis`` starts it, ``apply`` makes the next one; a directory is
never changed. The server, the auditor, the key services and the SDK all follow acts through this one module. Who reads
the statements as well tells it by ``gave`` what members report; who follows the acts alone knows only since when a
member could.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import (
    NO_PREVIOUS,
    Act,
    AdministratorsBody,
    BreachBody,
    ClockBody,
    ClosingBody,
    EndingBody,
    Enrolment,
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
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, contribution_key, institution_key, state_value
from client_sdk.kernel.formats.state import (
    AdministratorAct,
    EndedRecords,
    EndedTlsKey,
    InstitutionKey,
    InstitutionState,
    RegistryState,
    Rulebook,
)
from client_sdk.kernel.formats.words import InstitutionStatus, Role
from client_sdk.kernel.ledger.administration import (
    Administration,
    check_endorsed,
    check_enrolment,
    check_grant,
    check_signed,
    check_usage,
    new_key,
)
from client_sdk.kernel.ledger.breach import LoggedBreach, breach_due, check_breach
from client_sdk.kernel.ledger.closing import closed_by
from client_sdk.kernel.ledger.head_time import check_correction
from client_sdk.kernel.ledger.onboarding import ReviewStanding, check_onboarded, check_renewed, standing_of
from client_sdk.kernel.ledger.registry_change import check_rulebook_change, introduced, retired
from client_sdk.kernel.ledger.succession import succeeded, with_records_ended
from client_sdk.kernel.rules.dates import check_zone, day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.lifecycle import is_live
from client_sdk.kernel.rules.overlay import with_overlays
from client_sdk.kernel.rules.reciprocity import kept_until
from client_sdk.kernel.rules.retention import expires_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.act import KeyGrant
    from client_sdk.kernel.formats.leaf import ActLeaf
    from client_sdk.kernel.formats.overlay import Overlay
    from client_sdk.kernel.formats.review import Review
    from client_sdk.kernel.formats.statement import Statement
    from client_sdk.kernel.formats.words import KeyUsage
    from client_sdk.kernel.ledger.closing import Closing

__all__ = ["Directory"]


@dataclass(frozen=True, slots=True)
class Directory:
    """All institutions, the registry's own state and the rulebook after some act."""

    institutions: Mapping[str, InstitutionState]
    owners: Mapping[bytes, str]
    administration: Administration
    state: RegistryState
    rulebook: Rulebook
    newest_act: int
    # What each lender has given, by institution id.
    contributions: Mapping[str, Contribution] = field(default_factory=dict)
    # Of every rulebook so far, by name.
    overlays: Mapping[str, Overlay] = field(default_factory=dict)
    # None while no act has closed the registry.
    closing: Closing | None = None
    # The newest review of each lender that has one, by institution id.
    reviews: Mapping[str, Review] = field(default_factory=dict)
    # Breaches of which acts have told, by the index of the act.
    breaches: Mapping[int, LoggedBreach] = field(default_factory=dict)
    # Every rulebook before the one in force, ascending, by the index of the act that replaced it.
    replaced: tuple[tuple[int, Rulebook], ...] = ()

    @classmethod
    def genesis(cls, leaf: ActLeaf) -> Directory:
        """Return the directory that the genesis act makes.

        Raises:
            FormatError: the act is not canonical.
            RuleError: its administrators, keys or signatures are not in order.
        """
        directory = cls.drafted(leaf)
        check_signed(0, leaf, Act.parse(leaf.payload), None, directory.administration)
        return directory

    @classmethod
    def drafted(cls, leaf: ActLeaf) -> Directory:
        """Return the directory that a genesis act will make once it is signed; its signatures are not looked at.

        Raises:
            FormatError: the act is not canonical.
            RuleError: its administrators or keys are not in order.
        """
        act = Act.parse(leaf.payload)
        if not isinstance(act.body, GenesisBody) or act.previous != NO_PREVIOUS:
            raise RuleError("ACT_ORDER", "number", "act.genesis", want="a genesis act as leaf 0")
        body = act.body
        check_zone(body.rulebook.time_zone)
        act_hash = leaf_hash(leaf.encode())
        administration = Administration({}, (), 0).after(0, act, act_hash)
        administration.check()
        state = RegistryState(
            registry=act.registry,
            administrators=administration.acting,
            threshold=body.threshold,
            log_keys=body.log_keys,
            key_services=(body.key_services,),
            rulebook_digest=body.rulebook.digest,
            act_number=0,
            act_hash=act_hash,
            administrator_acts=(AdministratorAct(0, act_hash),),
            trial=administration.trial,
        )
        if body.key_services.subject_key_version != 1:
            raise RuleError("KEY_SERVICES_INVALID", "key_services", "key-services.version", want="version 1")
        overlays = with_overlays({}, body.rulebook.overlays)
        directory = cls({}, {}, administration, state, body.rulebook, 0, overlays=overlays)
        for enrolment in body.administrators:
            if enrolment.roles != (Role.ADMINISTRATOR,):
                raise RuleError("ENROLMENT_INVALID", "roles", "institution.role", want="ADMINISTRATOR alone at genesis")
            directory = directory._enrol(enrolment, 0, leaf.logged_at, act_hash)
        return directory.with_new_lenders(leaf.logged_at)

    def apply(self, index: int, leaf: ActLeaf) -> Directory:
        """Return the directory after an act at that index.

        Raises:
            FormatError: the act is not canonical.
            RuleError: ACT_ORDER, ACT_SIGNATURE, ACT_THRESHOLD, or what the decision itself breaks.
        """
        act = Act.parse(leaf.payload)
        self.check_order(act)
        if isinstance(act.body, ClockBody):
            check_correction(act.body.not_before, leaf.logged_at)
        act_hash = leaf_hash(leaf.encode())
        administration = self.administration.after(index, act, act_hash)
        decided = self._decide(act, index, leaf.logged_at, act_hash, administration)
        check_signed(index, leaf, act, self.administration, administration)
        changed = (AdministratorAct(index, act_hash),) if administration is not self.administration else ()
        state = replace(
            decided.state,
            act_number=act.number,
            act_hash=act_hash,
            administrators=administration.acting,
            threshold=administration.threshold,
            trial=administration.trial,
            administrator_acts=self.state.administrator_acts + changed,
        )
        replaced = self.replaced if decided.rulebook is self.rulebook else (*self.replaced, (index, self.rulebook))
        after = replace(decided, administration=administration, state=state, newest_act=index, replaced=replaced)
        return after.with_new_lenders(leaf.logged_at)

    def rulebook_at(self, index: int) -> Rulebook:
        """Return the rulebook that was in force for the leaf at an index."""
        return next((rulebook for until, rulebook in self.replaced if index < until), self.rulebook)

    def with_new_lenders(self, logged_at: int) -> Directory:
        """Return the directory with what its new lenders have given, which is nothing yet.

        Args:
            logged_at: of the act that enrolled them, ms.
        """
        new = [id_ for id_, state in self.institutions.items() if Role.LENDER in state.roles]
        new = [id_ for id_ in new if id_ not in self.contributions]
        if not new:
            return self
        day = day_of(logged_at, self.rulebook.time_zone).isoformat()
        return replace(self, contributions={**self.contributions, **{id_: Contribution(id_, day) for id_ in new}})

    def gave(self, statement: Statement, day: str) -> Directory:
        """Return the directory after a version was logged; the same one where what its issuer has given is the same.

        Args:
            statement: that counts.
            day: legal day of its leaf, YYYY-MM-DD.
        """
        before = self.contributions.get(statement.issuer)
        if before is None or statement.signer != statement.issuer or not is_live(statement.standing):
            return self
        # Once the registry closes, what counted then stays as of its last day.
        after = before if self.closing and before.given_on(statement.kind) > day else before.after(statement.kind, day)
        return self if after is before else self.with_contribution(after)

    def with_contribution(self, contribution: Contribution) -> Directory:
        """Return the directory with what one of its lenders has given."""
        return replace(self, contributions={**self.contributions, contribution.institution: contribution})

    def check_order(self, act: Act) -> None:
        """Check that an act is the next one of this registry.

        Raises:
            RuleError: ACT_ORDER.
        """
        if act.registry != self.state.registry:
            raise RuleError("ACT_ORDER", "registry", "leaf.registry", got=act.registry, want=self.state.registry)
        if act.number != self.state.act_number + 1:
            want = str(self.state.act_number + 1)
            raise RuleError("ACT_ORDER", "number", "leaf.number", got=str(act.number), want=want)
        if act.previous != self.state.act_hash:
            raise RuleError("ACT_ORDER", "previous", "leaf.previous", want="the hash of the act before")

    def decide(self, act: Act, index: int, now: int) -> None:
        """Check an act's decision before it is signed.

        Args:
            act: the next one.
            index: at which it may be logged.
            now: ms since 1970 UTC.

        Raises:
            RuleError: what the decision breaks.
        """
        self.check_order(act)
        act_hash = bytes(32)
        self._decide(act, index, now, act_hash, self.administration.after(index, act, act_hash))

    def _decide(
        self, act: Act, index: int, logged_at: int, act_hash: bytes, administration: Administration
    ) -> Directory:
        decided = self._changed(act, index, logged_at, act_hash)
        if administration is not self.administration:
            self.administration.check_change(administration)
        return decided

    def institution(self, institution: str) -> InstitutionState:
        """Return an institution.

        Raises:
            RuleError: INSTITUTION_UNKNOWN.
        """
        try:
            return self.institutions[institution]
        except KeyError:
            raise RuleError("INSTITUTION_UNKNOWN", "institution", "institution.member", want="a member") from None

    def review_standing(self, institution: str, now: int) -> ReviewStanding:
        """Return how the review of a member stands at a time, ms since 1970 UTC.

        Raises:
            RuleError: INSTITUTION_UNKNOWN.
        """
        review = self.reviews.get(institution)
        return standing_of(self.institution(institution), review, self.rulebook, now)

    def contribution(self, institution: str) -> Contribution:
        """Return what a lender has given.

        Raises:
            RuleError: NOT_A_LENDER.
        """
        try:
            return self.contributions[institution]
        except KeyError:
            raise RuleError("NOT_A_LENDER", "institution", "institution.role", want="a LENDER") from None

    def check_transferee(self, seller: str, buyer: str) -> None:
        """Check that the buyer of a debt can continue its record: another lender, whatever its status is now.

        Raises:
            RuleError: FACTS_INVALID.
        """
        member = self.institutions.get(buyer)
        if buyer == seller or member is None or Role.LENDER not in member.roles:
            got = "the seller" if buyer == seller else "no such lender"
            want = "the id of another lender of the directory; none for a buyer who is no member"
            raise RuleError("FACTS_INVALID", "transferee", "transferee.lender", got=got, want=want)

    def key_of(self, key_id: bytes, speaker: str, field: str = "key_id") -> InstitutionKey:
        """Return a key that an act gave to the institution that speaks with it, whether it still runs or not.

        Args:
            key_id: of the key that signed.
            speaker: institution id.
            field: path of the key id inside what was sent, for the error.

        Raises:
            RuleError: KEY_UNKNOWN or KEY_OF_ANOTHER.
        """
        owner = self.owners.get(key_id)
        key = None if owner is None else self.institutions[owner].key(key_id)
        if owner is None or key is None:
            raise RuleError("KEY_UNKNOWN", field, "key.known", want="a key that an act gave")
        if owner != speaker:
            raise RuleError("KEY_OF_ANOTHER", field, "key.owner", got=owner, want=speaker)
        return key

    def key_at(self, key_id: bytes, speaker: str, usage: KeyUsage, index: int) -> InstitutionKey:
        """Return the key with which an institution may speak at a leaf (proto/README.md 6).

        Raises:
            RuleError: KEY_UNKNOWN, KEY_OF_ANOTHER, KEY_USAGE or KEY_RANGE.
        """
        key = self.key_of(key_id, speaker)
        if key.usage is not usage:
            raise RuleError("KEY_USAGE", "key_id", "key.usage", got=key.usage.name, want=usage.name)
        if not key.counts_at(index):
            got = f"leaf {index}, key {key.first} to {key.end or 'now'}"
            raise RuleError("KEY_RANGE", "key_id", "key.range", got=got, want="a leaf within the key's range")
        return key

    def map_entries(self) -> dict[bytes, bytes]:
        """Return key and value of all map entries except those of subjects."""
        entries = {institution_key(id_): state_value(state.encode()) for id_, state in self.institutions.items()}
        entries |= {contribution_key(id_): state_value(item.encode()) for id_, item in self.contributions.items()}
        entries[REGISTRY_KEY] = state_value(self.state.encode())
        return entries

    def entries_since(self, before: Directory) -> dict[bytes, bytes]:
        """Return key and value of those entries that differ from an earlier directory's, and of some that do not."""
        if before.state is not self.state:
            return self.map_entries()
        changed = [item for id_, item in self.contributions.items() if before.contributions.get(id_) is not item]
        return {contribution_key(item.institution): state_value(item.encode()) for item in changed}

    def _changed(self, act: Act, index: int, logged_at: int, act_hash: bytes) -> Directory:
        match act.body:
            case GenesisBody():
                raise RuleError("ACT_ORDER", "number", "act.genesis", want="one genesis")
            case InstitutionBody(enrolment):
                return self._enrol(enrolment, index, logged_at, act_hash)
            case AdministratorsBody():
                return self._set_administrators(act.body, index, logged_at, act_hash)
            case ReviewBody(institution, review):
                return self._review(institution, review, logged_at)
            case KeyGrantBody(institution, grant):
                return self._grant(institution, grant, index, act_hash)
            case KeyEndBody(institution, key_id, contested_from):
                return self._end_key(institution, key_id, contested_from, index)
            case StateBody():
                return self._set_state(act.body)
            case SuccessionBody(institution, successor):
                state, heir = self.institution(institution), self.institution(successor)
                return self._with(succeeded(state, heir, index, act_hash), ())
            case EndingBody(institution):
                until = expires_on(day_of(logged_at, self.rulebook.time_zone), self.rulebook.retention_years)
                ending = EndedRecords(until.isoformat(), index, act_hash)
                return self._with(with_records_ended(self.institution(institution), ending), ())
            case KeyServicesBody() | RetireKeyServicesBody() | RulebookBody():
                return self._change_registry(act.body)
            case ErasureBody() | ClockBody():
                return self
            case ClosingBody():
                today, last = day_of(logged_at, self.rulebook.time_zone), act.body.open_until
                closing = closed_by(self.closing, act.body, index, today.isoformat(), self.state.registry)
                given = {id_: kept_until(one, self.rulebook, today, last) for id_, one in self.contributions.items()}
                return replace(self, closing=closing, contributions=given)
            case TlsKeyBody(institution, spki_hash, _):
                return self._end_tls_key(institution, spki_hash, index, act_hash)
            case BreachBody():
                check_breach(act.body, self.institutions, logged_at)
                breach = LoggedBreach(act_hash, act.body, logged_at, breach_due(act.body, self.rulebook))
                return replace(self, breaches={**self.breaches, index: breach})

    def _enrol(self, enrolment: Enrolment, index: int, logged_at: int, act_hash: bytes) -> Directory:
        if enrolment.id in self.institutions:
            raise RuleError(
                "ENROLMENT_INVALID", "id", "institution.member", got=enrolment.id, want="an id not used yet"
            )
        check_enrolment(self.state.registry, enrolment)
        check_onboarded(enrolment, self.rulebook, logged_at)
        for grant in enrolment.keys:
            self._check_not_taken(grant)
        keys = tuple(new_key(grant, index, act_hash) for grant in enrolment.keys)
        state = InstitutionState(
            enrolment.id,
            enrolment.licence_number,
            enrolment.name,
            enrolment.roles,
            InstitutionStatus.ACTIVE,
            keys,
        )
        review = {} if enrolment.review is None else {enrolment.id: enrolment.review}
        return replace(self._with(state, (key.key_id for key in keys)), reviews={**self.reviews, **review})

    def _review(self, institution: str, review: Review, logged_at: int) -> Directory:
        before = self.reviews.get(institution)
        check_renewed(self.institution(institution), before, review, self.rulebook, logged_at)
        return replace(self, reviews={**self.reviews, institution: review})

    def _check_not_taken(self, grant: KeyGrant) -> None:
        taken = {key.public_key for key in self.state.log_keys}
        taken |= {service.public_key for version in self.state.key_services for service in version.services}
        if grant.key_id in self.owners or grant.public_key in taken:
            raise RuleError("KEY_TAKEN", "keys", "key.enrolled-once", want="a key enrolled nowhere before")

    def _grant(self, institution: str, grant: KeyGrant, index: int, act_hash: bytes) -> Directory:
        state = self.institution(institution)
        if state.status is InstitutionStatus.TERMINATED:
            raise RuleError(
                "STATE_INVALID", "institution", "institution.terminated", want="no key for a terminated member"
            )
        check_usage(state.roles, grant)
        self._check_not_taken(grant)
        check_grant(self.state.registry, institution, grant)
        check_endorsed(self.state.registry, institution, grant, state.key(grant.endorser), index)
        key = new_key(grant, index, act_hash)
        keys = tuple(sorted((*state.keys, key), key=lambda held: held.key_id))
        return self._with(replace(state, keys=keys), (key.key_id,))

    def _end_key(self, institution: str, key_id: bytes, contested_from: int, index: int) -> Directory:
        state = self.institution(institution)
        key = state.key(key_id)
        if key is None or not key.running:
            raise RuleError("KEY_RANGE", "key_id", "key.running", want="a running key of the institution")
        if contested_from and not key.first < contested_from <= index:
            got = str(contested_from)
            raise RuleError("KEY_RANGE", "contested_from", "key.contested", got=got, want="a leaf in the key's range")
        ended = replace(key, end=index, contested_from=contested_from)
        keys = tuple(ended if held.key_id == key_id else held for held in state.keys)
        return self._with(replace(state, keys=keys), ())

    def _end_tls_key(self, institution: str, spki_hash: bytes, index: int, act_hash: bytes) -> Directory:
        state = self.institution(institution)
        ended = state.ended_tls_key(spki_hash)
        if ended is not None:
            got = f"ended by the act at leaf {ended.index}"
            raise RuleError("TLS_KEY_REVOKED", "spki_hash", "tls-key.ended", got=got, want="a key not ended before")
        keys = (*state.ended_tls_keys, EndedTlsKey(spki_hash, index, act_hash))
        return self._with(replace(state, ended_tls_keys=tuple(sorted(keys, key=lambda key: key.spki_hash))), ())

    def _set_state(self, body: StateBody) -> Directory:
        state = self.institution(body.institution)
        if state.status is InstitutionStatus.TERMINATED:
            want = "no further state of a terminated member"
            raise RuleError("STATE_INVALID", "status", "institution.terminated", got=body.status.name, want=want)
        if body.status is state.status:
            raise RuleError("STATE_INVALID", "status", "institution.state", got=body.status.name, want="a change")
        return self._with(replace(state, status=body.status), ())

    def _change_registry(self, body: KeyServicesBody | RetireKeyServicesBody | RulebookBody) -> Directory:
        match body:
            case KeyServicesBody(introduce):
                return replace(self, state=introduced(self.state, introduce))
            case RetireKeyServicesBody(version):
                return replace(self, state=retired(self.state, version))
            case RulebookBody(rulebook):
                return self.with_rulebook(rulebook)

    def with_rulebook(self, rulebook: Rulebook) -> Directory:
        """Return the directory under another rulebook.

        Raises:
            RuleError: RULEBOOK_INVALID; it gives more time for disputes, or changes what stays for good.
        """
        check_rulebook_change(self.rulebook, rulebook)
        state = replace(self.state, rulebook_digest=rulebook.digest)
        overlays = with_overlays(self.overlays, rulebook.overlays)
        return replace(self, rulebook=rulebook, state=state, overlays=overlays)

    def _set_administrators(self, body: AdministratorsBody, index: int, logged_at: int, act_hash: bytes) -> Directory:
        directory = self
        for enrolment in body.enrolments:
            if Role.ADMINISTRATOR not in enrolment.roles or enrolment.id not in body.administrators:
                raise RuleError("ENROLMENT_INVALID", "roles", "institution.role", want="administrators only")
            directory = directory._enrol(enrolment, index, logged_at, act_hash)
        for institution in body.administrators:
            if Role.ADMINISTRATOR not in directory.institution(institution).roles:
                raise RuleError(
                    "ADMINISTRATION_INVALID", "administrators", "institution.role", want="the role ADMINISTRATOR"
                )
        return directory

    def _with(self, state: InstitutionState, key_ids: Iterable[bytes]) -> Directory:
        owners = {**self.owners, **dict.fromkeys(key_ids, state.id)}
        return replace(self, institutions={**self.institutions, state.id: state}, owners=owners)
