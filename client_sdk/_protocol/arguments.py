"""Arguments of public methods, checked before anything relies on them: not every program has a type checker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from client_sdk.errors import PreflightError
from client_sdk.kernel.formats.words import DisputeOutcome, Purpose
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.fact_parts import Consent
from client_sdk.kernel.rules.field_types import check_field_types
from client_sdk.kernel.rules.text import check_text
from client_sdk.kernel.subjects.identifiers import Identity
from client_sdk.models.report import RecordName
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ID_BYTES", "answer_of", "name_of", "purpose_of", "sixteen_bytes", "statement_text"]

# Of a record id and of an inquiry id.
ID_BYTES = 16
# Of a subject's statement (FCRA 611(b) has 100 words).
MAX_STATEMENT_CHARACTERS = 500
# A resident number, a card or an account, also with blanks between its digits.
_NUMBER = re.compile(r"[0-9]{15}")


def purpose_of(
    identities: Iterable[Identity], purpose: Purpose | str, consent: Consent | None, officer: str
) -> Purpose:
    """Return the purpose of an inquiry whose arguments are of the right types.

    Args:
        identities: of the persons.
        purpose: a member, or its word.
        consent: of the persons.
        officer: the member of staff who asks.

    Raises:
        PreflightError: one is of another type, or the purpose is no word for one.
    """
    for identity in identities:
        _check_type(identity, Identity, "inquiry.persons", "an Identity")
    if consent is not None:
        _check_type(consent, Consent, "inquiry.consent", "a Consent")
        try:
            check_field_types(consent, "inquiry.consent")
        except RuleError as error:
            raise _refused(error.field, error.rule, error.got, error.want) from error
    _check_type(officer, str, "inquiry.officer", "text")
    want = f"one of {', '.join(Purpose)}"
    _check_type(purpose, str, "inquiry.purpose", want)
    if purpose not in Purpose.__members__:
        raise _refused("inquiry.purpose", "inquiry.purpose", "another word", want)
    return Purpose(purpose)


def name_of(name: RecordName) -> RecordName:
    """Return the name of a record if its parts are of the right types.

    Raises:
        PreflightError: one is not.
    """
    _check_type(name, RecordName, "record", "a RecordName")
    try:
        check_field_types(name, "record")
    except RuleError as error:
        raise _refused(error.field, error.rule, error.got, error.want) from error
    return name


def sixteen_bytes(value: bytes, name: str) -> bytes:
    """Return an id whose form is right.

    Args:
        value: of a record or an inquiry.
        name: of the argument.

    Raises:
        PreflightError: it is no bytes, or not 16 of them.
    """
    _check_type(value, bytes, name, f"{ID_BYTES} bytes")
    if len(value) != ID_BYTES:
        raise _refused(name, "id.length", f"{len(value)} bytes", f"{ID_BYTES} bytes")
    return value


def answer_of(outcome: DisputeOutcome | str) -> DisputeOutcome:
    """Return the answer to a dispute.

    Args:
        outcome: a member, or its word.

    Raises:
        PreflightError: it is no answer.
    """
    want = "CORRECTED, CONFIRMED or UNCONFIRMED"
    _check_type(outcome, str, "outcome", want)
    if outcome not in DisputeOutcome.__members__ or outcome == DisputeOutcome.WITHDRAWN:
        raise _refused("outcome", "dispute.answer", "another word", want)
    return DisputeOutcome(outcome)


def statement_text(text: str, identity: Identity) -> str:
    """Return the statement of a subject if others can read it as it was written.

    Raises:
        PreflightError: it is too long, shows nothing, holds characters that mislead or what looks like an identity
            number: it is shown to everybody who may see the record.
    """
    _check_type(identity, Identity, "identity", "an Identity")
    _check_type(text, str, "text", "text")
    try:
        check_text(text, "text", MAX_STATEMENT_CHARACTERS, required=True)
    except RuleError as error:
        raise _refused(error.field, error.rule, error.got, error.want) from error
    if _NUMBER.search("".join(text.split())):
        raise _refused("text", "statement.number", "15 or more digits in a row", "no identity or account number")
    return text


def _check_type(value: object, kind: type, field: str, want: str) -> None:
    if not isinstance(value, kind):
        raise _refused(field, "field.type", type(value).__name__, want)


def _refused(field: str, rule: str, got: str, want: str) -> PreflightError:
    return PreflightError((Violation(reason="MALFORMED", field=field, rule=rule, got=got, want=want),))
