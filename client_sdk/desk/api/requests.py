"""Bodies of requests, parsed into types, and refused where anything is unknown or of another form."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from client_sdk.desk.users import is_name
from client_sdk.forms import MAX_STATEMENT_CHARACTERS, MOST_NAME_DIGITS, holds_long_number
from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.typed_text import DAY_WANTED, NoDayError, read_day
from client_sdk.models import Consent, ConsentForm, Identity, IdType, Kind, Purpose, RecordName

__all__ = [
    "MOST_NUMBER",
    "REPORT_SCHEMA",
    "AlertsBegun",
    "AlertsEnded",
    "CheckJobRequest",
    "CheckRequest",
    "ConsentGiven",
    "Digest",
    "DisputeAnswer",
    "DisputeOpening",
    "DisputeWithdrawal",
    "Institution",
    "Month",
    "OpeningRequest",
    "Person",
    "RecordSearch",
    "ReportPaper",
    "StatementGiven",
    "StatementRemoved",
    "SubjectReportRequest",
]

MOST_PERSONS = 10_000
_MOST_NAMES = 16
# In addresses: more than anything has, and too short for an identity number.
MOST_NUMBER = 10**12


def _officer(name: str) -> str:
    if not is_name(name):
        raise ValueError(f"a letter, then up to 63 letters, digits and ._@-, with at most {MOST_NAME_DIGITS} digits")
    return name


def _day(text: object) -> object:
    # Lax dates take a time of midnight, and numbers of seconds.
    try:
        return read_day(text if isinstance(text, str) else "")
    except NoDayError:
        raise ValueError(DAY_WANTED) from None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_names(cls, content: object) -> object:
        """Refuse an object with more names than any has, at once: each unknown one would be told, and take memory."""
        if isinstance(content, dict) and len(content) > _MOST_NAMES:
            raise ValueError(f"an object of at most {_MOST_NAMES} names")
        return content


Day = Annotated[date, BeforeValidator(_day)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$"), Field(description="SHA-256, hexadecimal.")]


def _institution(text: str) -> str:
    if holds_long_number(text):
        raise ValueError("the id of a member, which is no identity number")
    return text


Institution = Annotated[str, StringConstraints(pattern="^[a-z0-9-]{0,64}$"), AfterValidator(_institution)]
Month = Annotated[str, StringConstraints(pattern="^([0-9]{4}-(0[1-9]|1[0-2]))?$"), Field(description="YYYY-MM.")]
RecordUuid = Annotated[
    str, StringConstraints(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), Field(description="Of the record.")
]
Officer = Annotated[
    str,
    AfterValidator(_officer),
    Field(description="Member of staff for whom the system asks; the name of the token where left out."),
]
Evidence = Annotated[list[Digest], Field(max_length=16, description="SHA-256 of documents; these stay here.")]
ReportPaper = Literal["zh.html", "zh.pdf", "en.html", "en.pdf"]
Recipients = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=2_048)]], Field(max_length=16, repr=False)
]
Words = Field(strict=False)


class Person(_Body):
    """Who: the number is in bodies alone, and never leaves the member's machine."""

    id_type: Annotated[IdType, Words]
    number: Annotated[str, StringConstraints(min_length=1, max_length=64), Field(repr=False)]
    issuing_state: Annotated[
        str,
        StringConstraints(pattern="^([A-Z]{2})?$"),
        Field(description="Of a passport alone, ISO 3166-1 alpha-2."),
    ] = ""

    def identity(self, today: date) -> Identity:
        """Return the identity.

        Args:
            today: in the registry's legal time zone.

        Raises:
            FormatError: the number is none of its type.
        """
        return Identity.parse(self.id_type, self.number, self.issuing_state, today=today)


class ConsentGiven(_Body):
    """The person's written consent to this inquiry."""

    date: Day
    digest: Annotated[Digest, Field(description="SHA-256 of the signed document, hexadecimal.")]

    def consent(self) -> Consent:
        """Return the consent."""
        return Consent(form=ConsentForm.WRITTEN, date=self.date, digest=bytes.fromhex(self.digest))


class CheckRequest(_Body):
    """A question about one person."""

    person: Person
    purpose: Annotated[Purpose, Words]
    consent: ConsentGiven
    officer: Officer | None = None
    evidence: Annotated[bool, Field(description="Whether the answer brings its evidence.")] = False


class PersonAsked(Person):
    """One of many persons."""

    reference: Annotated[
        str, StringConstraints(max_length=128), Field(description="Your own, given back with the answer.")
    ] = ""
    consent: Annotated[ConsentGiven | None, Field(description="Of this person, where there is none for all.")] = None


class CheckJobRequest(_Body):
    """A question about many persons; each has a consent, or there is one for all."""

    persons: Annotated[list[PersonAsked], Field(min_length=1, max_length=MOST_PERSONS)]
    purpose: Annotated[Purpose, Words]
    consent: ConsentGiven | None = None
    officer: Officer | None = None


class RecordSearch(_Body):
    """An own record by the lender's own name of it."""

    kind: Annotated[Kind, Words]
    reference: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    first_day: Day

    def name(self) -> RecordName:
        """Return the name."""
        return RecordName(kind=self.kind, reference=self.reference, first_day=self.first_day)


class OpeningRequest(_Body):
    """Whose record it is: the number opens its facts."""

    person: Person


class DisputeOpening(_Body):
    """A dispute of a record, for its subject."""

    issuer: Annotated[Institution, Field(min_length=1)]
    record: RecordUuid
    code: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9._-]{0,64}$")] = ""
    evidence: Annotated[
        Evidence, Field(description="Of another member's record the request that the person signed, and more.")
    ] = []


class DisputeAnswer(_Body):
    """The answer to a dispute of an own record."""

    record: RecordUuid
    outcome: Literal["CORRECTED", "CONFIRMED", "UNCONFIRMED"]
    evidence: Annotated[Evidence, Field(min_length=1)]
    issuer: Annotated[Institution, Field(description="Whom this member succeeds; left out for an own record.")] = ""


class DisputeWithdrawal(_Body):
    """A dispute that is taken back by the member that opened it."""

    issuer: Annotated[Institution, Field(min_length=1)]
    record: RecordUuid


class SubjectReportRequest(_Body):
    """A person who asks for the own report."""

    person: Person
    request: Annotated[ConsentGiven, Field(description="What the person signed to ask for it.")]
    officer: Officer | None = None
    papers: Annotated[
        list[ReportPaper], Field(max_length=4, description="The report on paper, for the person to take home.")
    ] = []


class StatementGiven(_Body):
    """The person's own statement on a record."""

    person: Person
    issuer: Annotated[Institution, Field(min_length=1)]
    record: RecordUuid
    text: Annotated[
        str, StringConstraints(max_length=4 * MAX_STATEMENT_CHARACTERS), Field(description="Set as one line.")
    ]


class StatementRemoved(_Body):
    """The record whose statement goes."""

    issuer: Annotated[Institution, Field(min_length=1)]
    record: RecordUuid


class AlertsBegun(_Body):
    """A person who is alerted, and where messages go."""

    person: Person
    request: Annotated[ConsentGiven, Field(description="What the person signed to ask for it.")]
    until: Day
    mail: Recipients = []
    webhook: Recipients = []
    label: Annotated[str, StringConstraints(max_length=64), Field(description="Your own name of the case.")] = ""
    officer: Officer | None = None


class AlertsEnded(_Body):
    """Alerts that end, by the `inquiry_id` that began them."""

    alerts: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


_FORMS: dict[ColumnForm, dict[str, object]] = {
    ColumnForm.TEXT: {"type": ["string", "null"]},
    ColumnForm.DAY: {"type": ["string", "null"], "format": "date"},
    ColumnForm.TIME: {"type": ["string", "null"], "format": "date-time"},
    ColumnForm.NUMBER: {"type": ["integer", "string", "null"]},
    ColumnForm.FLAG: {"type": ["boolean", "string", "null"]},
    ColumnForm.LIST: {"type": ["array", "string", "null"], "items": {"type": "string"}},
}
# One row of a portfolio as JSON Lines have it; read by the SDK, whose complaints name column and rule.
REPORT_SCHEMA: dict[str, object] = {
    "title": "ReportRow",
    "description": "One version of one record: the columns of a portfolio; money in minor units.",
    "type": "object",
    "properties": {name: _FORMS[FORMS[name]] for name in COLUMNS},
    "required": ["kind", "standing", "id_type", "id_number", "reference"],
    "additionalProperties": False,
}
