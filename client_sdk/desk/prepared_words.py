"""A prepared act in words: what its author sees before it is signed, and its approver before it is approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.desk.journal import DeskAct
from client_sdk.desk.person_form import shown_number
from client_sdk.desk.prepared import PreparedCorrection, PreparedReport, PreparedWithdrawal
from client_sdk.desk.record_columns import name_of, shown_cell
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rule_words import warning_words
from client_sdk.desk.texts import N_
from client_sdk.desk.withdrawal_words import REASONS
from client_sdk.lending.rows import facts_cells
from client_sdk.subject_report.facts import FactSpeaker
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from client_sdk.desk.prepared import Prepared
    from client_sdk.desk.texts import Language, Say
    from client_sdk.models import Facts, Identity, Report

__all__ = ["ACTS", "PreparedShown", "shown_of"]

ACTS = {
    DeskAct.REPORT_RECORD: N_("Report a record"),
    DeskAct.CORRECT_RECORD: N_("Correct a record"),
    DeskAct.WITHDRAW_RECORD: N_("Withdraw a record"),
}


@dataclass(frozen=True, slots=True, repr=False)
class PreparedShown:
    """What is shown of a prepared act.

    Attributes:
        title: what is done.
        record: number of the record; empty where it has none yet.
        pairs: names and values of what will be said.
        further: that it is a further version, and of what; empty for a first one.
        changed: of a further version: name, as held, as it will be.
        warnings: of what is allowed and probably a mistake.
        repeated: whether the registry holds the same already.
    """

    title: str
    record: str
    pairs: list[tuple[str, str]]
    further: str = ""
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    repeated: bool = False


def shown_of(prepared: Prepared, language: Language, say: Say) -> PreparedShown:
    """Return a prepared act in words.

    Args:
        prepared: the act.
        language: of the words.
        say: says texts in it.
    """
    title, record = say(ACTS[prepared.act]), "" if prepared.record is None else str(prepared.record)
    match prepared:
        case PreparedReport():
            pairs = [*_report(prepared.report, language, say), *_facts(prepared.report.facts, language, say)]
            warnings = [*(warning_words(item, say) for item in prepared.warnings), *_kept_otherwise(prepared, say)]
            following = prepared.following
            if following is None:
                return PreparedShown(title, record, pairs, warnings=warnings, repeated=prepared.repeated)
            further = say(
                "This is a further version of a record of yours: the registry holds version {version}, {standing}.",
                version=following.version,
                standing=term_of(following.standing).of(language),
            )
            new = {} if prepared.report.facts is None else facts_cells(prepared.report.facts)
            old = new | {item.column: item.held for item in following.changed}
            changed = list(_columns([item.column for item in following.changed], old, new, language, say))
            return PreparedShown(title, str(following.uuid), pairs, further, changed, warnings, prepared.repeated)
        case PreparedCorrection():
            changed = list(_changed(prepared, language, say))
            facts = _facts(prepared.report.facts, language, say)
            pairs = [*_person(prepared.identity, language, say), *facts]
            warnings = [warning_words(item, say) for item in prepared.warnings]
            return PreparedShown(title, record, pairs, "", changed, warnings, repeated=not changed)
        case PreparedWithdrawal():
            return PreparedShown(title, record, list(_withdrawal(prepared, language, say)))


def _kept_otherwise(prepared: PreparedReport, say: Say) -> list[str]:
    """Return what is kept otherwise than it was typed: of the number of a contract letters and digits alone."""
    facts, typed = prepared.report.facts, prepared.typed.get("contract", "")
    if facts is None or typed in ("", facts.debt.contract):
        return []
    text = N_("The number of the contract is kept by its letters and digits alone: {contract}.")
    return [say(text, contract=facts.debt.contract)]


def _report(report: Report, language: Language, say: Say) -> Iterator[tuple[str, str]]:
    yield say("Kind"), term_of(report.kind).of(language)
    yield say("Standing"), term_of(report.standing).of(language)
    yield from _person(report.identity, language, say)
    yield say("Own reference"), report.reference
    if report.name is not None:
        yield say("First day"), report.name.first_day.isoformat()
    if report.retain_until is not None:
        yield say("Kept until"), report.retain_until.isoformat()
    if report.transferee:
        yield say("Buyer of the debt"), report.transferee


def _person(identity: Identity | None, language: Language, say: Say) -> Iterator[tuple[str, str]]:
    if identity is not None:
        yield say("Person"), shown_number(identity, language, say)


def _facts(facts: Facts | None, language: Language, say: Say) -> Iterator[tuple[str, str]]:
    if facts is None:
        return
    yours, *others = FactSpeaker(language, clock_text).facts(facts)
    # The report to a person says "your part".
    yield say("Part in the debt"), yours[1]
    yield from others


def _changed(prepared: PreparedCorrection, language: Language, say: Say) -> Iterator[tuple[str, str, str]]:
    old, new = ({} if facts is None else facts_cells(facts) for facts in _both(prepared))
    differing = [column for column in {**old, **new} if old.get(column, "") != new.get(column, "")]
    yield from _columns(differing, old, new, language, say)


def _columns(
    columns: Iterable[str], old: Mapping[str, str], new: Mapping[str, str], language: Language, say: Say
) -> Iterator[tuple[str, str, str]]:
    """Yield name, held and new value of columns, in words."""
    for column in columns:
        yield name_of(column, language, say), shown_cell(column, old, language), shown_cell(column, new, language)


def _both(prepared: PreparedCorrection) -> tuple[Facts | None, Facts | None]:
    return prepared.opened.record.facts, prepared.report.facts


def _withdrawal(prepared: PreparedWithdrawal, language: Language, say: Say) -> Iterator[tuple[str, str]]:
    yield say("Why"), say(REASONS[prepared.reason])
    if prepared.removed_on is not None:
        yield say("The court removed it on"), prepared.removed_on.isoformat()
    yield from ((say("SHA-256 of the evidence"), digest.hex()) for digest in prepared.evidence)
    yield from _person(prepared.identity, language, say)
    if prepared.opened is None:
        yield say("Facts"), say("Nobody has opened them.")
    else:
        yield from _facts(prepared.opened.record.facts, language, say)
