"""What the witnesses of a registry say that they have cosigned: all are asked at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.witness_request import witness_request
from client_sdk.models.examined import Grade
from registry_server.operating.doctor import examine
from registry_server.operating.standing import standing_of
from tests.registry_server.usecases.test_usecases_witnessing import KEYS, real, served
from tests.support.closing_home import ClosingHome
from tests.support.registers import ORIGIN
from tests.support.registry_world import accept

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_witnesses_are_asked_at_once(tmp_path: Path, database_url: str) -> None:
    kept, asked = ClosingHome(tmp_path, database_url), threading.Barrier(3)
    with kept.ledger() as ledger:
        accept(ledger, kept.world.report("lender-1", "one"))

    def answer(_: bytes) -> tuple[int, bytes]:
        # Each waits until the others are asked as well: in turn, none would answer.
        asked.wait(10)
        return 409, b"1\n"

    with served(answer) as (first,), served(answer) as (second,), served(answer) as (third,):
        witnesses = (first, second, third)
        lines = [f"witness w{place} {KEYS[place].text()} {each.url}" for place, each in enumerate(witnesses)]
        (kept.home / "witnesses").write_text("\n".join((*lines, "group most 2 w0 w1 w2", "quorum most", "")))
        file = kept.home / "registry.toml"
        file.write_text(file.read_text() + 'witness_policy = "witnesses"\n')
        told = standing_of(kept.settings).witnesses
    assert [(each.name, each.size, each.problem) for each in told] == [(f"w{place}", 1, "") for place in range(3)]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_witness_of_another_tree_of_the_same_size_says_so(tmp_path: Path, database_url: str) -> None:
    kept = ClosingHome(tmp_path, database_url)
    with kept.ledger() as ledger:
        accept(ledger, kept.world.report("lender-1", "one"))
        ledger.heartbeat(at_once=True).result()
        size = ledger.size
    other = real(0, tmp_path / "w")
    assert other(witness_request(0, (), sign_checkpoint(ORIGIN, size, bytes(32), kept.world.log_signer)))[0] == 200
    with served(other) as (witness,):
        (kept.home / "witnesses").write_text(f"witness w0 {KEYS[0].text()} {witness.url}\nquorum w0\n")
        file = kept.home / "registry.toml"
        file.write_text(file.read_text() + 'witness_policy = "witnesses"\n')
        (told,) = standing_of(kept.settings).witnesses
    assert (told.size, told.problem) == (size, "another tree of this size")


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_the_checklist_names_a_witness_that_is_away_and_one_that_has_seen_more(
    tmp_path: Path, database_url: str
) -> None:
    kept = ClosingHome(tmp_path, database_url)
    with kept.ledger() as ledger:
        accept(ledger, kept.world.report("lender-1", "one"))
        size = ledger.size
    with (
        served(lambda _: (409, b"1\n")) as (behind,),
        served(lambda _: (503, b"")) as (away,),
        served(lambda _: (409, b"%d\n" % (size + 1))) as (newer,),
    ):
        urls = (behind.url, away.url, newer.url)
        lines = [f"witness w{place} {KEYS[place].text()} {url}" for place, url in enumerate(urls)]
        (kept.home / "witnesses").write_text("\n".join((*lines, "group most 2 w0 w1 w2", "quorum most", "")))
        file = kept.home / "registry.toml"
        file.write_text(file.read_text() + 'witness_policy = "witnesses"\n')
        told = [(item.grade, item.found) for item in examine(kept.settings) if item.check == "witnesses"]
    assert told == [
        (Grade.PASS, f"w0: 1 of {size} leaves"),
        (Grade.WARN, "w1: status 503"),
        (Grade.FAIL, f"w2: {size + 1} of {size} leaves"),
    ]
