"""A witness cosigns what extends all that it has cosigned, once at a time, and says of everything else why not."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError, FormatError
from client_sdk.kernel.formats import note
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.cosignature import cosignatures_of
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.witness_request import witness_request
from client_sdk.witness import Witness, WitnessFolder
from client_sdk.witness.serving import FollowedTls
from tests.client_sdk.kernel.formats.vectors import load
from tests.support.tls import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.witness.witness import WitnessAnswer

PAIR = load("witness-protocol/add_checkpoint_pair.json")
ORIGIN = "registry.example/log/1"
LOG = Ed25519Signer.from_seed(bytes(range(32)))
LOG_KEY = VerifierKey.ed25519(ORIGIN, LOG.public_key.raw)
NAME = "lender-1.example/witness"
SECONDS = 1_790_000_000
TREE = MemoryTree(leaf_hash(bytes([number])) for number in range(40))
FORK = MemoryTree(leaf_hash(bytes([number, number])) for number in range(40))


@pytest.fixture
def folder(tmp_path: Path) -> WitnessFolder:
    made = WitnessFolder(tmp_path / "witness")
    made.create(NAME, "127.0.0.1:0", [LOG_KEY, VerifierKey.parse(PAIR["log_vkey"])])
    return made


def opened(folder: WitnessFolder) -> Witness:
    settings = folder.settings()
    return Witness(settings.name, folder.signer(), settings.logs, folder.rows(), lambda: SECONDS + 0.9)


def checkpoint(size: int, tree: MemoryTree = TREE) -> bytes:
    return sign_checkpoint(ORIGIN, size, tree.root(size), LOG)


def ask(witness: Witness, old: int, size: int, tree: MemoryTree = TREE) -> WitnessAnswer:
    proof = tree.consistency_proof(old, size) if 0 < old < size else []
    return witness.add_checkpoint(witness_request(old, proof, checkpoint(size, tree)))


def test_it_cosigns_what_extends_the_last_one_and_keeps_it(folder: WitnessFolder) -> None:
    witness, key = opened(folder), folder.verifier_key()
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 39)):
        answer = ask(witness, old, size)
        assert answer.status == 200, answer
        signed = note.parse(checkpoint(size) + answer.body)
        assert cosignatures_of(signed, [key]) == {key: SECONDS}
        # A witness that is started again goes on where it was.
        witness = opened(folder)
        assert witness.newest(sha256(ORIGIN.encode()).hexdigest()) == signed.encode()


def test_a_pair_of_another_implementation_is_cosigned(folder: WitnessFolder) -> None:
    witness = opened(folder)
    proof = [bytes.fromhex(hash_) for hash_ in PAIR["consistency_5_8_hex"]]
    assert witness.add_checkpoint(witness_request(0, [], PAIR["old"].encode())).status == 200
    assert witness.add_checkpoint(witness_request(5, proof[1:], PAIR["new"].encode())).status == 422
    assert witness.add_checkpoint(witness_request(5, proof, PAIR["new"].encode())).status == 200


def test_what_does_not_extend_it_is_refused_and_changes_nothing(folder: WitnessFolder) -> None:
    witness = opened(folder)
    assert ask(witness, 0, 8).status == 200
    cases = {
        "a fork that is longer": (ask(witness, 8, 12, FORK), 422),
        "a fork of the same size": (ask(witness, 8, 8, FORK), 422),
        "a proof where none is needed": (witness.add_checkpoint(witness_request(8, [bytes(32)], checkpoint(8))), 422),
        "no proof": (witness.add_checkpoint(witness_request(8, [], checkpoint(12))), 422),
        "an older tree": (ask(witness, 3, 5), 409),
        "a new beginning": (ask(witness, 0, 12), 409),
        "an old size beyond": (ask(witness, 12, 8), 400),
        "another log": (
            witness.add_checkpoint(witness_request(8, [], sign_checkpoint("other/log/1", 9, bytes(32), LOG))),
            404,
        ),
        "another key": (
            witness.add_checkpoint(
                witness_request(8, [], sign_checkpoint(ORIGIN, 9, bytes(32), Ed25519Signer.from_seed(bytes(32))))
            ),
            403,
        ),
        "no request": (witness.add_checkpoint(b"old 8\n\nhello\n"), 400),
    }
    assert {name: answer.status for name, (answer, _) in cases.items()} == {
        name: status for name, (_, status) in cases.items()
    }
    for name in ("an older tree", "a new beginning"):
        assert cases[name][0] == (409, b"8\n", "text/x.tlog.size")
    assert ask(witness, 8, 12).status == 200


def test_a_proof_from_nothing_is_refused(folder: WitnessFolder) -> None:
    body = witness_request(0, [bytes(32)], checkpoint(8))
    assert opened(folder).add_checkpoint(body).status == 422
    assert opened(folder).newest(sha256(ORIGIN.encode()).hexdigest()) is None


def test_of_two_trees_that_contradict_each_other_one_is_cosigned_whoever_asks_at_once(folder: WitnessFolder) -> None:
    common = MemoryTree(TREE.node(0, index) for index in range(8))
    forks = []
    for number in range(6):
        fork = MemoryTree(common.node(0, index) for index in range(8))
        fork.extend(leaf_hash(bytes([number, index])) for index in range(8))
        forks.append(fork)
    assert ask(opened(folder), 0, 8).status == 200
    with ThreadPoolExecutor(len(forks)) as threads:
        answers = list(threads.map(lambda fork: ask(opened(folder), 8, 16, fork), forks))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert {answer.body for answer in answers if answer.status == 409} == {b"16\n"}


def test_a_folder_is_made_once_and_read_strictly(folder: WitnessFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exists"):
        folder.create(NAME, "127.0.0.1:0", [LOG_KEY])
    assert folder.key_file.stat().st_mode & 0o777 == 0o600
    written = folder.settings_file.read_text()
    for wrong, told in {
        written.replace("listen", "lisden"): "unknown settings: lisden",
        written.replace("127.0.0.1:0", "0.0.0.0:7601"): "would be served in clear",
        written.replace("127.0.0.1:0", "127.0.0.1"): "want HOST:PORT",
        written.replace(LOG_KEY.text(), LOG_KEY.text()[:-4]): "vkey",
        written.replace(PAIR["log_vkey"], LOG_KEY.text()): "different origins",
        written + 'tls_key = "key.pem"\n': "set together",
        written.replace(NAME, "two words"): "note.key-name",
        "logs = 3\nname = 'a'\nlisten = '127.0.0.1:0'": "a list of verifier keys",
        "\udcff": "is no TOML",
        "name =": "is no TOML",
    }.items():
        folder.settings_file.write_bytes(wrong.encode("utf-8", "surrogateescape"))
        with pytest.raises(ConfigError, match=told):
            folder.settings()
    for name, logs in (("", [LOG_KEY]), (NAME, []), (NAME, [LOG_KEY, LOG_KEY])):
        with pytest.raises(FormatError):
            WitnessFolder(tmp_path / "other").create(name, "127.0.0.1:0", logs)
    assert not (tmp_path / "other").exists()


def test_a_witness_that_lost_what_it_has_cosigned_does_not_begin_again(folder: WitnessFolder) -> None:
    assert ask(opened(folder), 0, 8).status == 200
    (folder.path / "logs.sqlite").unlink()
    with pytest.raises(ConfigError, match=r"logs\.sqlite is missing, and with it what was cosigned"):
        opened(folder)
    assert not (folder.path / "logs.sqlite").exists()
    # Nor as a witness that is made anew in its folder, with the key that has signed another history.
    folder.settings_file.rename(folder.path / "kept.toml")
    for memory in (None, b""):
        if memory is not None:
            (folder.path / "logs.sqlite").write_bytes(memory)
        with pytest.raises(ConfigError, match=r"key\.pem exists already: .* a new witness has a new key"):
            folder.create(NAME, "127.0.0.1:0", [LOG_KEY])
    (folder.path / "logs.sqlite").unlink()
    assert sorted(path.name for path in folder.path.iterdir()) == ["kept.toml", "key.pem"]
    old = folder.signer().public_key.raw
    folder.key_file.unlink()
    made = folder.create(NAME, "127.0.0.1:0", [LOG_KEY])
    assert made != VerifierKey.cosigner(NAME, old)


@pytest.mark.parametrize("left", ["nothing", "an empty database", "those of another witness"])
def test_a_witness_takes_the_rows_that_were_made_with_its_key_and_no_others(
    left: str, folder: WitnessFolder, tmp_path: Path
) -> None:
    ask(opened(folder), 0, 3)
    rows = folder.path / "logs.sqlite"
    if left == "those of another witness":
        other = WitnessFolder(tmp_path / "other")
        other.create(NAME, "127.0.0.1:0", [LOG_KEY])
        rows.write_bytes((other.path / "logs.sqlite").read_bytes())
    else:
        rows.write_bytes(b"")
    if left == "an empty database":
        with closing(sqlite3.connect(rows)) as connection:
            connection.execute("CREATE TABLE logs (origin, size, root, checkpoint)")
    with pytest.raises(ConfigError, match=r"logs\.sqlite is .* make a new witness with a new key"):
        opened(folder)


def test_rows_that_are_damaged_are_named(folder: WitnessFolder) -> None:
    assert ask(opened(folder), 0, 8).status == 200
    (folder.path / "logs.sqlite").write_bytes(b"no database, but long enough to look at" * 100)
    with pytest.raises(ConfigError, match=r"logs\.sqlite cannot be used: file is not a database"):
        opened(folder)


def test_renewed_tls_files_are_shown_and_half_a_renewal_is_passed_over(tmp_path: Path) -> None:
    authority, told = Authority(), list[str]()
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    def write(file: Path, data: bytes) -> None:
        (tmp_path / "new").write_bytes(data)
        (tmp_path / "new").replace(file)

    first, second = authority.server(), authority.server()
    write(certificate, first.certificate)
    write(key, first.key)
    shown = FollowedTls(certificate, key, told.append)
    before = shown()
    assert shown() is before
    write(certificate, second.certificate)
    # Of the first one still, as its key is.
    assert shown() is before is shown()
    assert len(told) == 1
    write(key, second.key)
    assert shown() is not before
    key.unlink()
    assert shown() is not before
