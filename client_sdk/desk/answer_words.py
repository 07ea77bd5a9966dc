"""An answer in words: verdict, outcome, reasons, totals, records, and how it is proved; for the page and for paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.rendering import clock_text
from client_sdk.desk.texts import N_, Language
from client_sdk.models import Kind, Outcome, ReasonId, Standing, Verdict
from client_sdk.subject_report.content import Document, Part, Rows
from client_sdk.subject_report.facts import FactSpeaker, money_text, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from client_sdk.desk.chain import DebtChain
    from client_sdk.desk.kept_answer import KeptAnswer
    from client_sdk.desk.texts import Say
    from client_sdk.models import Answer, Assessment, ListedRecord, Replayed

__all__ = ["AnswerWords", "unreplayed_words"]

_VERDICTS = {
    Verdict.LISTED: N_("Listed: the registry holds live records about this person."),
    Verdict.CLEAR: N_("Clear: no live record under this identity number. It says nothing of other numbers."),
    Verdict.UNVERIFIABLE: N_("Unverifiable: nothing is proved. Never read this as clear."),
}
_OUTCOMES = {
    Outcome.NOT_ADVERSE: N_("Not adverse by your criteria"),
    Outcome.WATCH: N_("Watch: what is owed does not count by your criteria; look at it"),
    Outcome.BLACKLISTED: N_("Blacklisted by your criteria"),
    Outcome.REFER: N_("Refer to a person: something could not be verified or opened"),
}
# Where all that is watched is over.
_WATCH_PAID = N_("Watch: look at what was paid or settled")
_PAID = frozenset((Standing.CURED, Standing.SATISFIED))
_REASONS = {
    ReasonId.NO_LIVE_RECORD: N_("no live record"),
    ReasonId.UNVERIFIABLE: N_("the answer does not verify"),
    ReasonId.COUNTED: N_("counts by your criteria"),
    ReasonId.WATCHED: N_("is watched by your criteria"),
    ReasonId.BELOW_DAYS: N_("fewer days overdue than your criteria ask for"),
    ReasonId.BELOW_AMOUNT: N_("less money than your criteria ask for"),
    ReasonId.EARLY_STAGE: N_("the suit has not come to a judgment"),
    ReasonId.GUARANTOR: N_("the person is a guarantor, whom your criteria do not count"),
    ReasonId.ISSUER_ENDED: N_("its lender is gone, and nobody speaks for it"),
    ReasonId.ENDED_LONG_AGO: N_("it ended longer ago than your criteria look back"),
    ReasonId.LISTING_ENDED: N_("the entry in the courts' list has ended"),
    ReasonId.NOT_COUNTED_KIND: N_("your criteria do not count this kind of record"),
    ReasonId.SCOPE_PAID: N_("it was paid too long ago to be shown for this purpose"),
    ReasonId.SAME_DEBT: N_("another record tells of the same debt, and is weighed in its place"),
    ReasonId.RESTRICTED: N_("it is restricted: nobody may count it"),
    ReasonId.DISPUTED: N_("the person disputes it"),
    ReasonId.STALE: N_("its lender has not updated it for long"),
    ReasonId.SUBJECT_STATEMENT: N_("the person has made a statement about it"),
    ReasonId.CONTESTED: N_("a key in doubt has signed it"),
    ReasonId.SCOPE: N_("its facts are not shown for this purpose"),
    ReasonId.RECIPROCITY: N_("its facts are shown to lenders that report such records themselves"),
    ReasonId.SEALED: N_("its facts could not be opened"),
    ReasonId.DISCLOSURE_MISMATCH: N_("other bytes are kept than were signed"),
    ReasonId.DISCLOSURE_UNOPENABLE: N_("what its lender sealed does not open"),
    ReasonId.FACTS_UNREADABLE: N_("what its lender sealed cannot be read"),
    ReasonId.DEBT_REF_WRONG: N_("its reference of the debt is not that of its contract"),
}
_MARKS = {
    "contested": N_("signed by a key in doubt"),
    "stale": N_("not updated for long"),
    "issuer_ended": N_("its lender is gone"),
}


class AnswerWords:
    """Says an answer in one language.

    Args:
        kept: the answer, with what was asked.
        language: of the texts.
        say: says texts in it.
    """

    def __init__(self, kept: KeptAnswer, language: Language, say: Say) -> None:
        self._kept, self._language, self._say = kept, language, say
        self._facts = FactSpeaker(language, clock_text)

    @property
    def verdict(self) -> str:
        """What is proved."""
        return self._say(_VERDICTS[self._answer.verdict])

    @property
    def outcome(self) -> str:
        """What the lender's criteria make of it."""
        watched = {reason.record for reason in self._assessment.reasons if reason.outcome is Outcome.WATCH}
        return self._outcome(self._assessment.outcome, watched)

    def reasons(self) -> tuple[tuple[str, str, str], ...]:
        """Return of each reason: the record, why, and the outcome that it speaks for."""
        return tuple(
            (
                self._name(reason.record),
                self._say(_REASONS[reason.id]),
                "" if reason.outcome is None else self._outcome(reason.outcome, {reason.record}),
            )
            for reason in self._assessment.reasons
        )

    def totals(self) -> tuple[tuple[str, str, str], ...]:
        """Return of each total: kind, number of records, money."""
        return tuple(
            (
                self._facts.term(total.kind),
                str(total.records),
                f"{money_text(total.amount, total.currency)} {total.currency}"
                + (self._say(" (partly estimated)") if total.estimated else ""),
            )
            for total in self._assessment.totals
        )

    def records(self) -> tuple[Part, ...]:
        """Return each record with its facts."""
        return tuple(self._record(place, record) for place, record in enumerate(self._answer.records, start=1))

    @property
    def proof(self) -> str:
        """How the answer is proved, in one sentence or two."""
        answer = self._answer
        if answer.failure is not None or answer.as_of is None:
            return self._say("The answer did not verify on this machine, so it was thrown away.")
        said = self._say(
            "This machine has verified the answer: every record is signed by its lender, and the registry's signed log "
            "shows these records and no others as of {time}.",
            time=clock_text(answer.as_of),
        )
        return " ".join((said, self._witnessed(answer), self._replayed(answer))).strip()

    def details(self) -> tuple[tuple[str, str], ...]:
        """Return names and values for who looks closer."""
        answer = self._answer
        failure = answer.failure
        shown = [
            (self._say("Registry"), answer.registry),
            (self._say("Inquiry"), answer.inquiry_id.hex()),
            (self._say("As of"), clock_text(answer.as_of)),
            (self._say("Leaves of the log"), f"{answer.size:,}" if answer.size else ""),
            (self._say("Digest of the assessment"), self._assessment.digest.hex()),
            (self._say("What failed"), "" if failure is None else f"{failure.part}: {failure.rule}"),
            (self._say("Found"), "" if failure is None else failure.message),
        ]
        return tuple((name, value) for name, value in shown if value)

    def asked(self) -> tuple[tuple[str, str], ...]:
        """Return what was asked, without the number."""
        kept = self._kept
        return (
            (self._say("Purpose"), self._facts.term(kept.purpose)),
            (self._say("Type of number"), self._facts.term(kept.id_type)),
            (self._say("Asked by"), kept.officer),
            (self._say("Consent of"), kept.consent_date.isoformat()),
        )

    def chain_events(self, chain: DebtChain) -> tuple[str, ...]:
        """Return the events of a chain in words, in the order of time."""
        return tuple(f"{event.on.isoformat()} {self._say(event.text)}" for event in chain.events)

    def document(self, chains: Sequence[DebtChain]) -> Document:
        """Return the answer as it is printed."""
        say = self._say
        head = (say("Record"), say("Why"), say("Speaks for"))
        totals = Rows((say("Kind"), say("Records"), say("Owed")), self.totals(), say("Totals"))
        parts = [
            Part(say("What was asked"), pairs=self.asked()),
            Part(
                say("Assessment"),
                paragraphs=(self.outcome + ". " + say("It is for a person to decide."),),
                tables=(Rows(head, self.reasons()), *([totals] if totals.rows else [])),
            ),
            *(
                Part(
                    say("Chain of contract {contract}", contract=visible(chain.contract)),
                    level=3,
                    paragraphs=self.chain_events(chain),
                )
                for chain in chains
            ),
            *([Part(say("Records"))] if self._answer.records else []),
            *self.records(),
            Part(say("How this is proved"), paragraphs=(self.proof,), pairs=self.details()),
        ]
        return Document(
            self._language,
            say("Answer of the credit registry"),
            say("Registry {registry}", registry=visible(self._answer.registry)),
            self.verdict,
            self._answer.verdict is not Verdict.CLEAR,
            tuple(parts),
            say("Page {page}", page="{page}"),
        )

    @property
    def _answer(self) -> Answer:
        return self._kept.answer

    @property
    def _assessment(self) -> Assessment:
        return self._kept.assessment

    def _outcome(self, outcome: Outcome, records: Collection[str]) -> str:
        """Return an outcome in words, of a watched one by whether all of these records are paid."""
        standings = {record.standing for record in self._answer.records if record.ref in records}
        is_paid = outcome is Outcome.WATCH and standings <= _PAID
        return self._say(_WATCH_PAID if is_paid else _OUTCOMES[outcome])

    def _name(self, ref: str) -> str:
        """Return a record by its place in the answer; an empty text for the whole answer."""
        for place, record in enumerate(self._answer.records, start=1):
            if record.ref == ref:
                return f"{place}. {self._facts.term(record.kind)}"
        return ""

    def _record(self, place: int, record: ListedRecord) -> Part:
        title = self._say(
            "{place}. {kind}, {standing}",
            place=place,
            kind=self._facts.term(record.kind),
            standing=self._facts.term(record.standing),
        )
        marks = [self._facts.term(flag) for flag in sorted(record.flags)]
        marks += [self._say(text) for name, text in _MARKS.items() if getattr(record, name)]
        why = "" if record.unopened is None else self._facts.term(record.unopened)
        return Part(
            title,
            level=3,
            badges=tuple(marks),
            paragraphs=(self._say("Its facts are not shown: {why}.", why=why),) if why else (),
            pairs=tuple(self._pairs(record)),
            quote=visible(record.subject_statement),
            quote_title=self._say("The person's own statement"),
        )

    def _pairs(self, record: ListedRecord) -> Iterator[tuple[str, str]]:
        say = self._say
        yield say("Reported by"), visible(record.issuer)
        if record.signer != record.issuer:
            yield say("Signed by its successor"), visible(record.signer)
        if record.facts is not None:
            role = self._facts.facts(record.facts)
            # The report to a person says "your part".
            next(role, None)
            yield say("Part in the debt"), self._facts.term(record.facts.subject_role)
            yield from role
        if record.transferee:
            yield say("Debt sold to"), visible(record.transferee)
        yield say("Number of the record"), visible(record.ref)
        yield say("Logged"), clock_text(record.logged_at)
        if record.retain_until is not None:
            name = say("Listed until at most") if record.kind is Kind.LISTING else say("Kept until")
            yield name, record.retain_until.isoformat()

    def _witnessed(self, answer: Answer) -> str:
        if answer.witnessed is None:
            return ""
        if answer.witnessed.at is None:
            return self._say("No quorum of witnesses has cosigned this log, as far as the registry shows.")
        if answer.witnessed.whole:
            return self._say("Witnesses have cosigned all of it.")
        return self._say("Witnesses have cosigned it up to {time}.", time=clock_text(answer.witnessed.at))

    def _replayed(self, answer: Answer) -> str:
        if answer.replayed is None:
            return ""
        if not answer.replayed.late:
            return self._say("Auditors have rebuilt the log lately and found it in order.")
        return unreplayed_words(answer.replayed, self._say)


def unreplayed_words(replayed: Replayed, say: Say) -> str:
    """Return that no auditor vouches for a log: as none has rebuilt it lately, or as none is named."""
    if not replayed.named:
        return say(
            "The rulebook names no auditor that rebuilds the log: that no record was left out is the registry's word."
        )
    return say("No auditor has rebuilt the log lately: that no record was left out is the registry's word.")
