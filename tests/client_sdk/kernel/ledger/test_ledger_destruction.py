"""Certificates of destruction and receipts of successors: what verifies, and each part that must hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.closing import SuccessorRegistry
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.words import ClosingWay
from client_sdk.kernel.ledger.destruction import DestroyedRows, Destruction, destruction_file, read_destruction
from client_sdk.kernel.ledger.export_file import SignedExport, export_file, read_export
from client_sdk.kernel.ledger.hand_over import HandOver, hand_over_file, read_hand_over
from client_sdk.verification import is_destruction, verify_destruction
from tests.support.closing_lies import closing
from tests.support.command import Command
from tests.support.handmade_log import DAY_MS, HandmadeLog, seed, signer

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.keys import Signer


def closed(way: ClosingWay = ClosingWay.DESTROY) -> tuple[HandmadeLog, Destruction]:
    """A log that has closed, and what its registry may say three days later."""
    log = HandmadeLog()
    log.say("lender-1", "loan")
    act = log.act(closing(log, 2, way))
    log.head()
    manifest = b"" if way is ClosingWay.DESTROY else seed("manifest")
    rows = (DestroyedRows("live_records", 0), DestroyedRows("records", 1))
    root = log.trust_root
    return log, Destruction(root.registry, root.genesis, act, log.logged_at + 3 * DAY_MS, rows, manifest)


def certificate(log: HandmadeLog, said: Destruction, key: Signer | None = None) -> bytes:
    return destruction_file(said, log.closing_proof(said.act_index), key or log.log_signer)


@pytest.mark.parametrize("way", list(ClosingWay))
def test_a_certificate_verifies_by_the_trust_root_alone(way: ClosingWay) -> None:
    log, said = closed(way)
    data = certificate(log, said)
    assert read_destruction(data, log.trust_root).destruction == said
    assert is_destruction(data)
    shown = verify_destruction(data, log.trust_root)
    assert (shown.way, shown.rows, shown.size) == (way.name, {"live_records": 0, "records": 1}, len(log.leaves))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        # The registry says itself that it destroyed before the day of its act.
        ({"destroyed_at": HandmadeLog().logged_at + DAY_MS}, "destruction.day"),
        ({"registry": "another"}, "destruction.registry"),
        ({"genesis_hash": seed("another")}, "destruction.registry"),
        ({"genesis_hash": b"short"}, "destruction.hash"),
        ({"manifest_digest": seed("manifest")}, "destruction.handed-over"),
        ({"destroyed": ()}, "destruction.complete"),
        ({"destroyed": (DestroyedRows("b", 1), DestroyedRows("a", 1))}, "destroyed.order"),
        # A leaf that closes nothing: genesis is never named, the next act enrols a lender.
        ({"act_index": 2}, "destruction.act"),
    ],
)
def test_a_certificate_that_says_something_else_is_refused(changes: dict[str, object], rule: str) -> None:
    log, said = closed()
    with pytest.raises(FormatError) as refused:
        read_destruction(certificate(log, replace(said, **changes)), log.trust_root)  # type: ignore[arg-type]  # the test names fields
    assert refused.value.rule == rule


def test_a_certificate_by_another_key_or_with_another_byte_is_refused() -> None:
    log, said = closed()
    with pytest.raises(FormatError, match=r"destruction\.key"):
        read_destruction(certificate(log, said, signer("another")), log.trust_root)
    data = certificate(log, said)
    for place in range(0, len(data), 41):
        with pytest.raises(VerificationError):
            verify_destruction(data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :], log.trust_root)


def test_a_certificate_over_a_closing_act_that_a_later_one_replaced_is_refused() -> None:
    log, said = closed()
    replaced = said.act_index
    # The administrators give members more time; the operator would rather destroy on the first day.
    newest = log.act(closing(log, 10))
    log.head()
    with pytest.raises(FormatError, match=r"destruction\.newest"):
        read_destruction(certificate(log, said), log.trust_root)
    later = replace(said, act_index=newest, destroyed_at=log.logged_at + 11 * DAY_MS)
    assert read_destruction(certificate(log, later), log.trust_root).closing.open_until
    # An older HEAD, which knows nothing of the later act, is not the last leaf.
    older = log.closing_proof(replaced)._replace(head=log.leaves[newest - 1])
    with pytest.raises(FormatError):
        read_destruction(destruction_file(said, older, log.log_signer), log.trust_root)


def test_the_command_verifies_a_certificate(tmp_path: Path) -> None:
    log, said = closed()
    (tmp_path / "destruction.bin").write_bytes(certificate(log, said))
    (tmp_path / "trust-root.bin").write_bytes(log.trust_root.encode())
    files = (str(tmp_path / name) for name in ("trust-root.bin", "destruction.bin"))
    done = Command(tmp_path).said("verify", "--trust-root", *files)
    assert "VERIFIED" in done.out
    assert "approved by (2026) 41" in done.out


def test_a_receipt_is_the_named_successors_for_an_export_that_the_registry_signed_or_none() -> None:
    log, successor = HandmadeLog(), HandmadeLog(lenders=())
    closed_root, root = log.trust_root, successor.trust_root
    said = (closed_root.registry, closed_root.genesis, 9, seed("root"), seed("manifest"))
    made, taken = SignedExport(*said, log.logged_at), HandOver(*said, log.logged_at)
    exported = export_file(made, log.log_signer)
    assert read_export(exported, closed_root) == made
    data = hand_over_file(taken, exported, root, successor.log_signer)
    named = SuccessorRegistry(root.registry, root.genesis)
    assert read_hand_over(data, named, closed_root) == taken

    def refused(receipt: bytes, by: SuccessorRegistry = named) -> str:
        with pytest.raises(FormatError) as error:
            read_hand_over(receipt, by, closed_root)
        return error.value.rule

    def receipt(changes: dict[str, object], of_export: bytes = exported, key: Signer = successor.log_signer) -> bytes:
        changed = replace(taken, **changes)  # type: ignore[arg-type]  # the test names fields
        return hand_over_file(changed, of_export, root, key)

    assert refused(data, replace(named, genesis_hash=seed("another"))) == "hand-over.successor"
    assert refused(receipt({}, key=signer("another"))) == "hand-over.key"
    assert refused(receipt({"size": 0})) == "hand-over.complete"
    assert refused(receipt({"root": b""})) == "hand-over.hash"
    assert refused(b"no receipt") == "hand-over.label"
    # The successor holds something that the registry that closes never made.
    another = seed("another")
    lies: list[dict[str, object]] = [
        {"manifest_digest": another},
        {"size": 8},
        {"root": another},
        {"registry": "other"},
    ]
    for changes in lies:
        assert refused(receipt(changes)) == "hand-over.export"
    for wrong, rule in (({"size": 0}, "complete"), ({"root": b""}, "hash"), ({"registry": "other"}, "registry")):
        changed = replace(made, **wrong)
        assert refused(receipt({}, export_file(changed, log.log_signer))) == f"export.{rule}"
    assert refused(receipt({}, export_file(made, signer("another")))) == "export.key"
    with pytest.raises(FormatError, match=r"export\.label"):
        receipt({}, b"no export")
    forged = exported[:-1] + bytes((exported[-1] ^ 1,))
    with pytest.raises(SignatureError):
        read_export(forged, closed_root)


def test_a_proposal_to_close_names_a_successor_exactly_where_one_takes_the_data(tmp_path: Path) -> None:
    document = tmp_path / "order.pdf"
    document.write_bytes(b"order")
    words = ("act", "propose", "closing", "--open-until", "2027-03-31", "--approval", "41", "--document", str(document))
    missing = Command(tmp_path).said(*words, "--way", "transfer", code=2)
    assert "the successor is missing" in missing.err
    given = ("--successor", "registry-2", "--fingerprint", "ab" * 32)
    assert "nobody takes the data" in Command(tmp_path).said(*words, "--way", "destroy", *given, code=2).err
