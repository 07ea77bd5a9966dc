"""Two pairs of eyes: what waits, who sees and decides, what is kept of it and how long, and what the journal says."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Amounts, DefaultFacts
from client_sdk.desk.approval_requests import (
    MOST,
    MOST_OF_ONE,
    ApprovalRequest,
    ApprovalRequests,
    ApprovalState,
    ApprovalStateError,
    TooManyApprovalRequestsError,
)
from client_sdk.desk.journal import JOURNAL_FILE, read_journal
from client_sdk.desk.prepared import PreparedReport
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.settings import ApprovalSettings, read_settings
from client_sdk.desk.users import UserFile
from client_sdk.errors import ConfigError
from client_sdk.lending.rows import row_of
from client_sdk.models import RecordState
from tests.client_sdk.desk.desk_forms import DOCUMENTS, PASSWORD, csv_of, drop, person_at, typed_of
from tests.client_sdk.sdk_samples import default_facts, default_report, person
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.models import Report
    from client_sdk.testing import TestRegistry

PEOPLE = {
    "anna": DeskRole.OFFICER,
    "olga": DeskRole.OFFICER,
    "bo": DeskRole.APPROVER,
    "cleo": DeskRole.APPROVER,
    "rita": DeskRole.READER,
}
ABOVE = '[approval]\nhours = 2\n[approval.above]\nCNY = "5,000.00"\n'
HOUR = 3_600.0


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    made = registry.enrol("lender-approval")
    for name, role in PEOPLE.items():
        UserFile(made).add(name, role, PASSWORD)
    (made / "desk.toml").write_text(ABOVE)
    return made


@pytest.fixture(scope="module")
def approving(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("approval")) as running:
        yield running


@pytest.fixture(scope="module")
def at(approving: RunningDesk) -> dict[str, Visitor]:
    """Everybody, signed in."""
    return {name: person_at(approving, name) for name in PEOPLE}


def big(number: int) -> Report:
    return default_report(number, facts=default_facts(contract=f"HT-{number}", principal=900_000))


def proposed(author: Visitor, report: Report) -> str:
    """Prepare a report and give it to an approver; return the path of what waits."""
    planned = author.post("/report/default", typed_of(report), DOCUMENTS)
    plan = author.follow(planned)
    assert "It waits for another person's approval" in plan.words
    assert "Give it to an approver" in plan.words
    sent = author.post(planned.headers["location"])
    assert sent.headers["location"].startswith("/approvals/")
    assert "It waits for another person's approval until" in author.follow(sent).words
    return sent.headers["location"]


def acts_of(home: Path, key: str) -> list[tuple[str, str, str]]:
    """Who did what with a request, by the journal."""
    lines = [line for line, _ in read_journal(home / JOURNAL_FILE)]
    return [(line.who, line.act, line.result) for line in lines if any(key in about for about in line.about)]


def test_a_report_above_the_amount_waits_for_another_person_and_names_who_approved_it(
    registry: TestRegistry, home: Path, at: dict[str, Visitor]
) -> None:
    path = proposed(at["anna"], big(41))
    with registry.client("lender-approval") as client:
        assert list(client.records(identity=person(41))) == []
        assert "waiting for you: " in at["bo"].get("/today").words
        assert "waiting for you: " not in at["anna"].get("/today").words
        waiting = at["bo"].get("/approvals")
        assert f'href="{path}"' in waiting.text
        seen = at["bo"].get(path)
        for said in ("Report a record", "Prepared by anna", "9,030.00 CNY", "HT41", "Approve, sign and send"):
            assert said in seen.words, said
        assert person(41).number not in seen.text
        assert f"number ending in {person(41).number[-4:]}" in seen.words
        done = at["bo"].follow(at["bo"].post(f"{path}/approve"))
        assert "Version 1 is logged at leaf" in done.words
        (held,) = client.records(identity=person(41))
    assert isinstance(held.facts, DefaultFacts)
    assert held.facts.approver == "bo"
    over = at["anna"].get(path)
    assert "approved (bo)" in over.words
    assert f'href="/records/{held.uuid}"' in over.text
    assert "9,030.00" not in over.words, "what was approved is kept no more"
    key = path.rpartition("/")[2]
    acts = acts_of(home, key)
    for act in (("anna", "REQUEST_APPROVAL", "DONE"), ("bo", "READ_APPROVAL", "DONE"), ("bo", "APPROVE", "DONE")):
        assert act in acts, act
    ended = [line for line, _ in read_journal(home / JOURNAL_FILE) if line.act == "APPROVE" and line.result == "DONE"]
    assert ended[-1].about == (key, str(held.uuid))


def test_a_report_up_to_the_amount_is_sent_at_once(at: dict[str, Visitor]) -> None:
    planned = at["anna"].post("/report/default", typed_of(default_report(42)), DOCUMENTS)
    assert "Sign and send" in at["anna"].follow(planned).words
    assert at["anna"].post(planned.headers["location"]).headers["location"].startswith("/records/")


def test_another_currency_than_those_of_the_setting_waits(at: dict[str, Visitor]) -> None:
    facts = default_facts(contract="HT-43")
    report = default_report(43, facts=replace(facts, amounts=replace(facts.amounts, currency="USD")))
    proposed(at["anna"], report)


def test_nobody_approves_an_own_report_and_officers_approve_none(home: Path, at: dict[str, Visitor]) -> None:
    path = proposed(at["cleo"], big(44))
    assert "Approve, sign and send" not in at["cleo"].get(path).words
    refused = at["cleo"].post(f"{path}/approve")
    assert refused.status == 409
    assert "another person than its author decides" in refused.words
    assert at["cleo"].post(f"{path}/return", {"word": "x"}).status == 409
    assert at["anna"].post(f"{path}/approve").status == 403
    assert at["anna"].post(f"{path}/return", {"word": "x"}).status == 403
    assert at["rita"].get("/approvals").status == 403
    assert at["olga"].get(path).status == 404, "an officer sees the own ones alone"
    assert path not in at["olga"].get("/approvals").text
    assert at["olga"].post(f"{path}/take-back").status == 404
    assert ("cleo", "APPROVE", "DONE") not in acts_of(home, path.rpartition("/")[2])
    assert "Version 1" in at["bo"].follow(at["bo"].post(f"{path}/approve")).words


def test_what_is_returned_comes_back_with_its_word_and_is_prepared_anew(home: Path, at: dict[str, Visitor]) -> None:
    path = proposed(at["anna"], big(45))
    silent = at["bo"].post(f"{path}/return", {"word": ""})
    assert "Say why" in silent.words
    assert at["bo"].post(f"{path}/return", {"word": "x" * 501}).status == 422
    at["bo"].follow(at["bo"].post(f"{path}/return", {"word": "The days do not fit the contract."}))
    back = at["anna"].get(path)
    assert "returned (bo)" in back.words
    assert "The days do not fit the contract." in back.words
    assert "days do not fit" not in (home / JOURNAL_FILE).read_text()
    assert at["bo"].post(f"{path}/approve").status == 409
    form = typed_in(at["anna"].get(f"{path}/again").text)
    assert (form["reference"], form["principal"], form["number"]) == ("loan-45", "9,000.00", "")
    assert at["bo"].get(f"{path}/again").status == 409
    assert "It is taken back" in at["anna"].follow(at["anna"].post(f"{path}/take-back")).words
    assert at["anna"].get(path).status == 404
    acts = acts_of(home, path.rpartition("/")[2])
    assert ("bo", "RETURN", "DONE") in acts
    assert ("anna", "TAKE_BACK", "DONE") in acts


def test_what_the_registry_refuses_goes_on_waiting(registry: TestRegistry, home: Path, at: dict[str, Visitor]) -> None:
    path = proposed(at["anna"], big(46))
    with registry.client("lender-2") as other:
        other.report(default_report(46))
    refused = at["bo"].post(f"{path}/approve")
    assert refused.status == 422
    assert "The registry has refused this (DEBT_TAKEN)" in refused.words
    assert "waits" in at["anna"].get(path).words
    assert ("bo", "APPROVE", "FAILED") in acts_of(home, path.rpartition("/")[2])


def opened(visitor: Visitor, uuid: str, number: int) -> str:
    """Open the facts of a record; return the key under which they are kept."""
    sent = visitor.post(f"/records/{uuid}/open", {"id_type": "CN_RESIDENT_ID", "number": person(number).number})
    visitor.follow(sent)
    return sent.headers["location"].rpartition("/")[2]


def test_a_correction_of_a_record_above_the_amount_waits(registry: TestRegistry, at: dict[str, Visitor]) -> None:
    with registry.client("lender-approval") as client:
        receipt = client.report(big(47))
    uuid, anna = str(receipt.uuid), at["anna"]
    path = f"/opened/{opened(anna, uuid, 47)}/correct"
    planned = anna.post(path, typed_in(anna.get(path).text) | {"principal": "10.00"})
    assert "Give it to an approver" in anna.follow(planned).words, "the amount that is held decides, too"
    sent = anna.post(planned.headers["location"])
    again = anna.post(planned.headers["location"])
    assert again.headers["location"] == sent.headers["location"], "the same act waits once"
    seen = at["bo"].get(sent.headers["location"])
    assert "Principal 9,000.00 10.00" in seen.words
    assert "Version 2 is logged" in at["bo"].follow(at["bo"].post(f"{sent.headers['location']}/approve")).words
    with registry.client("lender-approval") as client:
        (held,) = client.records([receipt.record_id], identity=person(47))
    assert isinstance(held.facts, DefaultFacts)
    assert (held.facts.amounts.principal, held.facts.approver) == (1_000, "bo")


def test_a_further_version_waits_where_what_it_follows_is_above_the_amount(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    with registry.client("lender-approval") as client:
        client.withdraw(client.report(big(54)).record_id)
        client.report(replace(big(54), attempt=1))
    small = default_facts(contract="HT-54", principal=1_000, as_of=date(2025, 5, 31), days=61)
    path = proposed(at["anna"], default_report(54, facts=small))
    assert "Version 2 is logged" in at["bo"].follow(at["bo"].post(f"{path}/approve")).words


def test_a_withdrawal_waits_above_the_amount_and_where_the_amount_is_not_known(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    with registry.client("lender-approval") as client:
        large, small, sealed = (
            str(client.report(one).uuid) for one in (big(48), default_report(49), default_report(50))
        )
    anna, sure = at["anna"], {"reason": "ERROR", "sure": "yes"}
    sent = anna.post(f"/records/{small}/withdraw", sure | {"opened": opened(anna, small, 49)})
    assert sent.headers["location"] == f"/records/{small}", "an opened one below the amount is withdrawn at once"
    assert "open it first" in anna.get(f"/records/{sealed}").words
    for uuid, key in ((sealed, ""), (large, opened(anna, large, 48))):
        sent = anna.post(f"/records/{uuid}/withdraw", sure | {"opened": key})
        path = sent.headers["location"]
        assert path.startswith("/approvals/")
        seen = at["bo"].get(path)
        assert "Withdraw a record" in seen.words
        assert ("Nobody has opened them." in seen.words) is (uuid == sealed)
        assert "Withdrawn at leaf" in at["bo"].follow(at["bo"].post(f"{path}/approve")).words
    with registry.client("lender-approval") as client:
        states = {str(one.uuid): one.state for one in client.records()}
    assert states[large] is not RecordState.LIVE
    assert states[sealed] is not RecordState.LIVE


def test_what_was_opened_or_prepared_before_a_version_above_the_amount_was_approved_waits(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    with registry.client("lender-approval") as client:
        uuid = str(client.report(default_report(55)).uuid)
    anna = at["anna"]
    key = opened(anna, uuid, 55)
    path = f"/opened/{key}/correct"
    small = anna.post(path, typed_in(anna.get(path).text) | {"principal": "10.00"}).headers["location"]
    facts = default_facts(contract="HT-55", principal=1_000, as_of=date(2025, 5, 31), days=61)
    further = anna.post("/report/default", typed_of(default_report(55, facts=facts)), DOCUMENTS).headers["location"]
    assert "Sign and send" in anna.get(small).words
    assert "Sign and send" in anna.get(further).words
    large = anna.post(path, typed_in(anna.get(path).text) | {"principal": "9,000.00"}).headers["location"]
    waiting = anna.post(large).headers["location"]
    assert "Version 2 is logged" in at["bo"].follow(at["bo"].post(f"{waiting}/approve")).words
    for prepared in (small, further):
        assert anna.post(prepared).headers["location"].startswith("/approvals/"), prepared
    gone = anna.post(f"/records/{uuid}/withdraw", {"reason": "ERROR", "sure": "yes", "opened": key})
    assert gone.headers["location"].startswith("/approvals/")


def test_what_another_record_has_opened_does_not_count_for_this_one(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    with registry.client("lender-approval") as client:
        large, small = (str(client.report(one).uuid) for one in (big(51), default_report(52)))
    key = opened(at["anna"], small, 52)
    sent = at["anna"].post(f"/records/{large}/withdraw", {"reason": "ERROR", "sure": "yes", "opened": key})
    assert sent.headers["location"].startswith("/approvals/")


def test_a_restart_forgets_what_waits_and_the_journal_says_so_and_no_file_holds_the_number(
    registry: TestRegistry, tmp_path: Path
) -> None:
    home = registry.enrol("lender-restart")
    for name in ("anna", "bo"):
        UserFile(home).add(name, PEOPLE[name], PASSWORD)
    (home / "desk.toml").write_text("[approval]\nall = true\n")
    with RunningDesk(home, tmp_path / "log") as running:
        path = proposed(person_at(running, "anna"), default_report(53))
        assert person_at(running, "bo").get(path).status == 200
        held = {str(file): file.read_bytes() for file in home.rglob("*") if file.is_file()}
        running.stop()
        running.start()
        assert person_at(running, "bo").get(path).status == 404
        log = running.log()
    number = person(53).number
    assert [name for name, content in held.items() if number.encode() in content] == []
    assert number not in log
    assert ("-", "LAPSE", "DONE") in acts_of(home, path.rpartition("/")[2])
    with registry.client("lender-restart") as client:
        assert list(client.records()) == []


def test_two_pairs_of_eyes_need_people_who_sign_in(registry: TestRegistry) -> None:
    home = registry.enrol("lender-alone")
    (home / "desk.toml").write_text("[approval]\nall = true\n")
    refused = Command(home)("desk", "--listen", "127.0.0.1:0", code=None)
    assert "[approval], which needs two persons who sign in" in refused.content["error"]["message"]


def test_without_the_setting_nothing_waits_and_no_page_speaks_of_it(desk: RunningDesk) -> None:
    visitor = desk.visitor()
    assert 'href="/approvals"' not in visitor.get("/ask").text


@pytest.mark.parametrize(
    "text",
    [
        'above = { CNY = "1.5" }',
        "above = { CNY = 5 }",
        'above = { XXX = "1" }',
        'above = { CNY = "x" }',
        "hours = 0",
        "hours = 73",
        'all = "yes"',
        "other = 1",
    ],
)
def test_a_setting_that_is_not_in_order_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "desk.toml").write_text(f"[approval]\n{text}\n")
    with pytest.raises(ConfigError, match="approval"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("settings", "money", "asks"),
    [
        ({}, (Amounts(currency="CNY", principal=10**12),), False),
        ({}, None, False),
        ({"all": True}, (Amounts(currency="CNY"),), True),
        ({"above": {"CNY": "10.00"}}, (Amounts(currency="CNY", principal=1_000),), False),
        ({"above": {"CNY": "10.00"}}, (Amounts(currency="CNY", principal=1_000, fees=1),), True),
        ({"above": {"CNY": "10"}}, (Amounts(currency="CNY"), Amounts(currency="CNY", interest=1_001)), True),
        ({"above": {"CNY": "10"}}, (Amounts(currency="USD"),), True),
        ({"above": {"CNY": "10"}}, None, True),
    ],
)
def test_amounts_decide(settings: dict[str, object], money: tuple[Amounts, ...] | None, *, asks: bool) -> None:
    assert ApprovalSettings.model_validate(settings).asks(money) is asks


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def act(number: int = 1) -> PreparedReport:
    return PreparedReport(default_report(number), {}, (), repeated=False, following=None)


def test_proposals_are_bounded_and_end() -> None:
    lapsed: list[ApprovalRequest] = []
    clock = Clock()
    requests = ApprovalRequests(2, lapsed.append, clock)
    first = act()
    kept = requests.add("anna", first)
    assert requests.add("anna", first) is kept
    for place in range(1, MOST_OF_ONE):
        requests.add("anna", act(place))
    with pytest.raises(TooManyApprovalRequestsError):
        requests.add("Anna", act())
    for place in range(MOST - MOST_OF_ONE):
        requests.add(f"officer-{place}", act(place + 1))
    with pytest.raises(TooManyApprovalRequestsError):
        requests.add("zoe", act())
    requests.give_back(kept, "bo", "no")
    clock.now = 2 * HOUR
    assert requests.find(kept.id) is None
    assert len(lapsed) == MOST - 1, "what was returned has not lapsed"
    assert requests.all() == []


def test_what_was_returned_and_is_given_to_an_approver_again_waits_again() -> None:
    requests = ApprovalRequests(2, lambda _: None, Clock())
    prepared = act()
    returned = requests.add("anna", prepared)
    requests.give_back(returned, "bo", "no")
    again = requests.add("anna", prepared)
    assert again.id != returned.id
    assert requests.waiting_for("bo") == [again]
    assert requests.add("anna", prepared) is again


def test_one_approver_decides_and_what_fails_waits_as_before() -> None:
    requests = ApprovalRequests(1, lambda _: None)
    request = requests.add("anna", act())
    for name in ("anna", "ANNA"):
        with pytest.raises(ApprovalStateError), requests.approving(request, name):
            pytest.fail("nobody approves an own one")
    with pytest.raises(RuntimeError), requests.approving(request, "bo"):
        raise RuntimeError
    assert (request.state, request.decided_by) == (ApprovalState.WAITING, "")
    inside, leave = threading.Event(), threading.Event()

    def approve() -> None:
        with requests.approving(request, "bo"):
            inside.set()
            assert leave.wait(60)

    thread = threading.Thread(target=approve)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(ApprovalStateError):
        requests.give_back(request, "cleo", "x")
    with pytest.raises(ApprovalStateError):
        requests.drop(request, "anna")
    second = request.state
    with pytest.raises(ApprovalStateError), requests.approving(request, "cleo"):
        pytest.fail("it is being sent")
    leave.set()
    thread.join()
    assert second is ApprovalState.SENDING
    assert (request.state, request.decided_by, request.prepared) == (ApprovalState.APPROVED, "bo", None)
    assert re.fullmatch(r"[0-9a-f]{32}", request.id)


def test_a_file_with_a_row_above_the_amount_is_sent_by_another_person(
    registry: TestRegistry, home: Path, at: dict[str, Visitor]
) -> None:
    path, checked = drop(at["anna"], csv_of([row_of(default_report(1771)), row_of(big(1772))]))
    assert "an approver finds this file under Approvals" in checked.words
    assert f'action="{path}/send"' not in checked.text
    refused = at["anna"].post(f"{path}/send")
    assert refused.status == 403
    assert "Another person than the one who dropped this file sends it" in refused.words
    for name in ("olga", "rita"):
        assert at[name].get(path).status != 200
    assert f'href="{path}"' in at["bo"].get("/approvals").text
    seen = at["bo"].get(path)
    assert "Dropped by anna." in seen.words
    with registry.client("lender-approval") as client:
        assert list(client.records(identity=person(1772))) == []
        sent = at["bo"].finished(at["bo"].post(f"{path}/send"))
        assert sent.status == 200
        assert [len(list(client.records(identity=person(number)))) for number in (1771, 1772)] == [1, 1]
    lines = [line for line, _ in read_journal(home / JOURNAL_FILE)]
    assert [line.who for line in lines if line.act == "APPROVE" and "author:anna" in line.about][-1] == "bo"
    assert f'href="{path}"' not in at["cleo"].get("/approvals").text


def test_a_file_of_an_approver_is_sent_by_another_one_and_a_small_file_by_its_own_author(
    at: dict[str, Visitor],
) -> None:
    path, _ = drop(at["bo"], csv_of([row_of(big(1773))]))
    assert at["bo"].post(f"{path}/send").status == 403
    assert at["cleo"].finished(at["cleo"].post(f"{path}/send")).status == 200
    path, checked = drop(at["anna"], csv_of([row_of(default_report(1774))]))
    assert f'action="{path}/send"' in checked.text
    assert f'href="{path}"' not in at["bo"].get("/approvals").text
    assert at["anna"].finished(at["anna"].post(f"{path}/send")).status == 200


def test_a_file_with_a_version_of_a_record_that_is_held_is_sent_by_another_person(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    with registry.client("lender-approval") as client:
        client.report(big(1773))
    facts = default_facts(contract="HT-1773", principal=1_000, as_of=date(2025, 5, 31), days=61)
    lower = row_of(default_report(1773, facts=facts))
    path, checked = drop(at["anna"], csv_of([row_of(default_report(1774)), lower]))
    assert "an approver finds this file under Approvals" in checked.words
    assert at["anna"].post(f"{path}/send").status == 403
    assert f'href="{path}"' in at["bo"].get("/approvals").text


def test_a_file_that_was_checked_before_one_of_its_records_was_reported_is_not_sent(
    registry: TestRegistry, at: dict[str, Visitor]
) -> None:
    facts = default_facts(contract="HT-1775", principal=1_000, as_of=date(2025, 5, 31), days=61)
    path, checked = drop(at["anna"], csv_of([row_of(default_report(1775, facts=facts))]))
    assert "Sign and send" in checked.words
    with registry.client("lender-approval") as client:
        client.report(big(1775))
        ended = at["anna"].finished(at["anna"].post(f"{path}/send"))
        assert "file.approval" in ended.words
        assert "drop the file again" in ended.words
        (held,) = client.records(identity=person(1775))
    assert held.version == 1
