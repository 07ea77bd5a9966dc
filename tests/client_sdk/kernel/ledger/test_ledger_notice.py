"""Which leaf goes with which reason of a notice, and what an acknowledgement's bytes may be (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.commitment import commit_notice
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind, NoticeReason, Standing
from client_sdk.kernel.ledger.notice import check_cause
from tests.support.disputes import CORRECTED
from tests.support.handmade_log import DAY_MS, REGISTRY, HandmadeLog, record_id, seed

KEY = RecordKey("lender-1", record_id("debt"))
ACKNOWLEDGEMENT = Acknowledgement(REGISTRY, "lender-2", bytes(range(32)), 1)


def causes() -> dict[str, tuple[bytes, set[NoticeReason]]]:
    """Leaves about one record, each with the reasons that it may have."""
    log = HandmadeLog()
    said = {
        "first": (log.say("lender-1", "debt"), set()),
        "second": (log.say("lender-1", "debt"), {NoticeReason.CORRECTED}),
        "disputed": (log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED), {NoticeReason.DISPUTED}),
        "third": (log.say("lender-1", "debt"), {NoticeReason.CORRECTED}),
        "answered": (
            log.annotate("lender-1", "lender-1", "debt", **CORRECTED),
            {NoticeReason.CORRECTED, NoticeReason.ANSWERED},
        ),
        "again": (
            log.annotate("lender-2", "lender-1", "debt", AnnotationFlag.DISPUTED, evidence=(seed("new evidence"),)),
            {NoticeReason.DISPUTED},
        ),
    }
    log.wait(40 * DAY_MS)
    said["silent"] = (log.lapse("lender-1", "debt", LapseKind.RESTRICTED), {NoticeReason.RESTRICTED})
    said["withdrawn"] = (log.say("lender-1", "debt", Standing.WITHDRAWN), {NoticeReason.WITHDRAWN})
    log.head()
    said["head"] = (len(log.leaves) - 1, set())
    assert log.complaints == []
    return {name: (log.leaves[index], reasons) for name, (index, reasons) in said.items()}


@pytest.mark.parametrize("name", causes())
def test_a_leaf_goes_with_its_reasons_and_no_other(name: str) -> None:
    data, reasons = causes()[name]
    leaf = parse_leaf(data)
    for reason in NoticeReason:
        if reason in reasons:
            check_cause(leaf, KEY, reason, "lender-1")
            with pytest.raises(FormatError) as refused:
                check_cause(leaf, KEY._replace(issuer="lender-2"), reason, "lender-1")
            assert refused.value.rule == "notice.record"
        else:
            with pytest.raises(FormatError):
                check_cause(leaf, KEY, reason, "lender-1")


@pytest.mark.parametrize(
    "wrong", [{"registry": ""}, {"member": "NO ID"}, {"notice_commitment": bytes(31)}, {"issued_at": 0}]
)
def test_an_acknowledgement_is_whole(wrong: dict[str, object]) -> None:
    assert Acknowledgement.parse(ACKNOWLEDGEMENT.encode()) == ACKNOWLEDGEMENT
    with pytest.raises(FormatError):
        Acknowledgement.parse(replace(ACKNOWLEDGEMENT, **wrong).encode())  # type: ignore[arg-type]  # meant
    with pytest.raises(FormatError):
        Acknowledgement.parse(ACKNOWLEDGEMENT.encode() + b"\xf8\x07\x01")


def test_a_commitment_depends_on_all_that_a_notice_says() -> None:
    said = {
        commit_notice(bytes(32), 7, bytes(32), 1),
        commit_notice(b"\x01" * 32, 7, bytes(32), 1),
        commit_notice(bytes(32), 8, bytes(32), 1),
        commit_notice(bytes(32), 7, b"\x01" * 32, 1),
        commit_notice(bytes(32), 7, bytes(32), 2),
    }
    assert len(said) == 5
    for opening, leaf in ((bytes(31), bytes(32)), (bytes(32), bytes(31))):
        with pytest.raises(FormatError):
            commit_notice(opening, 7, leaf, 1)
