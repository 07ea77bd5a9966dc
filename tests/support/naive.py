"""A second implementation of the log's meaning: naive, slow, and from the text of the formats alone.

It shares no code with the kernel: it reads bytes and generated messages, keeps plain dictionaries, recomputes every
root from its definition, and says of each leaf whether it counts. What the kernel says must be the same.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2 as words
from creditregistry.v1 import directory_pb2, statement_pb2

from tests.support.naive_acts import (
    NewestClosing,
    decide_breach,
    decide_closing,
    decide_ending,
    decide_key_end,
    decide_review,
    decide_state,
    decide_succession,
    decide_tls_key,
    onboarded,
    opens_debt,
    years_later,
)
from tests.support.naive_parts import (
    BY_SUCCESSOR,
    ENDED,
    FIRST,
    NEXT,
    REMARKS,
    TYPE,
    ZERO,
    Key,
    Member,
    Record,
    Wrong,
    check_hiding,
    continued_by,
    continued_rightly,
    covers,
    day,
    directory_entries,
    first_bit,
    kept_overlays,
    kept_rightly,
    naive_map_root,
    naive_tree_root,
    payload_of,
    possessed,
    require,
    sha,
    signed_by,
    signed_in_batch,
    usage_of,
    withdrawn_rightly,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HIDDEN = statement_pb2.ANNOTATION_FLAG_HIDDEN

__all__ = ["NaiveLog", "naive_map_root", "naive_tree_root"]


class NaiveLog:
    """Reads a log from its first leaf; ``wrong`` lists the leaves that do not count."""

    def __init__(self) -> None:
        self.registry = ""
        self.members: dict[str, Member] = {}
        self.records: dict[tuple[str, bytes], Record] = {}
        self.acts: list[tuple[int, bytes]] = []
        self.administrator_acts: list[tuple[int, bytes]] = []
        self.administrators: list[str] = []
        self.genesis = directory_pb2.GenesisAct()
        self.covered: dict[str, bytes] = {}
        self.heads: list[bytes] = []
        self.threshold, self.inquiries, self.size, self.last_head = 0, 0, 0, -1
        self.wrong: dict[int, str] = {}
        self.erased_now: list[tuple[int, tuple[str, bytes]]] = []
        self.acknowledged: set[bytes] = set()
        self.closing = NewestClosing()

    def read(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            index = self.size
            self.size += 1
            try:
                self._leaf(index, leaf)
            except Wrong as wrong:
                self.wrong[index] = str(wrong)

    def _leaf(self, index: int, leaf: bytes) -> None:
        require(leaf[1] == 1, "version")
        logged_at = int.from_bytes(leaf[2:10], "big")
        parts, rest = [], leaf[10:]
        while rest:
            length = int.from_bytes(rest[:4], "big")
            parts.append(rest[4 : 4 + length])
            rest = rest[4 + length :]
        require(index != 1 or leaf[0] == 4, "leaf 1")
        if leaf[0] == 1 and self.closing.act.open_until and parts[0].decode() != TYPE.format("acknowledgement"):
            require(day(logged_at) <= self.closing.act.open_until, "closed")
            require(parts[0].decode() != TYPE.format("statement") or not opens_debt(parts[1]), "closing")
        if leaf[0] == 1 and parts[0].decode() == TYPE.format("statement"):
            self._statement(index, leaf, parts[1], parts[2], parts[3])
            said = statement_pb2.Statement.FromString(parts[1])
            self.members[said.issuer].gives(said, leaf)
        elif leaf[0] == 1 and parts[0].decode() == TYPE.format("acknowledgement"):
            self._acknowledgement(index, parts[1], parts[2], parts[3])
        elif leaf[0] == 1:
            self._annotation(index, leaf, logged_at, parts[1], parts[2], parts[3])
        elif leaf[0] == 2:
            self._act(index, leaf, logged_at, parts[1], list(zip(parts[2::2], parts[3::2], strict=True)))
            for member in self.members.values():
                member.enrolled_on = member.enrolled_on or day(logged_at)
        elif leaf[0] == 3:
            self._lapse(index, leaf, logged_at, parts[0])
        else:
            self._head(index, leaf, parts[0])

    # Who speaks

    def _key(self, key_id: bytes, owner: str, index: int, usages: tuple[str, ...] = ("REPORT",)) -> Key:
        member = self.members.get(owner)
        require(member, "nobody")
        assert member is not None
        keys = [key for key in member.keys if key.id == key_id and key.usage in usages]
        require(keys, "key")
        require(keys[0].first < index and (not keys[0].end or index < keys[0].end), "range")
        return keys[0]

    def _acknowledgement(self, index: int, payload: bytes, key_id: bytes, signature: bytes) -> None:
        said = statement_pb2.Acknowledgement.FromString(payload)
        key = self._key(key_id, said.member, index, ("REPORT", "INQUIRE"))
        require(signed_by(key.public, "acknowledgement", payload, signature), "signature")
        require(said.registry == self.registry, "registry")
        require(said.issued_at and len(said.notice_commitment) == 32, "form")
        member = self.members[said.member]
        require(member.status != "TERMINATED" and {"LENDER", "REPRESENTATIVE"} & set(member.roles), "member")
        require(said.notice_commitment not in self.acknowledged, "twice")
        self.acknowledged.add(said.notice_commitment)

    def _statement(self, index: int, leaf: bytes, payload: bytes, key_id: bytes, signature: bytes) -> None:
        said = statement_pb2.Statement.FromString(payload)
        standing = words.Standing.Name(said.standing).removeprefix("STANDING_")
        kind = words.Kind.Name(said.kind).removeprefix("KIND_")
        key = self._key(key_id, said.signer, index)
        if len(signature) == 64:
            require(signed_by(key.public, "statement", payload, signature), "signature")
        else:
            signed_in_batch(key.public, key_id, said.registry, said.signer, payload, signature)
        require(said.registry == self.registry, "registry")
        issuer = self.members.get(said.issuer)
        require(issuer and "LENDER" in issuer.roles, "issuer")
        assert issuer is not None
        if said.signer == said.issuer:
            require(issuer.status != "TERMINATED", "terminated")
            require(issuer.status != "SUSPENDED" or said.version > 1, "suspended")
        else:
            require(issuer.status == "TERMINATED" and issuer.successor == said.signer, "successor")
            require(self.members[said.signer].status != "TERMINATED", "successor")
            require(said.version > 1 and standing in BY_SUCCESSOR, "successor")
        if said.transferee:
            buyer = self.members.get(said.transferee)
            require(buyer and "LENDER" in buyer.roles and said.transferee != said.issuer, "transferee")
        place = (said.issuer, said.record_id)
        before = self.records.get(place)
        versions = [service.subject_key_version for service in self._services()]
        if before is None:
            require(said.version == 1 and standing in FIRST[kind].split(), "first")
            require(said.subject_key_version == versions[-1], "keys")
            if said.HasField("continues"):
                old = self.records.get((said.continues.issuer, said.continues.record_id))
                require(old and old.live and old.standing == "TRANSFERRED" and old.kind == kind, "continues")
                assert old
                continued_rightly(said, old.versions[-1], self.genesis.rulebook)
        else:
            require(before.live, "live")
            require(said.version == len(before.versions) + 1, "version")
            require(said.previous == sha(before.payloads[-1]), "previous")
            require(kind == before.kind, "kind")
            require(standing in NEXT[f"{kind} {before.standing}"].split(), "transition")
            require(said.signer == said.issuer or standing != before.standing, "successor")
            if standing not in ENDED and said.subject_key_version != before.versions[-1].subject_key_version:
                newer = said.subject_key_version > before.versions[-1].subject_key_version
                require(newer and said.subject_key_version in versions and standing == before.standing, "keys")
        kept_rightly(said, kind, standing, before, self.genesis.rulebook)
        withdrawn_rightly(said, kind, standing, leaf, before, self.genesis.rulebook)
        if before is None:
            record = self.records[place] = Record(kind, [said], [payload], index, leaf, leaf)
            if said.HasField("continues"):
                old = self.records[said.continues.issuer, said.continues.record_id]
                old.continued = True
                if old.notes:
                    remarks = {name: getattr(old, name) for name in REMARKS}
                    notes, flags = [*old.notes, (index, leaf, None)], old.flags - {HIDDEN}
                    self.records[place] = replace(record, **remarks, notes=notes, flags=flags)
        else:
            before.versions, before.payloads = [*before.versions, said], [*before.payloads, payload]
            before.index, before.leaf = index, leaf
            before.flags, before.overlay = before.flags - {HIDDEN}, ""

    def _annotation(
        self, index: int, leaf: bytes, logged_at: int, payload: bytes, key_id: bytes, signature: bytes
    ) -> None:
        said = statement_pb2.Annotation.FromString(payload)
        key = self._key(key_id, said.author, index)
        require(signed_by(key.public, "annotation", payload, signature), "signature")
        require(said.registry == self.registry, "registry")
        author = self.members[said.author]
        require(author.status != "TERMINATED" and {"LENDER", "REPRESENTATIVE"} & set(author.roles), "author")
        record = self._follows((said.issuer, said.record_id), said.number, said.previous)
        own = said.author in (said.issuer, self.members[said.issuer].successor)
        restricted = statement_pb2.ANNOTATION_FLAG_RESTRICTED
        disputed = statement_pb2.ANNOTATION_FLAG_DISPUTED
        changes = (restricted in said.flags) != (restricted in record.flags)
        require(not changes or own, "restricted")
        require(not changes or not record.disputed_at or said.outcome, "restricted before an answer")
        check_hiding(self.genesis.rulebook, record, said, logged_at, own=own)
        stood, stands, outcome = disputed in record.flags, disputed in said.flags, said.outcome
        for_subject = "REPRESENTATIVE" in author.roles
        fresh = [digest for digest in said.evidence if digest not in record.named]
        require(author.status == "ACTIVE" or outcome, "suspended")
        alone = said.author == record.disputed_by and not record.disputed_jointly
        if outcome:
            require(stood, "nothing to answer")
            if outcome == statement_pb2.DISPUTE_OUTCOME_WITHDRAWN:
                require(alone and not own, "withdrawn by another")
            else:
                require(own and said.evidence, "answer")
            if outcome == statement_pb2.DISPUTE_OUTCOME_CORRECTED:
                require(record.index > record.disputed_since, "corrected")
            require(stands == (outcome == statement_pb2.DISPUTE_OUTCOME_UNCONFIRMED), "stands")
            record.disputed_at = 0
            record.answered = record.answered or outcome != statement_pb2.DISPUTE_OUTCOME_WITHDRAWN
        elif stands and not stood:
            require(fresh or not record.answered, "reopened")
            record.disputed_at, record.disputed_since, record.disputed_by = logged_at, index, said.author
            record.disputed_jointly = False
        elif stands:
            require(fresh or not said.evidence or not record.answered or record.disputed_at, "reopened")
            require(said.code == record.code or for_subject or said.author == record.disputed_by, "code")
            record.disputed_at = record.disputed_at or (logged_at if said.evidence else 0)
        else:
            require(not stood, "disputed")
        if stood and stands:
            if record.disputed_by == said.issuer != said.author:
                record.disputed_by, record.disputed_jointly = said.author, False
            elif said.author not in (record.disputed_by, said.issuer):
                record.disputed_jointly = True
        if not stands:
            record.disputed_jointly = False
        text = (said.text_commitment, said.disclosure_digest)
        if statement_pb2.ANNOTATION_FLAG_STATEMENT in record.flags and text != record.text:
            require(for_subject or said.author == record.stated_by, "statement")
        if statement_pb2.ANNOTATION_FLAG_STATEMENT not in said.flags:
            record.stated_by = ""
        elif text[0] != record.text[0]:
            record.stated_by = said.author
        record.text, record.code, record.overlay = text, said.code, said.overlay
        record.flags = set(said.flags)
        record.notes.append((index, leaf, said))
        record.named = [*record.named, *fresh][-256:]

    def _follows(self, place: tuple[str, bytes], number: int, previous: bytes) -> Record:
        record = self.records.get(place)
        require(record and record.live, "live")
        assert record is not None
        require(number == len(record.notes) + 1, "number")
        require(previous == (sha(payload_of(record.notes[-1][1])) if record.notes else b""), "previous")
        return record

    def _lapse(self, index: int, leaf: bytes, logged_at: int, payload: bytes) -> None:
        said = statement_pb2.Lapse.FromString(payload)
        require(said.registry == self.registry, "registry")
        place = (said.issuer, said.record_id)
        if said.what == statement_pb2.LAPSE_KIND_RESTRICTED:
            record = self._follows(place, said.number, said.previous)
            require(record.disputed_at, "disputed")
            asked, now = (datetime.fromisoformat(day(time)) for time in (record.disputed_at, logged_at))
            due = asked + timedelta(days=self.genesis.rulebook.dispute_days)
            while due.weekday() > 4:
                due += timedelta(days=1)
            require(now > due, "early")
            require(statement_pb2.ANNOTATION_FLAG_RESTRICTED not in record.flags, "restricted")
            record.flags.add(statement_pb2.ANNOTATION_FLAG_RESTRICTED)
            record.notes.append((index, leaf, None))
            return
        if said.what == statement_pb2.LAPSE_KIND_SHOWN:
            record = self._follows(place, said.number, said.previous)
            require(record.overlay and not covers(self.genesis.rulebook, record, record.overlay, logged_at), "early")
            record.flags.discard(HIDDEN)
            record.overlay = ""
            record.notes.append((index, leaf, None))
            return
        known = self.records.get(place)
        require(known and not known.erased, "known")
        assert known is not None
        if not known.continued:
            issuer = self.members[place[0]].message
            dates = [known.versions[-1].retain_until, issuer.ending.retain_until]
            date = min((one for one in dates if one), default="")
            over = self.closing.act.open_until and day(logged_at) > self.closing.act.open_until
            require(known.live and (over or (date and date <= day(logged_at))), "early")
        self._erase(index, place)

    def _erase(self, index: int, *places: tuple[str, bytes]) -> None:
        for place in places:
            self.records[place].erased = True
            self.erased_now.append((index, place))

    # Acts

    def _services(self) -> list[directory_pb2.KeyServices]:
        return [self.genesis.key_services]

    def _act(
        self, index: int, leaf: bytes, logged_at: int, payload: bytes, signatures: list[tuple[bytes, bytes]]
    ) -> None:
        act = directory_pb2.Act.FromString(payload)
        hash_ = sha(b"\x00", leaf)
        if index == 0:
            self._genesis(act, logged_at, hash_)
            return
        require(act.registry == self.registry, "registry")
        require(act.number == len(self.acts) and act.previous == self.acts[-1][1], "order")
        change = self._decide(act, index, logged_at, hash_)
        signers = set()
        for key_id, signature in signatures:
            holders = [
                (id_, key)
                for id_ in self.administrators
                for key in self.members[id_].keys
                if key.id == key_id and key.usage == "ADMINISTER" and not key.end
            ]
            require(holders and self.members[holders[0][0]].status == "ACTIVE", "administrator")
            require(signed_by(holders[0][1].public, "act", payload, signature), "signature")
            signers.add(holders[0][0])
        require(len(signers) >= self.threshold, "threshold")
        change()
        self.acts.append((index, hash_))

    def _genesis(self, act: directory_pb2.Act, logged_at: int, hash_: bytes) -> None:
        self.registry, self.genesis = act.registry, act.genesis
        self.covered = kept_overlays({}, act.genesis.rulebook)
        self.threshold = act.genesis.threshold
        for enrolment in act.genesis.administrators:
            onboarded(enrolment, act.genesis.rulebook, logged_at)
            self._enrol(enrolment, 0, hash_)
            self.administrators.append(enrolment.id)
        self.acts.append((0, hash_))
        self.administrator_acts.append((0, hash_))

    def _enrol(self, enrolment: directory_pb2.Enrolment, index: int, hash_: bytes) -> None:
        message = directory_pb2.InstitutionState(
            id=enrolment.id,
            licence_number=enrolment.licence_number,
            name=enrolment.name,
            roles=enrolment.roles,
            status=words.INSTITUTION_STATUS_ACTIVE,
        )
        keys = [Key(grant.public_key, usage_of(grant.usage), index, hash_) for grant in enrolment.keys]
        self.members[enrolment.id] = Member(message, keys, reviewed_on=enrolment.review.reviewed_on)

    def _known_key(self, public_key: bytes) -> bool:
        return any(key.public == public_key for member in self.members.values() for key in member.keys)

    def _decide(self, act: directory_pb2.Act, index: int, logged_at: int, hash_: bytes) -> Callable[[], None]:
        """Check a decision; return what it does, to be done once the signatures are checked."""
        match act.WhichOneof("body"):
            case "institution" if act.institution.HasField("review"):
                return decide_review(self.members, act.institution.review, self.genesis.rulebook, logged_at)
            case "institution":
                enrolment = act.institution.enrolment
                onboarded(enrolment, self.genesis.rulebook, logged_at)
                require(enrolment.id not in self.members, "id")
                for grant in enrolment.keys:
                    require(not self._known_key(grant.public_key), "taken")
                    require(
                        possessed(self.registry, enrolment.id, grant, grant.public_key, grant.possession), "possession"
                    )
                return lambda: self._enrol(enrolment, index, hash_)
            case "key":
                return self._decide_key(act.key, index, hash_)
            case "state":
                return decide_state(self.members, act.state)
            case "succession":
                return decide_succession(self.members, act.succession, index, hash_)
            case "ending":
                until = years_later(day(logged_at), self.genesis.rulebook.retention_years)
                return decide_ending(self.members, act.ending, until, index, hash_)
            case "erasure":
                places = [(record.issuer, record.record_id) for record in act.erasure.records]
                require(all(place in self.records and not self.records[place].erased for place in places), "erased")
                return lambda: self._erase(index, *places)
            case "rulebook":
                require(act.rulebook.rulebook.review_days or not self.genesis.rulebook.review_days, "production")
                kept = kept_overlays(self.covered, act.rulebook.rulebook)
                return partial(self._set_rulebook, act.rulebook.rulebook, kept)
            case "clock":
                return lambda: None
            case "closing":
                return decide_closing(self, act.closing, index, day(logged_at))
            case "breach":
                return decide_breach(self.members, act.breach, logged_at)
            case "tls_key":
                return decide_tls_key(self.members, act.tls_key, index, hash_)
            case other:
                raise AssertionError(other)

    def _set_rulebook(self, rulebook: directory_pb2.Rulebook, covered: dict[str, bytes]) -> None:
        self.genesis.rulebook.CopyFrom(rulebook)
        self.covered = covered

    def _decide_key(self, key: directory_pb2.KeyAct, index: int, hash_: bytes) -> Callable[[], None]:
        member = self.members.get(key.institution)
        require(member, "member")
        assert member is not None
        if key.HasField("grant"):
            grant = key.grant
            require(member.status != "TERMINATED", "terminated")
            allowed = {"LENDER": "REPORT INQUIRE", "AUDITOR": "AUDIT", "ADMINISTRATOR": "ADMINISTER"}
            require(any(usage_of(grant.usage) in allowed[role].split() for role in member.roles), "usage")
            require(not self._known_key(grant.public_key), "taken")
            require(possessed(self.registry, key.institution, grant, grant.public_key, grant.possession), "possession")
            endorsers = [held for held in member.keys if held.id == grant.endorser and not held.end]
            require(endorsers, "endorser")
            endorsed = possessed(self.registry, key.institution, grant, endorsers[0].public, grant.endorsement)
            require(endorsed, "endorsement")
            return lambda: member.keys.append(Key(grant.public_key, usage_of(grant.usage), index, hash_))
        return decide_key_end(member, key.end, index)

    # HEADs and the map

    def _head(self, index: int, leaf: bytes, payload: bytes) -> None:
        for at, place in self.erased_now:
            record = self.records[place]
            partners = [other for other in self.records.values() if continued_by(other) == place]
            if record.versions[0].HasField("continues"):
                old = continued_by(record)
                assert old is not None
                partners.append(self.records[old])
            if not all(partner.erased for partner in partners):
                self.wrong[at] = "alone"
        self.erased_now.clear()
        head = statement_pb2.Head.FromString(payload)
        previous, inquiries = (self.heads[-1] if self.heads else ZERO), self.inquiries
        self.heads.append(sha(b"\x00", leaf))
        self.inquiries = head.inquiry_count
        self.last_head = index
        require(head.previous == previous, "previous")
        require((head.newest_act, head.closing_act) == (self.acts[-1][0], self.closing.place), "acts")
        require(head.inquiry_count >= inquiries, "inquiries")

    def live(self) -> dict[tuple[str, bytes], int]:
        return {place: record.index for place, record in self.records.items() if record.live}

    def map_entries(self, bindings: dict[int, tuple[bytes, bytes]]) -> dict[bytes, bytes]:
        """The map, from each live record's subject and opening, by the index of its newest version."""
        listed: dict[bytes, list[bytes]] = {}
        for record in sorted(self.records.values(), key=lambda record: record.index):
            if not record.mapped:
                continue
            subject, opening = bindings[record.index]
            label = b"creditregistry/subject/v1\x00"
            committed = hmac.new(opening, label + subject, "sha256").digest()
            assert committed == record.versions[-1].subject_commitment
            note = sha(b"\x00", record.notes[-1][1]) if record.notes else ZERO
            part = record.index.to_bytes(8, "big") + sha(b"\x00", record.leaf) + note + opening
            listed.setdefault(first_bit(0, sha(b"creditregistry/map/subject/v1\x00", subject)), []).append(part)
        entries = {key: sha(b"creditregistry/map/records/v1\x00", *parts) for key, parts in listed.items()}
        entries.update(directory_entries(self.members))
        entries[first_bit(1, sha(b"creditregistry/map/registry/v1\x00"))] = sha(self._registry_state())
        return entries

    def _registry_state(self) -> bytes:
        rulebook = self.genesis.rulebook.SerializeToString(deterministic=True)
        state = directory_pb2.RegistryState(
            registry=self.registry,
            administrators=sorted(self.administrators),
            threshold=self.threshold,
            log_keys=self.genesis.log_keys,
            key_services=self._services(),
            rulebook_digest=sha(rulebook),
            act_number=len(self.acts) - 1,
            act_hash=self.acts[-1][1],
            trial=len(self.administrators) == 1,
        )
        for place, hash_ in self.administrator_acts:
            state.administrator_acts.add(index=place, hash=hash_)
        return state.SerializeToString(deterministic=True)
