"""Hidden records: who hides and shows them, for how long, and what the map and the second verifier say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind, Standing
from client_sdk.kernel.ledger.annotation_proof import read_annotations
from client_sdk.kernel.rules.errors import RuleError
from tests.support.attacks import check
from tests.support.disputes import CONFIRMED
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_log import DAY_MS, HandmadeLog, record_id
from tests.support.naive import NaiveLog, naive_map_root
from tests.support.overlay_lies import hide, set_overlays
from tests.support.overlays import REPAIR

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.chain import Chain

KEY = RecordKey("lender-1", record_id("cured"))
HIDDEN, DISPUTED, RESTRICTED = AnnotationFlag.HIDDEN, AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED


@pytest.fixture
def log() -> HandmadeLog:
    made = HandmadeLog(rulebook=Rulebook(overlays=(REPAIR,)))
    made.say("lender-1", "cured", subject="listed")
    made.say("lender-1", "cured", Standing.CURED, subject="listed")
    made.head()
    return made


def record(log: HandmadeLog) -> Chain:
    return log.state.chains[KEY]


def agreed(log: HandmadeLog) -> None:
    """End the commit; the second verifier must find the same wrong leaves and the same map."""
    log.head()
    naive = NaiveLog()
    naive.read(log.leaves)
    assert sorted(naive.wrong) == [index for index, _ in log.complaints]
    bindings = {index: (subject, opening) for index, subject, opening in log.bindings()}
    assert naive_map_root(naive.map_entries(bindings)) == root_of(sorted(log.entries().items()))


def broken(log: HandmadeLog) -> str:
    """The rule that the newest leaf breaks, which is then no link of the record's chain."""
    index, error = log.complaints[-1]
    log.annotations[KEY].remove(index)
    assert isinstance(error, RuleError)
    return error.rule


def test_a_hidden_record_leaves_the_map_and_comes_back(log: HandmadeLog) -> None:
    before = log.entries()
    hide(log)
    assert (record(log).live, record(log).hidden, record(log).mapped) == (True, True, False)
    assert len(log.entries()) == len(before) - 1
    assert log.bindings()
    agreed(log)
    assert check(log, make_evidence(log, "lender-2", ["listed"])).persons[0].records == ()
    log.annotate("lender-1", "lender-1", "cured")
    assert record(log).mapped
    agreed(log)
    (shown,) = check(log, make_evidence(log, "lender-2", ["listed"])).persons[0].records
    assert shown.annotation is not None
    assert shown.annotation.flags == ()
    assert not log.complaints


def test_a_further_version_shows_it_and_nobody_hides_it_by_carrying_over(log: HandmadeLog) -> None:
    hide(log)
    log.say("lender-1", "cured", Standing.CURED, subject="listed")
    assert record(log).mapped
    log.annotate("lender-3", "lender-1", "cured", DISPUTED, HIDDEN, overlay=REPAIR.name)
    assert broken(log) == "annotation.hidden"
    log.annotate("lender-3", "lender-1", "cured", DISPUTED)
    log.wait(30 * DAY_MS)
    log.lapse("lender-1", "cured", LapseKind.RESTRICTED)
    assert record(log).mapped
    agreed(log)
    (shown,) = check(log, make_evidence(log, "lender-2", ["listed"])).persons[0].records
    assert shown.annotation is not None
    assert shown.annotation.flags == (DISPUTED, RESTRICTED)


def test_others_carry_it_over_and_the_issuer_answers_beside_it(log: HandmadeLog) -> None:
    hide(log)
    log.annotate("lender-3", "lender-1", "cured", DISPUTED)
    assert broken(log) == "annotation.hidden"
    log.annotate("lender-3", "lender-1", "cured", DISPUTED, HIDDEN, overlay=REPAIR.name)
    log.annotate("lender-1", "lender-1", "cured", HIDDEN, overlay=REPAIR.name, **CONFIRMED)
    assert len(log.complaints) == 1
    assert record(log).hidden
    agreed(log)


def test_it_is_shown_again_when_the_overlay_ends(log: HandmadeLog) -> None:
    hide(log)
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    assert broken(log) == "overlay.ended"
    log.wait(60 * DAY_MS)
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    assert record(log).mapped
    log.annotate("lender-1", "lender-1", "cured", HIDDEN, overlay=REPAIR.name)
    assert broken(log) == "overlay.covers"
    agreed(log)
    (shown,) = check(log, make_evidence(log, "lender-2", ["listed"])).persons[0].records
    assert shown.annotation is not None
    assert shown.annotation.flags == ()
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    assert broken(log) == "overlay.ended"


def test_a_restriction_and_the_end_of_an_overlay_meet_in_one_chain(log: HandmadeLog) -> None:
    hide(log)
    log.annotate("lender-3", "lender-1", "cured", DISPUTED, HIDDEN, overlay=REPAIR.name)
    log.wait(60 * DAY_MS)
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    log.annotate("lender-3", "lender-1", "cured", DISPUTED)
    log.lapse("lender-1", "cured", LapseKind.RESTRICTED)
    assert not log.complaints
    agreed(log)
    (shown,) = check(log, make_evidence(log, "lender-2", ["listed"])).persons[0].records
    assert shown.annotation is not None
    assert shown.annotation.flags == (DISPUTED, RESTRICTED)


def test_an_overlay_covers_the_same_under_its_name_for_ever(log: HandmadeLog) -> None:
    """What is hidden under it would stay hidden, though it were not covered any more."""
    hide(log)
    narrower = [
        replace(REPAIR, most=1),
        replace(REPAIR, currency="USD"),
        replace(REPAIR, arisen_from=date(2025, 1, 1)),
        replace(REPAIR, arisen_until=date(2020, 1, 1)),
        replace(REPAIR, repaid_until=date(2026, 1, 31)),
    ]
    for overlay in narrower:
        set_overlays(log, overlay)
        assert log.complaints[-1][1].rule == "overlay.kept"
    set_overlays(log, replace(REPAIR, hides_until=date(2030, 1, 1)))
    set_overlays(log)
    complaints = len(log.complaints)
    log.lapse("lender-1", "cured", LapseKind.SHOWN)
    assert (len(log.complaints), record(log).mapped) == (complaints, True)
    # Also where no rulebook has had it meanwhile.
    set_overlays(log, narrower[0])
    assert len(log.complaints) == complaints + 1
    set_overlays(log, replace(narrower[0], name="another"))
    assert len(log.complaints) == complaints + 1
    agreed(log)


def test_an_answer_does_not_show_what_its_newest_annotation_hides(log: HandmadeLog) -> None:
    index = hide(log)
    statement = log.statements[KEY]
    with pytest.raises(FormatError) as refused:
        read_annotations([(index, log.leaves[index])], statement, record(log).index, Rulebook(overlays=(REPAIR,)))
    assert refused.value.rule == "annotation.hidden"
    assert (
        read_annotations([(index, log.leaves[index])], statement, index + 1, Rulebook(overlays=(REPAIR,))).flags == ()
    )


@pytest.mark.parametrize(("flags", "overlay"), [((HIDDEN,), ""), ((), "repair"), ((HIDDEN,), "no space")])
def test_flag_and_name_go_together(log: HandmadeLog, flags: tuple[AnnotationFlag, ...], overlay: str) -> None:
    index = log.annotate("lender-1", "lender-1", "cured", *flags, overlay=overlay)
    ((wrong, error),) = log.complaints
    assert wrong == index
    assert isinstance(error, FormatError)
