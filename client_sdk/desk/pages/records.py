"""Own records: pages of a list, by kind and standing, and the search for one by its number or the lender's own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from client_sdk.desk.form_values import FieldError, day_of_form, read_all, word_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import Right
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.models import Kind, RecordName, RecordState, RecordView, Standing
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from client_sdk.models import DisputeView

__all__ = ["PAGES", "record_row"]

# Lines of a page of the list.
_MOST = 50
# Records that are read for one page: the registry gives them in order of the log, and knows no other.
_MOST_READ = 20_000
# Fields of the search by the names that errors give them.
_FIELDS = {"reference": "reference", "first_day": "first_day"}
STATES = {RecordState.LIVE: N_("live"), RecordState.ENDED: N_("ended"), RecordState.ERASED: N_("erased")}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which records are listed: a page of those of a kind and standing; None for all."""

    kind: Kind | None = None
    standing: Standing | None = None
    page: int = 1

    @property
    def is_narrow(self) -> bool:
        return self.kind is not None or self.standing is not None

    def fits(self, record: RecordView) -> bool:
        return self.kind in (None, record.kind) and self.standing in (None, record.standing)

    def link(self, page: int) -> str:
        """Return the address of another page of the same."""
        chosen = {"kind": self.kind, "standing": self.standing}
        words = {name: word.name for name, word in chosen.items() if word is not None}
        return f"/records?{urlencode({**words, 'page': page})}"


def _listed(visit: Visit) -> Response:
    """Show a page of the records in order of their first leaf."""
    wanted = _wanted(visit)
    first = (wanted.page - 1) * _MOST
    last = first + _MOST
    # Which of them are of a kind and standing is known once they are read.
    most = _MOST_READ if wanted.is_narrow else min(last + 1, _MOST_READ)
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_RECORDS):
        read = list(visit.desk.client.records(most=most))
        disputes = visit.desk.client.disputes() if read else ()
    found = [record for record in read if wanted.fits(record)]
    more = len(found) > last
    cut = len(read) == _MOST_READ and not more
    return _list(visit, found[first:last], disputes, wanted, more=more, cut=cut)


def _searched(visit: Visit) -> Response:
    """Find the record of a number, or of the lender's own name of it; the search is in no address."""
    form = visit.form
    try:
        if form.text("record"):
            record_id = _uuid(form.text("record")).bytes
        else:
            kind, reference, first_day = read_all(
                lambda: word_of_form(form, "kind", Kind, tuple(Kind)),
                lambda: _reference(form.text("reference")),
                lambda: day_of_form(form, "first_day"),
            )
            record_id = visit.desk.client.record_id(RecordName(kind=kind, reference=reference, first_day=first_day))
    except FieldError as error:
        return _list(visit, [], (), wrong=error.said(visit.say))
    except FORM_ERRORS as error:
        wrong, others = mistakes_of(error, _FIELDS, visit.say)
        return _list(visit, [], (), wrong=wrong or {"reference": others[0]})
    with visit.desk.journal.act(visit.user.name, DeskAct.LIST_RECORDS) as entry:
        found = list(visit.desk.client.records([record_id]))
        entry.about += [f"{record.issuer}/{record.uuid}" for record in found]
    if found:
        return visit.go(f"/records/{found[0].uuid}")
    return _list(visit, [], (), wrong={"reference": visit.say("The registry holds no record of this name.")})


def _list(
    visit: Visit,
    records: Sequence[RecordView],
    disputes: Sequence[DisputeView],
    wanted: _Wanted | None = None,
    *,
    more: bool = False,
    cut: bool = False,
    wrong: dict[str, str] | None = None,
) -> Response:
    wanted = wanted or _Wanted()
    kinds = [(kind.value, term_of(kind).of(visit.language)) for kind in Kind]
    standings = [(standing.value, term_of(standing).of(visit.language)) for standing in Standing]
    every = ("", visit.say("all"))
    return visit.show(
        "records.html.j2",
        status=422 if wrong else 200,
        rows=[record_row(visit, record, disputes) for record in records],
        searched=wrong is not None,
        page=wanted.page,
        before=wanted.link(wanted.page - 1) if wanted.page > 1 else "",
        after=wanted.link(wanted.page + 1) if more else "",
        cut=f"{_MOST_READ:,}" if cut else "",
        narrowed=wanted.is_narrow,
        wrong=wrong or {},
        given={name: visit.form.text(name) for name in ("record", "kind", "reference", "first_day")},
        kinds=kinds,
        list_kinds=[every, *kinds],
        list_standings=[every, *standings],
        chosen_kind=wanted.kind.value if wanted.kind else "",
        chosen_standing=wanted.standing.value if wanted.standing else "",
    )


def record_row(visit: Visit, record: RecordView, disputes: Sequence[DisputeView]) -> dict[str, object]:
    """Return one record as a line of a list."""
    language = visit.language
    dispute = next((item for item in disputes if item.record_id == record.record_id), None)
    return {
        "uuid": str(record.uuid),
        "kind": term_of(record.kind).of(language),
        "standing": term_of(record.standing).of(language),
        "state": visit.say(STATES[record.state]),
        "version": record.version,
        "logged": clock_text(record.logged_at),
        "marks": _marks(visit, record, dispute),
        "disputed": dispute is not None and dispute.stands,
    }


def _marks(visit: Visit, record: RecordView, dispute: DisputeView | None) -> list[str]:
    marks = [] if dispute is None else [term_of(flag).of(visit.language) for flag in sorted(dispute.flags)]
    marks += [visit.say("not updated for long")] if record.stale else []
    marks += [visit.say("signed by a key in doubt")] if record.contested else []
    return marks + ([visit.say("hidden")] if record.hidden else [])


def _wanted(visit: Visit) -> _Wanted:
    """Return what an address asks for; what it does not name in its own words is not asked for."""
    asked = visit.request.query_params
    page = asked.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) <= 4 else 1  # noqa: PLR2004 - bounded by _MOST_READ
    kind, standing = Kind.__members__.get(asked.get("kind", "")), Standing.__members__.get(asked.get("standing", ""))
    return _Wanted(kind, standing, min(max(1, number), _MOST_READ // _MOST))


def _reference(text: str) -> str:
    if not text:
        raise FieldError("reference", N_("Give the record's number, or your own reference with kind and first day."))
    return text


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FieldError("record", N_("A record's number looks like 01234567-89ab-8def-8123-456789abcdef.")) from None


PAGES = (
    DeskPage("GET", "/records", Right.READ, _listed),
    DeskPage("POST", "/records", Right.READ, _searched),
)
