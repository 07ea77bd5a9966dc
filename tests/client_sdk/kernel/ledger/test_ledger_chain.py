"""Which leaf may follow in the life of one record, each refusal by its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from client_sdk.kernel.formats.act import EndingBody, KeyServicesBody, StateBody, SuccessionBody
from client_sdk.kernel.formats.state import KeyService, KeyServices, Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, Kind, LapseKind, Standing
from client_sdk.kernel.ledger.chain import Chain, overdue
from client_sdk.kernel.rules.calendar import answer_due_on
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from tests.support.disputes import CONFIRMED, UNCONFIRMED
from tests.support.handmade_log import DAY_MS, RETAIN_UNTIL, START_MS, HandmadeLog, record_id, seed, voprf_key
from tests.support.naive_parts import FIRST, NEXT

DISPUTED, RESTRICTED, STATEMENT, _ = AnnotationFlag
KEY = RecordKey("lender-1", record_id("loan"))
HOUR_MS = 3_600_000


@pytest.fixture
def log() -> HandmadeLog:
    """One open default of lender-1."""
    log = HandmadeLog()
    log.say("lender-1", "loan")
    return log


def why(log: HandmadeLog) -> str:
    """Why the newest leaf does not count; empty if it does."""
    if not log.complaints or log.complaints[-1][0] != len(log.leaves) - 1:
        return ""
    error = log.complaints[-1][1]
    return str(error.reason) if isinstance(error, RuleError) else error.rule


def said(log: HandmadeLog, standing: Standing = Standing.OPEN, name: str = "loan", **changes: object) -> str:
    log.say("lender-1", name, standing, **changes)  # type: ignore[arg-type]  # the test names fields
    return why(log)


def loan(log: HandmadeLog) -> Chain:
    return log.state.chains[KEY]


def ways_to(kind: Kind) -> dict[Standing, list[Standing]]:
    """The shortest way from nothing to each standing of a kind, by the table of the formats."""
    ways = {Standing[FIRST[kind.name].split()[0]]: [Standing[FIRST[kind.name].split()[0]]]}
    while True:
        more = {
            Standing[name]: [*way, Standing[name]]
            for standing, way in ways.items()
            for name in NEXT.get(f"{kind.name} {standing.name}", "").split()
            if Standing[name] not in ways
        }
        if not more:
            return ways
        ways |= more


@pytest.mark.parametrize(("kind", "first"), list(product(Kind, Standing)))
def test_every_first_standing(kind: Kind, first: Standing) -> None:
    log = HandmadeLog()
    reason = said(log, first, kind=kind)
    if first.name in FIRST[kind.name].split():
        assert reason == ""
        assert loan(log).standing is first
    else:
        assert reason == "ILLEGAL_TRANSITION"
        assert KEY not in log.state.chains


@pytest.mark.parametrize("kind", Kind)
def test_every_pair_of_standings(kind: Kind) -> None:
    for standing, way in ways_to(kind).items():
        for following in Standing:
            log = HandmadeLog()
            for step in way:
                assert said(log, step, kind=kind) == ""
            reason = said(log, following, kind=kind)
            if standing in {Standing.WITHDRAWN, Standing.SET_ASIDE}:
                assert reason == "RECORD_ENDED"
            elif following.name in NEXT[f"{kind.name} {standing.name}"].split():
                assert reason == ""
            else:
                assert reason == "ILLEGAL_TRANSITION"


def test_the_order_of_versions(log: HandmadeLog) -> None:
    assert said(log, version=3, previous=seed("any")) == "VERSION_SKIPPED"
    assert said(log, previous=seed("another")) == "PREVIOUS_MISMATCH"
    assert said(log, version=1, previous=b"") == "VERSION_TAKEN"
    assert said(log, kind=Kind.JUDGMENT) == "KIND_CHANGED"
    assert said(log, name="new", version=2, previous=seed("any")) == "VERSION_SKIPPED"
    assert said(log) == ""
    assert loan(log).version == 2
    assert said(log, registry="other.example") == "REGISTRY_OTHER"


def test_a_refused_version_leaves_the_record_as_it_was(log: HandmadeLog) -> None:
    before = loan(log)
    assert said(log, Standing.SATISFIED) == "ILLEGAL_TRANSITION"
    assert loan(log) is before


def test_dates_of_retention(log: HandmadeLog) -> None:
    assert said(log, retain_until=RETAIN_UNTIL) == "RETENTION_INVALID"
    assert said(log, Standing.CURED, retain_until="") == "RETENTION_INVALID"
    assert said(log, Standing.CURED) == ""
    assert said(log, Standing.CURED, retain_until="2031-02-02") == "RETENTION_INVALID"
    assert said(log, Standing.CURED, retain_until="2031-01-31") == ""
    assert said(log, Standing.CURED, retain_until=RETAIN_UNTIL) == "RETENTION_INVALID"
    assert loan(log).retain_until == "2031-01-31"


def test_versions_of_the_subject_keys(log: HandmadeLog) -> None:
    assert said(log, subject_key_version=2) == "SUBJECT_KEY_VERSION"
    log.act(KeyServicesBody(KeyServices(2, (KeyService("c.example:443", voprf_key("c"), "key-service-c"),))))
    assert said(log, name="new", subject_key_version=1) == "SUBJECT_KEY_VERSION"
    assert said(log, Standing.CURED, subject_key_version=2) == "SUBJECT_KEY_VERSION"
    assert said(log, subject_key_version=3) == "SUBJECT_KEY_VERSION"
    assert said(log, subject_key_version=2) == ""
    assert said(log, subject_key_version=1) == "SUBJECT_KEY_VERSION"
    assert said(log, Standing.WITHDRAWN) == ""
    assert loan(log).subject_key_version == 0


# Who speaks


def test_who_may_open_a_record(log: HandmadeLog) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.SUSPENDED))
    assert said(log, name="new") == "INSTITUTION_SUSPENDED"
    assert said(log) == ""
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    assert said(log) == "INSTITUTION_TERMINATED"


def test_what_a_successor_may_say(log: HandmadeLog) -> None:
    assert said(log, Standing.CURED, signer="lender-2") == "NOT_THE_SUCCESSOR"
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    assert said(log, Standing.CURED, signer="lender-3") == "NOT_THE_SUCCESSOR"
    assert said(log, signer="lender-2") == "NOT_THE_SUCCESSOR"
    assert said(log, Standing.ARRANGED, signer="lender-2") == "NOT_THE_SUCCESSOR"
    assert said(log, name="new", signer="lender-2") == "NOT_THE_SUCCESSOR"
    assert said(log, Standing.CURED, signer="lender-2") == ""
    # The standing before again: a successor corrects nothing.
    assert said(log, Standing.CURED, signer="lender-2") == "NOT_THE_SUCCESSOR"
    assert said(log, Standing.WITHDRAWN, signer="lender-2") == ""


def test_a_successor_that_is_gone_says_nothing(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.act(SuccessionBody("lender-2", "lender-3", "merger"))
    assert said(log, Standing.CURED, signer="lender-2") == "INSTITUTION_TERMINATED"
    # The successor of a successor speaks for nobody but its own predecessor.
    assert said(log, Standing.CURED, signer="lender-3") == "NOT_THE_SUCCESSOR"
    log.act(SuccessionBody("lender-1", "lender-3", "merger"))
    assert said(log, Standing.CURED, signer="lender-3") == ""


def test_nobody_speaks_for_records_that_an_act_ended(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    log.act(EndingBody("lender-1", "bankruptcy"))
    assert said(log, Standing.CURED, signer="lender-2") == "NOT_THE_SUCCESSOR"
    assert said(log, Standing.CURED) == "INSTITUTION_TERMINATED"
    log.lapse("lender-1", "loan", LapseKind.ERASED)
    assert why(log) == "LAPSE_EARLY"
    # Five years after the act none of them is kept, whatever its standing.
    log.wait(5 * 366 * 86_400_000)
    log.lapse("lender-1", "loan", LapseKind.ERASED)
    assert why(log) == ""


def test_an_administrator_reports_nothing(log: HandmadeLog) -> None:
    log.say("admin-1", "loan")
    assert why(log) == "KEY_UNKNOWN"


# Debts that are sold


def sell(log: HandmadeLog, to: str = "lender-2") -> None:
    assert said(log, Standing.TRANSFERRED, transferee=to) == ""


def buy(log: HandmadeLog, buyer: str = "lender-2", **changes: object) -> str:
    log.say(buyer, "bought", subject="person of loan", continues=KEY, **changes)  # type: ignore[arg-type]  # fields
    return why(log)


@pytest.mark.parametrize("to", ["lender-1", "admin-1", "nobody"])
def test_a_debt_is_sold_to_another_lender(log: HandmadeLog, to: str) -> None:
    assert said(log, Standing.TRANSFERRED, transferee=to) == "FACTS_INVALID"


def test_a_bought_debt_takes_the_place_of_the_old_one(log: HandmadeLog) -> None:
    assert buy(log) == "CONTINUES_INVALID"
    sell(log)
    assert loan(log).live
    assert buy(log, "lender-3") == "CONTINUES_INVALID"
    assert buy(log, kind=Kind.JUDGMENT) == "CONTINUES_INVALID"
    assert buy(log) == ""
    assert (loan(log).live, loan(log).continued) == (False, True)
    assert [chain.key.issuer for chain in log.state.live()] == ["lender-2"]
    # Nothing more is said of the old one, and nobody buys it twice.
    assert said(log, Standing.TRANSFERRED, transferee="lender-3") == "RECORD_ENDED"
    log.say("lender-2", "again", continues=KEY)
    assert why(log) == "CONTINUES_INVALID"


def test_a_debt_that_is_sold_in_a_circle_is_a_new_record_each_time(log: HandmadeLog) -> None:
    sell(log)
    assert buy(log) == ""
    # The first seller buys it back; its old record stays what it was, and cannot be continued again.
    log.say("lender-2", "bought", Standing.TRANSFERRED, subject="person of loan", transferee="lender-1")
    assert why(log) == ""
    bought = RecordKey("lender-2", record_id("bought"))
    log.say("lender-1", "back", subject="person of loan", continues=KEY)
    assert why(log) == "CONTINUES_INVALID"
    log.say("lender-1", "back", subject="person of loan", continues=bought)
    assert why(log) == ""
    assert [chain.key for chain in log.state.live()] == [RecordKey("lender-1", record_id("back"))]
    log.say("lender-1", "again", subject="person of loan", continues=RecordKey("lender-1", record_id("back")))
    assert why(log) == "CONTINUES_INVALID"


def test_a_record_sold_out_of_the_registry_stays(log: HandmadeLog) -> None:
    sell(log, to="")
    assert loan(log).live
    assert buy(log) == "CONTINUES_INVALID"


def test_a_record_that_nobody_knows_is_not_continued(log: HandmadeLog) -> None:
    log.say("lender-2", "bought", continues=RecordKey("lender-1", record_id("unknown")))
    assert why(log) == "CONTINUES_INVALID"


# Annotations


def annotated(log: HandmadeLog, author: str, *flags: AnnotationFlag, name: str = "loan", **changes: object) -> str:
    log.annotate(author, "lender-1", name, *flags, **changes)
    return why(log)


def test_annotations_are_numbered_and_chained(log: HandmadeLog) -> None:
    assert annotated(log, "lender-2", DISPUTED, number=2, previous=seed("any")) == "ANNOTATION_ORDER"
    assert annotated(log, "lender-2", DISPUTED) == ""
    assert annotated(log, "lender-2", DISPUTED, previous=seed("any")) == "ANNOTATION_ORDER"
    assert annotated(log, "lender-2", DISPUTED, number=1, previous=b"") == "ANNOTATION_ORDER"
    assert annotated(log, "lender-3", DISPUTED) == ""
    head = loan(log).annotation
    assert head is not None
    assert (head.number, head.flags) == (2, (DISPUTED,))


def test_only_the_issuer_restricts(log: HandmadeLog) -> None:
    assert annotated(log, "lender-2", RESTRICTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-1", RESTRICTED) == ""
    assert annotated(log, "lender-2", DISPUTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-2", DISPUTED, RESTRICTED) == ""
    assert annotated(log, "lender-1", DISPUTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-1", **CONFIRMED) == ""


def test_a_successor_annotates_for_its_predecessor(log: HandmadeLog) -> None:
    log.act(SuccessionBody("lender-1", "lender-2", "merger"))
    assert annotated(log, "lender-1", RESTRICTED) == "INSTITUTION_TERMINATED"
    assert annotated(log, "lender-3", RESTRICTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-2", RESTRICTED) == ""


def test_what_is_not_live_is_not_annotated(log: HandmadeLog) -> None:
    assert annotated(log, "lender-2", DISPUTED, name="unknown") == "RECORD_UNKNOWN"
    assert annotated(log, "lender-2", DISPUTED, registry="other.example") == "REGISTRY_OTHER"
    assert said(log, Standing.WITHDRAWN) == ""
    assert annotated(log, "lender-2", DISPUTED) == "RECORD_ENDED"


def test_annotations_stay_while_versions_follow(log: HandmadeLog) -> None:
    assert annotated(log, "lender-2", DISPUTED) == ""
    before = loan(log).annotation
    assert said(log, Standing.CURED) == ""
    assert loan(log).annotation == before


# The clock


def lapsed(log: HandmadeLog, what: LapseKind, **changes: object) -> str:
    log.lapse("lender-1", "loan", what, **changes)
    return why(log)


@pytest.mark.parametrize(
    ("after", "over"),
    [
        (0, False),
        (20 * DAY_MS, False),
        # 08:00 in Shanghai on the day of the dispute: the 20th day ends 20 days and 16 hours later.
        (20 * DAY_MS + 16 * HOUR_MS - 1, False),
        (20 * DAY_MS + 16 * HOUR_MS, True),
        (400 * DAY_MS, True),
    ],
)
def test_a_furnisher_has_twenty_days(after: int, *, over: bool) -> None:
    due_on = answer_due_on(START_MS, Rulebook())
    assert (day_of(START_MS + after, Rulebook().time_zone) > due_on) is over


def test_a_period_longer_than_any_calendar_is_never_over() -> None:
    assert answer_due_on(START_MS, Rulebook(dispute_days=2**32 - 1)) == date.max


def test_silence_restricts(log: HandmadeLog) -> None:
    assert lapsed(log, LapseKind.RESTRICTED, number=1) == "LAPSE_EARLY"
    assert annotated(log, "lender-2", DISPUTED) == ""
    log.wait(20 * DAY_MS)
    assert lapsed(log, LapseKind.RESTRICTED) == "LAPSE_EARLY"
    # Another dispute does not start the period anew.
    assert annotated(log, "lender-3", DISPUTED) == ""
    log.wait(DAY_MS)
    assert lapsed(log, LapseKind.RESTRICTED, number=7, previous=seed("any")) == "ANNOTATION_ORDER"
    assert lapsed(log, LapseKind.RESTRICTED) == ""
    head = loan(log).annotation
    assert head is not None
    assert head.flags == (DISPUTED, RESTRICTED)
    assert lapsed(log, LapseKind.RESTRICTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-1", DISPUTED) == "ANNOTATION_INVALID"
    assert annotated(log, "lender-1", **CONFIRMED) == ""


@pytest.mark.parametrize(("flags", "answer"), [((DISPUTED,), UNCONFIRMED), ((), CONFIRMED)])
def test_an_answer_ends_the_silence(
    log: HandmadeLog, flags: tuple[AnnotationFlag, ...], answer: dict[str, object]
) -> None:
    assert annotated(log, "lender-2", DISPUTED) == ""
    log.wait(10 * DAY_MS)
    log.annotate("lender-1", "lender-1", "loan", *flags, **answer)
    assert not why(log)
    log.wait(11 * DAY_MS)
    assert lapsed(log, LapseKind.RESTRICTED) == "LAPSE_EARLY"


def test_a_record_lapses_when_its_time_is_over(log: HandmadeLog) -> None:
    assert lapsed(log, LapseKind.ERASED) == "LAPSE_EARLY"
    assert said(log, Standing.CURED, retain_until="2026-01-03") == ""
    log.logged_at = START_MS + DAY_MS + 16 * HOUR_MS - 1
    assert lapsed(log, LapseKind.ERASED) == "LAPSE_EARLY"
    log.wait(1)
    assert lapsed(log, LapseKind.ERASED, registry="other.example") == "REGISTRY_OTHER"
    assert lapsed(log, LapseKind.ERASED) == ""
    assert (loan(log).erased, loan(log).live) == (True, False)
    for reason in (
        lapsed(log, LapseKind.ERASED),
        lapsed(log, LapseKind.RESTRICTED, number=1),
        said(log, Standing.CURED),
        annotated(log, "lender-2", DISPUTED),
    ):
        assert reason == "RECORD_ERASED"
    log.erase(KEY)
    assert why(log) == "RECORD_ERASED"


def test_what_the_log_does_not_know_is_neither_erased_nor_lapses(log: HandmadeLog) -> None:
    log.lapse("lender-1", "unknown", LapseKind.ERASED)
    assert why(log) == "RECORD_UNKNOWN"
    log.erase(RecordKey("lender-1", record_id("unknown")))
    assert why(log) == "RECORD_UNKNOWN"


def test_a_withdrawn_record_may_be_erased_by_order(log: HandmadeLog) -> None:
    assert said(log, Standing.WITHDRAWN) == ""
    assert lapsed(log, LapseKind.ERASED) == "LAPSE_EARLY"
    log.erase(KEY)
    assert why(log) == ""
    assert loan(log).erased


def test_a_record_is_overdue_from_its_date_on(log: HandmadeLog) -> None:
    chain = replace(loan(log), retain_until="2026-01-02")
    directory = log.state.directory
    assert not overdue(loan(log), START_MS, directory)
    midnight = START_MS + 16 * HOUR_MS
    assert [overdue(chain, time, directory) for time in (midnight - 1, midnight)] == [False, True]
    assert not overdue(chain, midnight, replace(directory, rulebook=Rulebook(time_zone="UTC")))
    with pytest.raises(RuleError, match="DATE_INVALID"):
        overdue(chain, 2**64 - 1, directory)
