"""An auditor that cosigns is killed, meets a full disk, a second process and clocks that step: it never cosigns what it
has not checked, nor two logs of one size."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.audit import audit
from client_sdk.auditing.cosigning import cosign_audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.cosigned import read_cosigned
from tests.support.killed_auditor import NAME, OWN
from tests.support.lies import Forger, honest_log
from tests.support.transparency_server import HandmadeRegistry, listening, serve
from tests.support.troubles import small_files_only

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.handmade_log import HandmadeLog

KEY = VerifierKey.cosigner(NAME, OWN.public_key.raw)
SECONDS = 120


class Watched:
    """A registry with the folder of an auditor that is killed, and all that it has published."""

    def __init__(self, folder: Path) -> None:
        self.log = honest_log()
        self.registry = HandmadeRegistry(self.log)
        self.folder, self.state = folder, folder / "audit"
        (folder / "trust-root.bin").write_bytes(self.log.trust_root.encode())
        self.home = AuditHome(self.state)

    def killed(self, stride: int = 1) -> int:
        """Run the auditor, killed at its steps, until one run ends by itself; how often it was killed."""
        with listening(self.registry) as port:
            words = (str(port), str(self.state), str(self.folder / "trust-root.bin"), str(self.log.logged_at))
            command = [sys.executable, "-m", "tests.support.killed_auditor", *words, str(stride)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.splitlines()[-1])

    def audit(self, clock: int = 0) -> None:
        with serve(self.registry) as channel:
            audit(RegistrySource(channel), self.home, self.log.trust_root, now_ms=self.log.logged_at + clock)

    def published(self) -> list[tuple[int, bytes, int]]:
        """Size, root and time of each note that was published, in order."""
        return [described(self.log, data) for data in self.registry.published]

    def cosigned(self) -> tuple[int, bytes, int] | None:
        made = cosign_audit(self.home, self.log.trust_root, NAME, OWN)
        return None if made is None else described(self.log, made.note)


def described(log: HandmadeLog, data: bytes) -> tuple[int, bytes, int]:
    shown = read_cosigned(data, log.trust_root.log_key)
    return shown.size, shown.signed.checkpoint.root, cosignatures_of(shown.note, [KEY])[KEY]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_killed_auditor_cosigns_one_tree_a_size_and_nothing_that_it_has_not_checked(watched: Watched) -> None:
    kills = watched.killed()
    assert kills > 10
    first = len(watched.log.leaves)
    watched.log.say("lender-1", "running")
    watched.log.wait(60_000)
    watched.log.head()
    kills += watched.killed()
    roots = {(size, root) for size, root, _ in watched.published()}
    sizes = {size for size, _ in roots}
    assert sizes == {first, len(watched.log.leaves)}
    assert roots == {(size, watched.log.tree.root(size)) for size in sizes}
    # The same audit makes the same bytes, however often it is killed.
    assert len(set(watched.registry.published)) == len(sizes)
    assert watched.home.load()[0].size == len(watched.log.leaves)
    # A draft of a killed run may lie beside the state, and no audit takes it for the state.
    assert watched.cosigned() == watched.published()[-1]


def test_a_finding_is_never_lost_by_a_kill_and_its_log_is_never_cosigned(watched: Watched) -> None:
    watched.killed(stride=5)
    honest = len(watched.log.leaves)
    watched.log.say("lender-1", "new", by=Forger("lender-1 REPORT"))
    watched.log.head()
    watched.log.say("lender-2", "newer")
    watched.log.head()
    assert watched.killed() > 10
    assert {size for size, _, _ in watched.published()} == {honest}
    _, found = watched.home.load()
    assert [item.finding.id.name for item in found] == ["SIGNATURE"]
    assert watched.cosigned() is None


def test_a_full_disk_loses_nothing_and_cosigns_nothing_new(watched: Watched) -> None:
    watched.audit()
    before = watched.cosigned()
    for place in range(80):
        watched.log.say("lender-1", f"loan {place}")
    watched.log.head()
    with small_files_only(), pytest.raises(ConfigError, match="cannot be written"):
        watched.audit()
    assert watched.cosigned() == before
    watched.audit()
    assert watched.cosigned() is not None
    assert watched.home.load()[0].size == len(watched.log.leaves)


def test_two_processes_with_one_folder_take_turns_and_cosign_the_same(watched: Watched) -> None:
    watched.audit()
    other = AuditHome(watched.state)
    watched.log.say("lender-1", "running")
    watched.log.head()
    before = watched.cosigned()
    with other.lock():
        with pytest.raises(ConfigError, match="another audit is running"):
            watched.audit()
        # What the last whole audit has left is cosigned all the same, and by both alike.
        assert watched.cosigned() == before
    watched.audit()
    made = [cosign_audit(home, watched.log.trust_root, NAME, OWN) for home in (watched.home, other)]
    assert made[0] == made[1]
    assert watched.cosigned() != before


@pytest.mark.parametrize("minutes", [-4, -2, 3, 240])
def test_a_clock_that_steps_changes_the_time_of_a_cosignature_alone(watched: Watched, minutes: int) -> None:
    watched.audit()
    watched.audit(clock=minutes * 60_000)
    made = watched.cosigned()
    assert made is not None
    assert made[:2] == (len(watched.log.leaves), watched.log.tree.root())
    assert made[2] == watched.log.logged_at // 1_000 + min(minutes, 0) * 60


def test_a_folder_of_before_cosigns_what_it_holds_and_no_other_log(watched: Watched) -> None:
    watched.audit()
    old = {path.name: path.read_bytes() for path in watched.state.iterdir()}
    before = watched.cosigned()
    watched.log.say("lender-1", "running")
    watched.log.head()
    watched.audit()
    for name, data in old.items():
        (watched.state / name).write_bytes(data)
    assert watched.cosigned() == before
    watched.audit()
    made = watched.cosigned()
    assert made is not None
    assert made[:2] == (len(watched.log.leaves), watched.log.tree.root())
