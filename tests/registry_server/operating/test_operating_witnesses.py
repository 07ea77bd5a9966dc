"""What the witnesses of a registry say that they have cosigned: all are asked at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from registry_server.operating.standing import standing_of
from tests.registry_server.usecases.test_usecases_witnessing import KEYS, served
from tests.support.closing_home import ClosingHome
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
