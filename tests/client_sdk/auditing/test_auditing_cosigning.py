"""An auditor cosigns what a whole audit has left in its folder, and nothing once something was found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.audit import audit
from client_sdk.auditing.cosigning import cosign_audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.cosigned import read_cosigned
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.lies import Forger, honest_log
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "example/auditor/replay"
OWN = signer("auditor replay")
KEY = VerifierKey.cosigner(NAME, OWN.public_key.raw)


class Following:
    """An auditor of a handmade registry that cosigns after each audit."""

    def __init__(self, source: RegistrySource, log: HandmadeLog, folder: Path) -> None:
        self.source, self.log, self.home = source, log, AuditHome(folder)

    def audit(self, *, later: int = 0) -> int:
        return audit(self.source, self.home, self.log.trust_root, now_ms=self.log.logged_at + later).size

    def cosigned(self) -> tuple[int, int] | None:
        """Size and time of what it cosigns, read as a member reads it."""
        made = cosign_audit(self.home, self.log.trust_root, NAME, OWN)
        if made is None:
            return None
        shown = read_cosigned(made.note, self.log.trust_root.log_key)
        assert made == cosign_audit(self.home, self.log.trust_root, NAME, OWN)
        assert shown.size == made.size
        assert shown.signed.checkpoint.root == self.log.tree.root(made.size)
        return made.size, cosignatures_of(shown.note, [KEY])[KEY]


@pytest.fixture
def registry() -> HandmadeRegistry:
    return HandmadeRegistry(honest_log())


@pytest.fixture
def following(registry: HandmadeRegistry, tmp_path: Path) -> Iterator[Following]:
    with serve(registry) as channel:
        yield Following(RegistrySource(channel), registry.log, tmp_path / "audit")


def test_what_a_clean_audit_has_read_is_cosigned_with_the_time_at_which_it_began(following: Following) -> None:
    assert following.cosigned() is None
    first = following.audit()
    assert following.cosigned() == (first, following.log.logged_at // 1_000)
    following.log.say("lender-1", "running")
    following.log.wait(60_000)
    following.log.head()
    # What was not audited yet is not cosigned.
    assert following.cosigned() == (first, following.log.logged_at // 1_000 - 60)
    assert following.audit() > first
    assert following.cosigned() == (len(following.log.leaves), following.log.logged_at // 1_000)


@pytest.mark.parametrize("days", [1, 30])
def test_a_log_that_stands_still_is_never_cosigned_as_one_of_today(following: Following, days: int) -> None:
    size, at = following.audit(), following.log.logged_at // 1_000
    following.audit(later=days * DAY_MS)
    assert following.cosigned() == (size, at)
    # Nor one that is shown leaf by leaf, long after they were logged.
    following.log.say("lender-1", "running")
    following.log.head()
    following.audit(later=days * DAY_MS)
    assert following.cosigned() == (len(following.log.leaves), following.log.logged_at // 1_000)


def test_a_head_of_the_future_is_cosigned_once_it_is_one_no_more(following: Following) -> None:
    following.audit()
    size = following.audit(later=-DAY_MS)
    assert following.cosigned() is None
    following.audit()
    assert following.cosigned() == (size, following.log.logged_at // 1_000)


def test_the_checkpoint_is_that_of_the_leaves_though_the_log_has_gone_on(
    following: Following, registry: HandmadeRegistry
) -> None:
    size, bindings = len(registry.log.leaves), registry.log.bindings()
    registry.log.say("lender-1", "running")
    registry.log.head()
    registry.bindings_size, registry.bindings = size, bindings
    assert following.audit() == size
    assert following.cosigned() == (size, registry.log.logged_at // 1_000)


def test_an_auditor_that_found_something_never_cosigns_again(following: Following) -> None:
    following.audit()
    following.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    following.log.head()
    following.audit()
    assert following.cosigned() is None
    following.log.head()
    following.audit()
    assert following.cosigned() is None


def test_an_audit_that_breaks_off_leaves_what_was_cosigned_before(
    following: Following, registry: HandmadeRegistry
) -> None:
    following.audit()
    before = following.cosigned()
    following.log.say("lender-1", "running")
    following.log.head()
    registry.bindings = [*reversed(registry.log.bindings())]
    with pytest.raises(VerificationError):
        following.audit()
    assert following.cosigned() == before


@pytest.mark.parametrize("change", [{"size": 3}, {"root": "00" * 32}, {"checkpoint": "none"}, {"logged_at": 0}])
def test_a_changed_folder_is_not_cosigned(following: Following, change: dict[str, object], tmp_path: Path) -> None:
    following.audit()
    file = tmp_path / "audit" / "audit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ConfigError, match="audit's folder"):
        following.cosigned()


def test_a_folder_of_another_registry_is_not_cosigned(following: Following) -> None:
    following.audit()
    other = replace(following.log.trust_root, genesis=bytes(32))
    with pytest.raises(ConfigError, match="another registry"):
        cosign_audit(following.home, other, NAME, OWN)


@pytest.mark.parametrize("size", [2, 5])
def test_a_checkpoint_of_other_leaves_than_the_bindings_is_a_finding(
    following: Following, registry: HandmadeRegistry, size: int
) -> None:
    registry.bindings_checkpoint = registry.log.checkpoint(size)
    following.audit()
    position, found = following.home.load()
    assert position.size == 0
    assert {item.finding.id.name for item in found} == {"CHECKPOINT"}
    assert following.cosigned() is None
