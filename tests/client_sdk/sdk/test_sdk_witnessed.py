"""What an asker demands of witnesses: strict waits, follow_up confirms later, and two histories stop every answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2, evidence_pb2, transparency_pb2

from client_sdk import Client
from client_sdk._answer_page import Page
from client_sdk.errors import RollbackError
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.models import Verdict, WitnessDemand, written_consent
from client_sdk.quorums import quorums_of_home
from client_sdk.verification import verify, verify_contradiction
from tests.client_sdk.kernel.ledger.test_ledger_cosigned import QUORUM, cosigned_note
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.copied_home import copied_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sdk.config import ClientConfig
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
Cosigned = evidence_pb2.CosignedCheckpoint


@pytest.fixture
def config(registry: TestRegistry, tmp_path: Path) -> ClientConfig:
    """A lender that demands witnesses of its own; the registry itself asks none."""
    made = copied_home(registry, "lender-2", tmp_path)
    made.quorum_file.write_text("\n".join(QUORUM.lines()) + "\n")
    return replace(made, deadline=3.0)


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def asked(client: Client, change: Callable[[check_pb2.CheckResponse], None]) -> Page:
    """Ask the real registry about a person, change its answer, and let the client make of it what it does."""
    (names,) = client._run(client._member.names([person(650)], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL))
    question = client._member.session.ask([(person(650), names)], Purpose.LOAN_APPROVAL, CONSENT, "clerk-7")
    page = Page(client._member.session, question)
    request = page.request()
    assert request is not None
    response = client._member.services.inquiries.Check(request)
    change(response)
    page.read(response)
    client._run(client._member.following.settle(page))
    return page


def cosign_answer(response: check_pb2.CheckResponse, age: int = 0) -> None:
    """Add what two witnesses have cosigned of the very checkpoint of the answer."""
    times = {"one": now() - age, "two": now() - age}
    response.evidence.cosigned.checkpoint = cosigned_note(response.evidence.checkpoint, times)


def nothing(_: check_pb2.CheckResponse) -> None:
    return


def test_follow_up_answers_at_once_and_says_how_far_witnesses_have_come(config: ClientConfig, tmp_path: Path) -> None:
    with Client(config) as client:
        (bare,) = asked(client, nothing).answers
        assert bare.verdict is Verdict.CLEAR
        assert bare.witnessed is not None
        assert (bare.witnessed.size, bare.witnessed.at, bare.witnessed.whole) == (0, None, False)
        status = client.status()
        assert status.witnessed is not None
        assert not status.witnessed.whole
        (answer,) = asked(client, cosign_answer).answers
        assert answer.witnessed is not None
        assert answer.witnessed.whole
        # What an answer has brought confirms all that was shown before, also to the next process.
        kept = client.status().witnessed
        assert kept is not None
        assert kept.size == answer.size
        answer.save(tmp_path / "answer.evidence")
    (read,) = verify(tmp_path / "answer.evidence", config.trust_root_file, quorums_of_home(config))
    assert read.witnessed == answer.witnessed
    (unasked,) = verify(tmp_path / "answer.evidence", config.trust_root_file)
    assert unasked.witnessed is None


def test_strict_gives_no_answer_without_a_late_quorum_and_stops_no_report(
    registry: TestRegistry, config: ClientConfig
) -> None:
    strict = replace(config, witnessed=WitnessDemand.STRICT, deadline=0.6)
    with Client(strict) as client:
        for change in (nothing, lambda response: cosign_answer(response, 3_600)):
            (answer,) = asked(client, change).answers
            assert answer.verdict is Verdict.UNVERIFIABLE
            assert answer.failure is not None
            assert (answer.failure.part, answer.failure.rule) == ("witnesses", "witnesses.strict")
        (answer,) = asked(client, cosign_answer).answers
        assert answer.verdict is Verdict.CLEAR
    reporting = replace(copied_home(registry, "lender-1", config.home.parent), witnessed=WitnessDemand.STRICT)
    reporting.quorum_file.write_text("\n".join(QUORUM.lines()) + "\n")
    with Client(reporting) as lender:
        assert lender.report(default_report(651)).index
    with Client(replace(config, witnessed=WitnessDemand.NONE)) as careless:
        (answer,) = asked(careless, nothing).answers
        assert (answer.verdict, answer.witnessed) == (Verdict.CLEAR, None)


def test_a_beginning_that_is_cosigned_anew_makes_no_answer_younger(
    registry: TestRegistry, config: ClientConfig
) -> None:
    reporting = copied_home(registry, "lender-1", config.home.parent)
    with Client(config) as client, Client(reporting) as lender:
        beginning = asked(client, nothing).note
        size = parse_checkpoint(beginning, config.trust_root().log_key).checkpoint.size

        def cosign_beginning(response: check_pb2.CheckResponse) -> None:
            newer = parse_checkpoint(response.evidence.checkpoint, config.trust_root().log_key).checkpoint.size
            request = transparency_pb2.GetCheckpointRequest(known_size=size, to_size=newer)
            proof = client._member.services.transparency.GetCheckpoint(request).consistency
            shown = cosigned_note(beginning, {"one": now() + 30, "two": now() + 30})
            response.evidence.cosigned.CopyFrom(Cosigned(checkpoint=shown, consistency=proof))

        lender.report(default_report(652))
        (shown,) = asked(client, nothing).answers
        assert shown.size > size
        awaited = datetime.now(UTC)
        lender.report(default_report(653))
        answers = [asked(client, cosign_beginning).answers[0] for _ in range(2)]
        assert [answer.verdict for answer in answers] == [Verdict.CLEAR] * 2
        # Since the second look nothing of what was shown then was confirmed.
        for found in (*(answer.witnessed for answer in answers), client.status().witnessed):
            assert found is not None
            assert (found.size, found.whole) == (size, False)
            assert found.at is not None
            assert awaited - timedelta(minutes=1) < found.at < datetime.now(UTC)


def test_an_answer_beside_another_history_is_refused_and_proved(registry: TestRegistry, config: ClientConfig) -> None:
    log = Ed25519Signer.from_pkcs8_pem((registry.registry_home / "log-key.pem").read_bytes())
    root = config.trust_root()

    def forked(response: check_pb2.CheckResponse) -> None:
        own = parse_checkpoint(response.evidence.checkpoint, root.log_key).checkpoint
        other = sign_checkpoint(own.origin, own.size, bytes(32), log)
        response.evidence.cosigned.checkpoint = cosigned_note(other, {"one": now(), "two": now()})

    with Client(config) as client:
        (answer,) = asked(client, forked).answers
        assert answer.verdict is Verdict.UNVERIFIABLE
        assert answer.failure is not None
        assert answer.failure.rule == "log.fork"
        (proof,) = config.state_folder.glob("contradiction-*.proof")
        found = verify_contradiction(proof.read_bytes(), root)
        assert found.first.checkpoint.root == bytes(32)
        with pytest.raises(RollbackError, match=r"log\.fork-proved"):
            client.check(person(650), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    with Client(config) as again, pytest.raises(RollbackError, match=r"log\.fork-proved"):
        again.status()
    proof.unlink()
    with Client(config) as after:
        assert after.status().size


def test_a_cosigned_checkpoint_that_is_not_the_logs_makes_the_answer_unverifiable(config: ClientConfig) -> None:
    def forged(response: check_pb2.CheckResponse) -> None:
        cosign_answer(response)
        shown = note.parse(response.evidence.cosigned.checkpoint)
        spoilt = note.NoteSignature(*shown.signatures[0][:2], bytes(64))
        response.evidence.cosigned.checkpoint = note.Note(shown.text, (spoilt, *shown.signatures[1:])).encode()

    with Client(config) as client:
        (answer,) = asked(client, forged).answers
        assert answer.verdict is Verdict.UNVERIFIABLE
        assert answer.failure is not None
        assert answer.failure.part == "cosigned checkpoint"
        # Nothing was proved by it.
        assert client.status().size
        assert list(config.state_folder.glob("contradiction-*.proof")) == []


def test_a_quorum_of_the_future_is_none_under_strict(config: ClientConfig) -> None:
    with Client(replace(config, witnessed=WitnessDemand.STRICT, deadline=0.6)) as client:
        (answer,) = asked(client, lambda response: cosign_answer(response, -3_600)).answers
    assert answer.verdict is Verdict.UNVERIFIABLE
    assert timedelta(seconds=client.config.max_age) < timedelta(hours=1)
