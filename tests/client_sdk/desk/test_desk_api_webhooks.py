"""The webhook of a token is told of the end of each job: signed, again after a failure, without any fact."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.alerting.queue import DELIVERED, DeliveryQueue
from client_sdk.config import ClientConfig
from client_sdk.desk.rights import ApiScope
from tests.client_sdk.desk.test_desk_api import question, who
from tests.support.command import Command
from tests.support.desk import RunningDesk
from tests.support.hooks import Hook, running_hook
from tests.support.program import Program
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    """A lender whose webhooks may lead to this machine."""
    home = registry.enrol("lender-hooks")
    (home / "alerts.toml").write_text('webhook_networks = ["127.0.0.0/8"]\n')
    return home


@pytest.fixture
def hook() -> Iterator[Hook]:
    with running_hook() as running:
        yield running


def started(program: Program) -> str:
    asked = {"persons": [who(1), who(2)], "purpose": "LOAN_APPROVAL", "consent": question(1)["consent"]}
    job: str = program.post("/jobs/checks", asked).content["job"]
    return job


def got(hook: Hook, count: int) -> list[dict[str, Any]]:
    """Wait for so many messages, and return their bodies."""
    wait_until(lambda: len(hook.got) >= count)
    return [json.loads(message.body) for message in hook.got]


def test_a_webhook_is_told_of_the_end_of_a_job_and_can_verify_it(home: Path, hook: Hook, tmp_path: Path) -> None:
    made = Command(home)("desk", "token", "add", "batch", "--scope", "check", "--webhook", hook.url).content
    secret = Command(home)("alerts", "secret", hook.url).content["secret"]
    with RunningDesk(home, tmp_path / "log") as desk:
        job = started(Program(desk, made["token"]))
        (content,) = got(hook, 1)
        assert content["type"] == "job.ended"
        data = content["data"]
        assert (data["job"], data["kind"], data["state"], data["total"]) == (job, "CHECKS", "DONE", 2)
        (message,) = hook.got
        signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
        mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, sha256).digest()
        assert message.headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
        assert "LISTED" not in message.body.decode()
    assert "127.0.0.1" in Command(home).said("desk", "token", "list").out
    Command(home)("desk", "token", "remove", "batch")


def test_what_a_webhook_did_not_take_waits_until_the_next_run(home: Path, hook: Hook, tmp_path: Path) -> None:
    hook.statuses = [500]
    config = ClientConfig.from_home(home)
    with RunningDesk(home, tmp_path / "log") as desk:
        program = Program.of(desk, "again", [ApiScope.CHECK], hook.url)
        job = started(program)
        got(hook, 1)
        message = f"msg_job_{job}"
        assert Command(home).said("alerts", "list").out.count("again") == 1
    with DeliveryQueue(home, config.name, config.institution) as queue:
        wait_until(lambda: [one.attempts for one in queue.messages(10) if one.message_id == message] == [1])
    with RunningDesk(home, tmp_path / "log"):
        assert [content["data"]["job"] for content in got(hook, 2)] == [job, job]
        assert hook.got[0].headers["webhook-id"] == hook.got[1].headers["webhook-id"] == message
        with DeliveryQueue(home, config.name, config.institution) as queue:
            wait_until(lambda: DELIVERED in [one.state for one in queue.messages(10) if one.message_id == message])
    Command(home)("desk", "token", "remove", "again")
