"""What grows with the log lies in a file: as in memory, encrypted, gone at the end, and with bounded memory."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk._state_file import HOT_ENTRIES, StateFile
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.map_entry import subject_key
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.examination import Examination, LiveBinding
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.map_parts import map_subtree
from client_sdk.kernel.ledger.state_store import MemoryStore
from tests.support.handmade_log import HandmadeLog
from tests.support.transparency_server import HandmadeRegistry, listening
from tests.support.troubles import small_files_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.ledger.map_parts import MapPart, MapSubtree

NUMBERS = st.integers(0, 40)
RECORDS = st.builds(RecordKey, st.sampled_from(["a", "ab", "b"]), st.binary(max_size=1))
KEYS = {int: NUMBERS, bytes: st.binary(max_size=2), RecordKey: RECORDS}
# A small part of the records of the smaller log below.
FEW_ENTRIES = 100
SECRET = 20 * b"subject and opening of a person"


@st.composite
def steps_with_keys(draw: st.DrawFn) -> tuple[type[int], list[tuple[str, int, int]]]:
    """A type of keys, and what is done with a mapping: put, get, delete, count."""
    # To the type checker all keys are numbers.
    kind: type[int] = draw(st.sampled_from([*KEYS]))
    return kind, draw(st.lists(st.tuples(st.sampled_from("pgdc"), KEYS[kind], NUMBERS), max_size=60))


@given(steps_with_keys(), st.integers(1, 6))
def test_a_mapping_in_a_file_is_one_like_those_in_memory(
    tmp_path_factory: pytest.TempPathFactory,
    given_steps: tuple[type[int], list[tuple[str, int, int]]],
    hot_entries: int,
) -> None:
    kind, steps = given_steps
    memory = MemoryStore()
    expected = memory.mapping("one", kind, int)
    with StateFile(tmp_path_factory.mktemp("state") / "state", hot_entries) as file:
        other, mapping = file.mapping("another", kind, int), file.mapping("one", kind, int)
        for what, key, value in steps:
            if what == "p":
                mapping[key] = expected[key] = value
                other[key] = value + 1
            elif what == "d" and key in expected:
                del mapping[key], expected[key]
            elif what == "c":
                assert len(mapping) == len(expected)
            assert mapping.get(key) == expected.get(key)
        assert [*file.ascending(mapping)] == [*memory.ascending(expected)]
        assert sorted(mapping.values()) == sorted(expected.values())
        assert {*mapping} == {*expected}
        assert all(type(key) is kind for key in mapping)
        assert not set(mapping).difference(other)


def opened_in(folder: Path) -> Path:
    """The one file of a folder that this process has open and that has no name any more."""
    links = ((path, str(path.readlink())) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    (found,) = [path for path, name in links if name.startswith(f"{folder}/") and name.endswith(" (deleted)")]
    return found


def test_nothing_is_written_in_clear_and_nothing_is_left(tmp_path: Path) -> None:
    with StateFile(tmp_path / "audit.state", hot_entries=1) as file:
        mapping = file.mapping("bindings", int, bytes)
        for number in range(50_000):
            mapping[number] = SECRET
        # It has no name: a process that is killed leaves nothing, and another one never meets it.
        assert not list(tmp_path.iterdir())
        opened = opened_in(tmp_path)
        assert stat.S_IMODE(opened.stat().st_mode) == 0o600
        written = opened.read_bytes()
        assert len(written) > 1 << 20
        assert SECRET not in written
        assert mapping[7] == SECRET
    assert not list(tmp_path.iterdir())


def test_two_of_one_name_know_nothing_of_each_other_and_of_what_lies_there(tmp_path: Path) -> None:
    path, victim = tmp_path / "audit.state", tmp_path / "victim"
    victim.write_bytes(b"a file of another program")
    path.symlink_to(victim)
    with StateFile(path, hot_entries=1) as one, StateFile(path, hot_entries=1) as other:
        first, second = one.mapping("chains", int, int), other.mapping("chains", int, int)
        first.update((number, number) for number in range(100))
        second.update((number, -number) for number in range(100))
        assert (first[7], second[7]) == (7, -7)
    assert victim.read_bytes() == b"a file of another program"
    assert sorted(tmp_path.iterdir()) == [path, victim]


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"audit\.state cannot be written"),
        StateFile(tmp_path / "no" / "audit.state"),
    ):
        pass


@given(st.lists(st.binary(max_size=3), unique=True, max_size=200), st.integers(1, 70))
def test_items_are_put_in_order_in_a_file_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory, items: list[bytes], hot_entries: int
) -> None:
    def place(item: bytes) -> bytes:
        return item[::-1]

    with StateFile(tmp_path_factory.mktemp("state") / "state", hot_entries) as file:
        two = [file.in_order(items, place), file.in_order(iter(items[:50]), place)]
        assert [*two[0]] == [*MemoryStore().in_order(items, place)]
        assert [*two[1]] == sorted(items[:50], key=place)


def test_the_file_shows_nothing_of_which_record_is_whose(tmp_path: Path) -> None:
    log = HandmadeLog()
    report(log, 300)
    bindings = [LiveBinding(*binding) for binding in log.bindings()]
    findings = Findings()
    with StateFile(tmp_path / "audit.state", hot_entries=20) as file:
        examination = Examination(findings, store=file)
        for leaf in log.leaves:
            examination.feed((leaf,))

        def look(parts: Iterable[MapPart]) -> list[MapSubtree]:
            file.execute("COMMIT")
            written = opened_in(tmp_path).read_bytes()
            file.execute("BEGIN")
            keys = [subject_key(subject) for _, subject, _ in bindings]
            # Of a key, so many bytes as never stand in a file of this size by chance.
            assert not [key for key in keys if key[:6] in written]
            for (index, subject, opening), key in zip(bindings, keys, strict=True):
                number = index.to_bytes(8)
                assert not [secret for secret in (subject, opening) if secret[:6] in written]
                # The first bytes of the key beside the record, as parts of the map are told apart by them.
                assert key[:3] + number not in written
                assert number + key[:3] not in written
            return [map_subtree(part) for part in parts]

        examination.check_map(bindings, look)
    assert len(bindings) == 300
    assert not findings.counts


def test_a_disk_that_takes_no_more_is_told(tmp_path: Path) -> None:
    with (
        StateFile(tmp_path / "audit.state", hot_entries=1) as file,
        small_files_only(),
        pytest.raises(ConfigError, match=r"audit\.state cannot be read or written"),
    ):
        fill(file)


def test_a_path_that_is_too_long_for_sqlite_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path.joinpath(*4 * ["folder" * 30]) / "audit.state"
    path.parent.mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read or written"), StateFile(path):
        pass
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        "SET value = (SELECT value FROM m1 WHERE key = x'0000000000000002')",
        "SET value = x'00'",
        "SET value = 'text'",
        "SET value = zeroblob(100)",
        "SET key = x'0000000000001002'",
    ],
)
def test_a_row_that_is_not_as_it_was_written_is_told(tmp_path: Path, damage: str) -> None:
    with StateFile(tmp_path / "audit.state", hot_entries=1) as file:
        mapping = file.mapping("chains", int, bytes)
        mapping.update((number, SECRET) for number in range(100))
        file.execute(f"UPDATE m1 {damage} WHERE key = x'0000000000000001'")
        if "SET value" in damage:
            with pytest.raises(ConfigError, match=r"audit\.state is damaged"):
                mapping[1]
        with pytest.raises(ConfigError, match=r"audit\.state is damaged"):
            list(mapping)
        assert mapping[2] == SECRET


def test_a_row_of_another_mapping_is_told(tmp_path: Path) -> None:
    with StateFile(tmp_path / "audit.state", hot_entries=1) as file:
        mappings = [file.mapping(str(number), bytes, bytes) for number in range(10)]
        for mapping in mappings:
            mapping.update({b"0key": SECRET, **{bytes([number]): SECRET for number in range(20)}})
        # Names and keys come to the same: m1 and 0key, m10 and key.
        file.execute("INSERT INTO m10 SELECT x'6b6579', value FROM m1 WHERE key = x'306b6579'")
        with pytest.raises(ConfigError, match=r"audit\.state is damaged"):
            mappings[9][b"key"]
        assert mappings[0][b"0key"] == SECRET


@pytest.mark.parametrize("damage", ["DELETE FROM r1 WHERE", "UPDATE r1 SET items = zeroblob(100) WHERE"])
def test_what_is_put_in_order_is_all_there_or_told(tmp_path: Path, damage: str) -> None:
    with StateFile(tmp_path / "audit.state", hot_entries=100) as file:
        items = file.in_order((number.to_bytes(2) for number in range(1_000)), bytes)
        file.execute(f"{damage} number = x'00000000000001f4'")
        with pytest.raises(ConfigError, match=r"audit\.state is damaged"):
            list(items)


def fill(file: StateFile) -> None:
    """Put more into it than is kept in memory of its pages."""
    mapping = file.mapping("chains", int, bytes)
    for number in range(100_000):
        mapping[number] = bytes(1_000)


# Audits a registry, and says how much memory of Python it took at most.
PROGRAM = """
import sys, tracemalloc
from pathlib import Path
import grpc
from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.kernel.ledger.trust_root import TrustRoot
port, folder, genesis, now, entries = sys.argv[1:]
root = TrustRoot.from_genesis(bytes.fromhex(genesis))
tracemalloc.start()
with grpc.insecure_channel("127.0.0.1:" + port) as channel:
    report = audit(RegistrySource(channel), AuditHome(Path(folder), int(entries)), root, now_ms=int(now))
print(tracemalloc.get_traced_memory()[1], len(report.findings), report.live)
"""


def memory_of(log: HandmadeLog, folder: Path, hot_entries: int) -> int:
    """How many bytes of Python an audit of a log takes at most."""
    with listening(HandmadeRegistry(log)) as port:
        words = [str(port), str(folder), log.leaves[0].hex(), str(log.logged_at), str(hot_entries)]
        done = subprocess.run([sys.executable, "-c", PROGRAM, *words], check=True, capture_output=True, text=True)
    memory, findings, live = map(int, done.stdout.split())
    assert (findings, live) == (0, len(log.bindings()))
    assert {path.name for path in folder.iterdir()} == {"asked", "audit.json", "audit.lock", "inquiries", "leaves"}
    return memory


def test_memory_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    log = HandmadeLog()
    # So many that a part of the map is as large as any, and every cache is full.
    report(log, 2_000)
    small = memory_of(log, tmp_path / "small", FEW_ENTRIES)
    small_in_memory = memory_of(log, tmp_path / "small, in memory", HOT_ENTRIES)
    report(log, 5_000)
    large = memory_of(log, tmp_path / "large", FEW_ENTRIES)
    large_in_memory = memory_of(log, tmp_path / "large, in memory", HOT_ENTRIES)
    # What 3,000 records take where there is room for them is more than what all else takes.
    grown = large_in_memory - small_in_memory
    assert large - small < grown / 10, (small, large, small_in_memory, large_in_memory)


def report(log: HandmadeLog, until: int) -> None:
    """Go on to so many live records."""
    for number in range(len(log.statements), until):
        log.say("lender-1", f"loan {number}")
        if number % 250 == 249:
            log.head()
    log.head()
