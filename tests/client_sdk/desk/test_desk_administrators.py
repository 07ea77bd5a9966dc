"""The pages of administrators against a real registry: proposals and their signature, members, acts, health."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from client_sdk import CertificateView
from client_sdk.act_titles import DECISIONS, decision_of, details_of, title_of
from client_sdk.acts import (
    BREACH_TEXTS,
    AdministratorsBody,
    Body,
    BreachBody,
    BreachedData,
    BreachNature,
    ClockBody,
    ClosingBody,
    ClosingWay,
    EndingBody,
    ErasureBody,
    GenesisBody,
    InstitutionBody,
    KeyEndBody,
    KeyGrantBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    Review,
    ReviewBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    SuccessorRegistry,
    TlsKeyBody,
    members_of,
    milliseconds,
)
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.journal import read_journal
from client_sdk.desk.pages import ROLE_PAGES
from client_sdk.desk.pages.health import expected_ends
from client_sdk.desk.proposed_acts import KINDS
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.texts import Language, say_in
from client_sdk.desk.users import UserFile
from client_sdk.home import create_home
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.testing import TestRegistry
from tests.client_sdk.desk.desk_acts import log_rulebook, propose, proposed, signed_in
from tests.client_sdk.desk.desk_forms import PASSWORD
from tests.client_sdk.desk.test_desk_pages import question
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, filled, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator


NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def governed() -> Iterator[TestRegistry]:
    """A registry of its own: its acts are those of this module."""
    with TestRegistry() as running:
        yield running


@pytest.fixture(scope="module")
def administrators_desk(governed: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of the second administrator, with a person of each role."""
    home = governed.home("admin-2")
    for name, role in (("rita", DeskRole.READER), ("olga", DeskRole.OFFICER), ("anna", DeskRole.APPROVER)):
        UserFile(home).add(name, role, PASSWORD)
    with RunningDesk(home, tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def anna(administrators_desk: RunningDesk) -> Visitor:
    """An approver."""
    return signed_in(administrators_desk, "anna")


def test_a_rulebook_is_previewed_read_and_approved_by_an_approver_alone(
    governed: TestRegistry, administrators_desk: RunningDesk, anna: Visitor
) -> None:
    with governed.client("admin-1") as client:
        rulebook = client.directory().rulebook
    path = propose(governed, RulebookBody(replace(rulebook, dispute_days=15, stale_days=60)))
    assert anna.get("/").headers["location"] == "/proposals"
    listed = anna.get("/proposals")
    assert "A new rulebook" in listed.words
    assert "Signed by admin-1 Must sign 2" in listed.words
    page = anna.get(path)
    for said in (
        "dispute_days 20 15 disputes that are opened from the leaf of the act on",
        "stale_days 184 60 which running records answers show as stale",
        "Active lenders that it binds: 2; active members in all: 6.",
        "Not counted here: how many running records become stale",
        "missing: 1",
        "decide for admin-2",
        "Fraud is no cause of a default (no_fraud_cause) no",
    ):
        assert said in page.words, said
    assert not re.search(r"\b(True|False)\b", page.words)
    for name in ("rita", "olga"):
        other = signed_in(administrators_desk, name)
        assert "An approver of this desk signs it." in other.get(path).words
        assert other.post(f"{path}/approve", {"read": "yes"}).status == 403
    unread = anna.post(f"{path}/approve")
    assert (unread.status, "Tick that you have read it" in unread.words) == (422, True)
    logged = anna.follow(anna.post(f"{path}/approve", {"read": "yes"}))
    assert "Act 4 is logged at leaf" in logged.words
    with governed.client("admin-1") as client:
        assert client.directory().rulebook.dispute_days == 15
    gone = anna.get(path)
    assert (gone.status, "This proposal does not wait any more" in gone.words) == (404, True)
    assert anna.post(f"{path}/approve", {"read": "yes"}).status == 404
    lines = [line for line, _ in read_journal(governed.home("admin-2") / "desk-journal") if line.act == "APPROVE_ACT"]
    key = path.rpartition("/")[2]
    assert [(line.who, line.result, line.about) for line in lines[:2]] == [
        ("anna", "BEGUN", (key,)),
        ("anna", "DONE", (key,)),
    ]


def test_what_this_member_has_signed_is_not_signed_twice(governed: TestRegistry, anna: Visitor) -> None:
    with governed.client("admin-2") as client:
        proposal = client.propose(StateBody("lender-2", InstitutionStatus.SUSPENDED)).proposal
    page = anna.get(f"/proposals/{proposal.proposal_id.hex()}")
    assert "This member has signed it; the others go on." in page.words
    assert "It may correct and end its records and answer disputes" in page.words
    assert "/approve" not in page.text
    assert "signed by this member" in anna.get("/proposals").words
    with governed.client("admin-3") as client:
        client.approve(proposal)


def enrolment_of(registry: TestRegistry, institution: str) -> bytes:
    """The file that the `init` of a lender makes."""
    made = create_home(
        registry.folder / f"proposed-{institution}",
        institution=institution,
        registry="127.0.0.1:1",
        name=registry.name,
        licence_number="L-9",
        display_name="Ninth",
        roles=[Role.LENDER],
    )
    return made.encode()


def test_acts_are_proposed_at_the_desk_and_approved_by_another(
    governed: TestRegistry, administrators_desk: RunningDesk, anna: Visitor
) -> None:
    listed = anna.get("/propose")
    for kind, act in KINDS.items():
        assert f'href="/propose/{kind}"' in listed.text
        assert act.title in anna.get(f"/propose/{kind}").words
    limits = typed_in(anna.get("/propose/rulebook").text)
    begun = anna.post("/propose/rulebook", limits | {"stale_days": "92"})
    preview = anna.follow(begun).words
    assert "stale_days" in preview
    assert "Active lenders that it binds: " in preview
    assert "Proposed. More must sign: 1." in proposed(anna, "rulebook", limits | {"stale_days": "92"}).words
    suspension = {"member": "lender-2", "state": "SUSPENDED"}
    with governed.client("admin-1") as client:
        for form, status in ((suspension, "SUSPENDED"), (suspension | {"state": "ACTIVE"}, "ACTIVE")):
            if client.directory().institutions["lender-2"].status.name == status:
                continue
            page = proposed(anna, "state", form)
            assert "Proposed. More must sign: 1." in page.words
            assert "Signed by admin-2" in page.words
            (waiting,) = [one for one in client.proposals() if isinstance(one.act.body, StateBody)]
            client.approve(waiting)
            client.acts()  # which follows the directory now
            assert client.directory().institutions["lender-2"].status.name == status
        enrolment = enrolment_of(governed, "lender-9")
        page = proposed(anna, "institution", {}, {"enrolment": enrolment})
        assert "lender-9 becomes a member" in page.words
        key = next(key for key in client.directory().institutions["lender-2"].keys if key.running)
        ended = {"ended": f"lender-2/{key.key_id.hex()}"}
        of_none = anna.post("/propose/key-end", ended | {"contested_from": "0"})
        assert (of_none.status, "Give a whole number from 1; leave it empty" in of_none.words) == (422, True)
        page = proposed(anna, "key-end", ended)
        assert "In doubt from leaf none" in page.words
        granted = Command(governed.home("lender-2"))("key", "add", "--usage", "REPORT").content
        page = proposed(anna, "key", {}, {"grant": Path(str(granted["grant"])).read_bytes()})
        assert "Proposed. More must sign: 1." in page.words
        (waiting,) = [one for one in client.proposals() if isinstance(one.act.body, KeyGrantBody)]
        assert client.approve(waiting).logged
        client.acts()
        further = client.directory().institutions["lender-2"].key(bytes.fromhex(str(granted["key_id"])))
        assert further is not None
        assert (further.usage, further.running) == (KeyUsage.REPORT, True)
    acts = [line for line, _ in read_journal(governed.home("admin-2") / "desk-journal") if line.act == "PROPOSE_ACT"]
    assert {(line.who, line.result) for line in acts} == {("anna", "BEGUN"), ("anna", "DONE")}
    assert signed_in(administrators_desk, "olga").get("/propose").status == 403
    assert "/propose" not in signed_in(administrators_desk, "olga").get("/proposals").text.replace("/proposals", "")


def test_a_rulebook_undoes_no_limit_that_another_act_has_changed(governed: TestRegistry, anna: Visitor) -> None:
    page = typed_in(anna.get("/propose/rulebook").text)
    log_rulebook(governed, correction_days=100)
    path = anna.post("/propose/rulebook", page | {"stale_days": "91"}).headers["location"]
    shown = anna.get(path).words
    assert re.search(r"A record is stale after stale_days \d+ 91 ", shown)
    # All limits are listed below it, with the other act's.
    assert not re.search(r"correction_days 100 \d", shown)
    assert "Notices of corrections go back (correction_days) 100" in shown
    # While it is read, before it is signed.
    log_rulebook(governed, free_reports_a_year=3)
    overtaken = anna.post(path, {"read": "yes"})
    shown = anna.follow(overtaken).words
    assert "Another act was logged meanwhile, and nothing was signed" in shown
    assert re.search(r"stale_days \d+ 91 ", shown)
    assert not re.search(r"free_reports_a_year 3 \d", shown)
    assert anna.get(path).status == 404
    newer = overtaken.headers["location"]
    assert "Proposed. More must sign: 1." in anna.follow(anna.post(newer, {"read": "yes"})).words
    # By going back nothing is proposed once more.
    assert anna.post(newer, {"read": "yes"}).status == 404
    with governed.client("admin-1") as client:
        (waiting,) = [one.act.body for one in client.proposals() if isinstance(one.act.body, RulebookBody)]
    limits = waiting.rulebook
    assert (limits.stale_days, limits.correction_days, limits.free_reports_a_year) == (91, 100, 3)


@pytest.mark.parametrize(
    ("kind", "form", "files", "said"),
    [
        ("institution", {}, {}, "Choose the file that the member"),
        ("institution", {}, {"enrolment": b"{}"}, "This is no enrolment file"),
        ("key", {}, {"grant": b"x"}, "This is no file of a key"),
        ("key-end", {"ended": "nobody/00"}, {}, "Choose one of the list."),
        ("state", {"member": "lender-1"}, {}, "Choose one of the list."),
        ("state", {"member": "lender-1", "state": "ACTIVE"}, {}, "This is its state already."),
        ("rulebook", {"dispute_days": "many"}, {}, "Give a whole number from 0."),
        ("rulebook", {"no_fraud_cause": "maybe"}, {}, "Choose yes or no."),
        ("rulebook", {"retention_years": "99999999999"}, {}, "This number is too large for any limit."),
        ("rulebook", {"stale_days": "5000"}, {}, "A record is stale after (days): A whole number from 1 to 3,660."),
        (
            "rulebook",
            {"holidays": "2026-12-25; 2027-01-01"},
            {},
            "Give days that exist, such as 2026-12-25,",
        ),
        ("rulebook", {}, {}, "Nothing changes: it is the rulebook in force."),
    ],
)
def test_what_makes_no_act_is_told_at_its_field(
    anna: Visitor, kind: str, form: dict[str, str], files: dict[str, bytes], said: str
) -> None:
    limits = typed_in(anna.get("/propose/rulebook").text) if kind == "rulebook" else {}
    refused = anna.post(f"/propose/{kind}", limits | form, files)
    assert refused.status == 422
    assert "Nothing was proposed" in refused.words
    assert said in refused.words


def test_an_act_that_breaks_a_rule_is_refused_before_it_is_signed(governed: TestRegistry, anna: Visitor) -> None:
    assert anna.get("/propose/nothing").headers["location"] == "/propose"
    assert anna.post("/propose/nothing").headers["location"] == "/propose"
    assert anna.get("/propose/prepared/nothing").status == 404
    assert anna.post("/propose/prepared/nothing").status == 404
    with governed.client("admin-1") as client:
        held = client.directory().institutions["lender-1"]
    held_key = held.keys[0]
    ended = {"ended": f"lender-1/{held_key.key_id.hex()}", "contested_from": "999999"}
    again = governed.home("lender-1") / "lender-1.enrolment.json"
    grant = Command(governed.home("lender-1"))("key", "add", "--usage", "REPORT").content
    strange = Path(str(grant["grant"])).read_bytes().replace(b"lender-1", b"lender-0")
    for kind, form, files, field, said in (
        (
            "institution",
            {},
            {"enrolment": again.read_bytes()},
            "enrolment",
            "lender-1 is a member already, as Test lender-1",
        ),
        ("institution", {}, {"enrolment": enrolment_of(governed, "lender-1")}, "enrolment", "is a member already"),
        ("key", {}, {"grant": strange}, "grant", "lender-0 is no member: enrol it first."),
        ("state", {"member": "lender-1", "state": held.status.name}, {}, "state", "This is its state already."),
        ("key-end", ended, {}, "", "Rule: key.contested"),
    ):
        refused = anna.post(f"/propose/{kind}", form, files)
        assert refused.status == 422, kind
        assert "Nothing was proposed" in refused.words
        assert said in refused.words
        assert not field or f'href="#{field}"' in refused.text
    anna.language = "zh"
    try:
        assert "没有提出任何决议" in anna.post("/propose/institution", {}, {"enrolment": again.read_bytes()}).words
    finally:
        anna.language = "en"


def test_a_key_that_was_given_before_is_told_with_whose_it_is(governed: TestRegistry, anna: Visitor) -> None:
    added = Command(governed.home("lender-2"))("key", "add", "--usage", "REPORT").content
    file = {"grant": Path(str(added["grant"])).read_bytes()}
    proposed(anna, "key", {}, file)
    waits = anna.follow(anna.post("/propose/key", {}, file)).words
    assert "The same is proposed already and waits here: nothing was signed." in waits
    with governed.client("admin-1") as client:
        (waiting,) = [one for one in client.proposals() if isinstance(one.act.body, KeyGrantBody)]
        logged = client.approve(waiting)
        assert logged.logged
        refused = anna.post("/propose/key", {}, file)
        assert refused.status == 422
        assert f"The key {added['key_id']} is one of lender-2 already, since leaf {logged.index}" in refused.words
        client.acts()
        ended = client.propose(KeyEndBody("lender-2", bytes.fromhex(str(added["key_id"])))).proposal
        with governed.client("admin-3") as other:
            leaf = other.approve(ended).index
    refused = anna.post("/propose/key", {}, file)
    assert f"and ended at leaf {leaf}: ask for a new key." in refused.words


def test_members_show_keys_and_what_changed_when(governed: TestRegistry, anna: Visitor) -> None:
    with governed.client("admin-1") as client:
        own = client.directory().institutions["lender-1"].keys
        key = next(key for key in own if key.usage is KeyUsage.INQUIRE)
    path = propose(governed, KeyEndBody("lender-1", key.key_id, 3))
    assert anna.follow(anna.post(f"{path}/approve", {"read": "yes"})).status == 200
    listed = anna.get("/members")
    assert "lender-1 Test lender-1 lender active 1 (1)" in listed.words
    assert "A key of lender-1 ends" in listed.words
    page = anna.get("/members/lender-1")
    assert f"signs inquiries {key.key_id.hex()}" in page.words
    assert "from leaf 3" in page.words
    acts = page.words.partition("What changed when")[2]
    assert acts.index("A key of lender-1 ends") < acts.index("lender-1 becomes a member"), "the newest first"
    assert "admin-1, admin-2" in acts
    assert "TLS key Issued Ends" in page.words
    anna.language = "zh"
    try:
        assert "签署查询" in anna.get("/members/lender-1").words
    finally:
        anna.language = "en"
    for missing in ("/members/nobody", "/members/%3Cscript%3E", "/acts/999", "/proposals/zz"):
        assert anna.get(missing).status == 404, missing
    genesis = anna.get("/acts/0")
    assert "2 of 3 must sign" in genesis.words
    assert "admin-1 (Test admin-1), licence T-admin-1, administrator of the registry" in genesis.words
    assert "The registry begins" in anna.get("/acts").words


def test_health_tells_what_is_away_and_which_certificates_end_first(governed: TestRegistry, anna: Visitor) -> None:
    page = anna.get("/health")
    assert page.status == 200
    for said in ("Newest HEAD of the registry in order", "The rulebook names no witnesses", "(expected)"):
        assert said in page.words, said
    assert page.words.count("answers; its directory is of") == 2
    governed.stop("key-service-a")
    try:
        away = anna.get("/health")
        assert "Key service key-service-a look at this" in away.words
        assert "Without each of them nobody reports or asks: tell its operator." in away.words
    finally:
        governed.start_key_service("key-service-a")


def test_a_stranger_reads_no_page_of_an_administrator(administrators_desk: RunningDesk) -> None:
    stranger = administrators_desk.visitor(signed_in=False)
    for page in ROLE_PAGES[Role.ADMINISTRATOR]:
        path = filled(page.path)
        answered = stranger.get(path) if page.method == "GET" else stranger.post(path)
        assert (answered.status, answered.headers["location"]) == (303, "/sign-in"), page.path


def certificate(member: str, issued: timedelta, ends: timedelta | None) -> CertificateView:
    return CertificateView(
        institution=member,
        spki_hash=DIGEST,
        issued_at=NOW + issued,
        not_after=None if ends is None else NOW + ends,
        vouching_key_id=b"",
        carried_by="",
        standing=None,
        revoked_at=None,
    )


def test_the_end_of_a_certificate_of_another_member_is_expected_from_its_issue() -> None:
    day = timedelta(1)
    found = expected_ends(
        [
            certificate("own", -65 * day, 300 * day),
            certificate("old", -350 * day, None),
            certificate("renewed", -360 * day, None),
            certificate("renewed", -1 * day, None),
        ],
        NOW,
    )
    assert [(one.member, one.ends - NOW, one.exact, one.soon) for one in found] == [
        ("old", 15 * day, False, True),
        ("own", 300 * day, True, False),
        ("renewed", 364 * day, False, False),
    ]
    assert expected_ends([certificate("old", -350 * day, None)], NOW) == []


def bodies(genesis: GenesisBody) -> list[Body]:
    """One of each kind of decision."""
    enrolment = genesis.administrators[0]
    review = Review(date(2026, 1, 5), "R-1", DIGEST)
    enrolled = replace(enrolment, review=review)
    return [
        genesis,
        replace(genesis, threshold=1),
        InstitutionBody(enrolled),
        ReviewBody("lender-1", review),
        KeyGrantBody("lender-1", replace(enrolment.keys[0], endorser=DIGEST)),
        KeyEndBody("lender-1", DIGEST, 7),
        KeyEndBody("lender-1", DIGEST),
        TlsKeyBody("lender-1", DIGEST, "theft"),
        *(StateBody("lender-1", status) for status in InstitutionStatus),
        SuccessionBody("lender-1", "lender-2", "merger"),
        EndingBody("lender-1", "bankruptcy"),
        KeyServicesBody(genesis.key_services),
        RetireKeyServicesBody(1),
        RulebookBody(genesis.rulebook),
        ErasureBody((RecordKey("lender-1", bytes(16)),), "court order"),
        AdministratorsBody((enrolment,), ("admin-1",), 1),
        ClockBody(milliseconds(NOW)),
        BreachBody(
            noticed_at=milliseconds(NOW),
            natures=(*BreachNature,),
            data=(*BreachedData,),
            members=("lender-1",),
            **dict.fromkeys(BREACH_TEXTS, "told"),
        ),
        ClosingBody(ClosingWay.HAND_OVER, "2026-12-31", "(2026) 41", DIGEST, SuccessorRegistry("next", DIGEST)),
        ClosingBody(ClosingWay.DESTROY, "2026-12-31", "(2026) 41", DIGEST, None),
    ]


def enrolled_id(body: Body) -> str:
    """What stands for itself in every language."""
    return body.enrolment.id if isinstance(body, InstitutionBody) else ""


def test_every_kind_of_act_has_title_effect_and_values_in_both_languages(governed: TestRegistry) -> None:
    with governed.client("admin-1") as client:
        genesis = client.acts()[0].act.body
    assert isinstance(genesis, GenesisBody)
    made = bodies(genesis)
    assert {type(body) for body in made} == set(get_args(Body))
    for language in Language:
        say = say_in(language)
        for body in made:
            words = ActWords(body, say)
            assert words.title, body
            assert words.effect, body
            assert "{" not in words.title
            rows = words.rows()
            assert rows, body
            assert all(name and value for name, value in rows), body
            members_of(body)
    chinese = say_in(Language.CHINESE)
    for body in made:
        for said in (chinese(DECISIONS[decision_of(body)]), chinese.error(details_of(body)), title_of(body, chinese)):
            assert re.search(r"[\u4e00-\u9fff]", said) or said == enrolled_id(body), said
    told = ActWords(SuccessionBody("lender-1", "lender-2", "merger"), say_in(Language.CHINESE))
    assert told.title == "lender-2 承继 lender-1"
    assert members_of(told.body) == {"lender-1", "lender-2"}


def test_a_question_that_the_registry_refuses_stays_in_its_form(governed: TestRegistry, tmp_path: Path) -> None:
    home = governed.enrol("lender-asks")
    log_rulebook(governed, daily_inquired_subjects=1)
    with RunningDesk(home, tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.get("/ask")
        asked, refused = (visitor.post("/ask", question(number)) for number in (1, 2))
    assert (asked.status, refused.status) == (303, 422), asked.words
    assert "The registry has refused this (QUOTA_EXCEEDED)" in refused.words
    assert typed_in(refused.text)["consent_date"] == question(2)["consent_date"]
    assert question(2)["number"] not in refused.text
