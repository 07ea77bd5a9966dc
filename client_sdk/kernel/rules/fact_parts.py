"""Parts shared by the facts of all kinds: amounts, notice, consent and debt (proto/README.md 3).

Facts exist in clear only where a record is made, checked or opened, so no value here shows itself: every ``repr``
names the type alone, and errors name fields, never what was in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from creditregistry.v1 import common_pb2
from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import LAST_MS, milliseconds, moment
from client_sdk.kernel.formats.plain import LEFT_OUT, Plain
from client_sdk.kernel.formats.words import Purpose, Word, Worded, word
from client_sdk.kernel.rules.dates import required_date
from client_sdk.kernel.rules.fact_words import ConsentForm, NoticeChannel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

__all__ = ["Amounts", "Consent", "Debt", "NoticeEvidence"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Amounts(Discreet, Plain):
    """Money in minor units of one currency, split as the law asks for.

    Attributes:
        currency: ISO 4217 code, such as CNY.
        principal: minor units: 1,250,000 is 12,500.00 CNY.
        interest: minor units.
        penalty: penalty interest (罚息), minor units.
        fees: fees and court costs, minor units.
        estimated: whether it was derived and not read from the books.
    """

    currency: str
    principal: int = 0
    interest: int = 0
    penalty: int = 0
    fees: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        """The sum of the parts, in minor units."""
        return self.principal + self.interest + self.penalty + self.fees

    def message(self) -> pb.Amounts:
        """Return the protobuf form."""
        return pb.Amounts(
            currency=self.currency,
            principal=self.principal,
            interest=self.interest,
            penalty=self.penalty,
            fees=self.fees,
            estimated=self.estimated,
        )

    @classmethod
    def of(cls, message: pb.Amounts) -> Amounts:
        """Return the value of a parsed message."""
        return cls(
            currency=message.currency,
            principal=message.principal,
            interest=message.interest,
            penalty=message.penalty,
            fees=message.fees,
            estimated=message.estimated,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NoticeEvidence(Worded, Discreet, Plain):
    """Evidence of the notice to the person before reporting (征信业管理条例 Art. 15).

    Attributes:
        channel: LETTER, SMS, EMAIL, APP, CALL or SERVED.
        sent_at: when it was sent: an aware datetime, exact to the millisecond.
        digest: SHA-256 of the notice as sent.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"channel": NoticeChannel}

    channel: NoticeChannel
    sent_at: datetime
    digest: bytes

    def message(self) -> pb.NoticeEvidence:
        """Return the protobuf form."""
        return pb.NoticeEvidence(
            channel=pb.NoticeChannel.ValueType(self.channel.number),
            sent_at=milliseconds(self.sent_at),
            digest=self.digest,
        )

    @classmethod
    def of(cls, message: pb.NoticeEvidence) -> NoticeEvidence:
        """Return the value of a parsed message.

        Raises:
            FormatError: unknown channel, a time that no calendar has, or a digest of another length.
        """
        channel = word(NoticeChannel, message.channel, "facts", "notice.channel")
        if message.sent_at > LAST_MS:
            raise FormatError("facts", "notice.sent-at", want="milliseconds since 1970, up to the year 9999")
        return cls(
            channel=channel, sent_at=moment(message.sent_at), digest=_digest(message.digest, "facts", "notice.digest")
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Consent(Worded, Discreet, Plain):
    """The person's consent (征信业管理条例 Art. 13, 18, 29); inquiries commit to one as well.

    Attributes:
        form: WRITTEN or VERBAL; records and inquiries need WRITTEN.
        date: on which it was given.
        digest: SHA-256 of the signed document.
        purposes: for which it was given. Where none are named, an inquiry says with its signature that it is made for
            its own purpose; a record needs REPORTING among those that are named.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {"form": ConsentForm, "purposes": Purpose}

    form: ConsentForm
    date: date
    digest: bytes
    purposes: tuple[Purpose, ...] = ()

    def message(self) -> pb.Consent:
        """Return the protobuf form."""
        return pb.Consent(
            form=pb.ConsentForm.ValueType(self.form.number),
            date=self.date.isoformat(),
            digest=self.digest,
            purposes=[common_pb2.Purpose.ValueType(purpose.number) for purpose in sorted(set(self.purposes))],
        )

    def encode(self) -> bytes:
        """Return the canonical bytes that an inquiry commits to (proto/README.md 9)."""
        return canonical.encode(self.message())

    @classmethod
    def of(cls, message: pb.Consent, part: str) -> Consent:
        """Return the value of a parsed message.

        Raises:
            FormatError: unknown form, or a digest of another length.
            RuleError: no real date.
        """
        form = word(ConsentForm, message.form, part, "consent.form")
        given = required_date(message.date, "consent.date")
        purposes = tuple(word(Purpose, purpose, part, "consent.purposes") for purpose in message.purposes)
        check_ascending(purposes, part, "consent.purposes")
        digest = _digest(message.digest, part, "consent.digest")
        return cls(form=form, date=given, digest=digest, purposes=purposes)

    @classmethod
    def parse(cls, data: bytes) -> Consent:
        """Return the consent that the bytes of an inquiry's opening canonically encode.

        Raises:
            FormatError: they are not canonical, or a field has the wrong form.
            RuleError: no real date.
        """
        return cls.of(canonical.parse(pb.Consent, data, "inquiry"), "inquiry")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Debt(Discreet, Plain):
    """Which debt it is.

    Attributes:
        original_creditor: unified social credit code of the first lender, else its LEI.
        contract: canonical number of the contract (``formats.debt.canonical_contract``).
        debt_ref: 32 bytes, ``formats.debt.debt_ref`` under the seal key of the subject.
    """

    original_creditor: str
    contract: str
    debt_ref: bytes = field(metadata=LEFT_OUT)

    def message(self) -> pb.Debt:
        """Return the protobuf form."""
        return pb.Debt(original_creditor=self.original_creditor, contract=self.contract, debt_ref=self.debt_ref)

    @classmethod
    def of(cls, message: pb.Debt) -> Debt:
        """Return the value of a parsed message.

        Raises:
            FormatError: a reference of another length.
        """
        reference = _digest(message.debt_ref, "facts", "debt.debt_ref")
        return cls(original_creditor=message.original_creditor, contract=message.contract, debt_ref=reference)


def _digest(value: bytes, part: str, field: str) -> bytes:
    if len(value) != HASH_BYTES:
        raise FormatError(part, f"{field}.length", got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")
    return value
