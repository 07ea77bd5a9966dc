"""Prepared, signed requests: everything a lender's side does, done before the clock runs.

Pseudonyms are random: the registry cannot tell, and key services are measured in rows of their own.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.inquiry import ask
from client_sdk._protocol.statement import Issuer, sign_together, sign_version
from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Purpose, Standing
from client_sdk.kernel.rules.facts import (
    Amounts,
    CollectionStage,
    Consent,
    ConsentForm,
    DefaultFacts,
    JudgmentFacts,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    NoticeChannel,
    Product,
    SubjectRole,
)
from client_sdk.kernel.subjects.identifiers import Identity, IdType
from client_sdk.kernel.subjects.pseudonym import Pseudonym
from client_sdk.models.papers import notice_sent
from client_sdk.models.report import DefaultReport, JudgmentReport, debt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.models.report import Report

__all__ = ["CONSENT", "Lender", "batches", "checks", "facts_of", "identity", "judgments", "submissions"]

CREDITOR = "91110000MA0000000H"
CHUNK = 256
RULEBOOK = Rulebook()
DAY_MS = 86_400_000
# Preparation is not measured; it takes both cores of a small machine.
WORKERS = 2
CONSENT = Consent(form=ConsentForm.WRITTEN, date=date(2026, 1, 2), digest=b"\x22" * 32)


class Lender:
    """What preparing needs of a lender; can be sent to another process."""

    def __init__(self, registry: str, institution: str, report_pem: bytes, inquire_pem: bytes) -> None:
        self.registry = registry
        self.institution = institution
        self.report_pem = report_pem
        self.inquire_pem = inquire_pem


def identity(number: int) -> Identity:
    """Return the resident number of a person born in the 1800s, so of nobody living."""
    born = date(1800, 1, 1) + timedelta(days=number % 36_000)
    body = f"110105{born:%Y%m%d}{number // 36_000 + 1:03d}"
    return Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))


def facts_of(contract: str) -> DefaultFacts:
    """Return facts of a default as a lender would report them today."""
    today = datetime.now(tz=UTC).date() - timedelta(days=2)
    return DefaultFacts(
        subject_role=SubjectRole.BORROWER,
        product=Product.CONSUMER_LOAN,
        amounts=Amounts(currency="CNY", principal=500_000, interest=12_345, penalty=678, fees=90),
        as_of=today,
        first_delinquency_on=today - timedelta(days=70),
        days_past_due=65,
        collection_stage=CollectionStage.COLLECTING,
        debt=debt(original_creditor=CREDITOR, contract=contract),
        legal_basis=LegalBasis.CONSENT,
        notice=notice_sent(
            document=b"notice", sent_at=datetime.now(UTC) - timedelta(days=7), channel=NoticeChannel.SMS
        ),
        consent=CONSENT,
        approver="staff-17",
    )


def judgment_of(contract: str, number: int) -> JudgmentFacts:
    """Return facts of a judgment of a batch litigation; no court comes to such case numbers."""
    today = datetime.now(tz=UTC).date() - timedelta(days=2)
    return JudgmentFacts(
        subject_role=SubjectRole.BORROWER,
        stage=JudgmentStage.EFFECTIVE,
        case_number=f"（{today.year - 1}）京0105民初{9_000_000 + number}号",
        court="北京市朝阳区人民法院",
        cause="金融借款合同纠纷",
        filed_on=today - timedelta(days=500),
        judged_on=today - timedelta(days=90),
        effective_on=today - timedelta(days=60),
        result=JudgmentResult.GRANTED,
        amounts=Amounts(currency="CNY", principal=500_000, interest=12_345, penalty=678, fees=90),
        as_of=today,
        debt=debt(original_creditor=CREDITOR, contract=contract),
        legal_basis=LegalBasis.LEGALLY_PUBLIC,
        approver="staff-17",
        batch_reference="BL-1",
    )


def _default(number: int) -> tuple[Report, date]:
    facts = facts_of(f"LN{number:012d}")
    report = DefaultReport(identity=identity(1), reference=str(number), standing=Standing.OPEN, facts=facts)
    return report, facts.first_delinquency_on


def _judgment(number: int) -> tuple[Report, date]:
    facts = judgment_of(f"LN{number:012d}", number)
    report = JudgmentReport(identity=identity(1), reference=str(number), standing=Standing.OPEN, facts=facts)
    return report, facts.filed_on


def _made(issuer: Issuer, reports: Iterable[tuple[Report, date]]) -> list[pb.Submission]:
    secret, now = os.urandom(32), int(time.time()) * 1000
    made: list[pb.Submission] = []
    for report, first_day in reports:
        record_id = derive_record_id(secret, report.kind, report.reference, first_day)
        names = {1: Pseudonym(1, os.urandom(32), os.urandom(32))}
        key = RecordKey(issuer.institution, record_id)
        submission, _ = sign_version(issuer, report, key, names, None, issued_at=now)
        made.append(submission)
    return made


def _issuer(lender: Lender) -> Issuer:
    signer = Ed25519Signer.from_pkcs8_pem(lender.report_pem)
    return Issuer(lender.registry, lender.institution, signer, RULEBOOK)


def _submissions(lender: Lender, count: int) -> list[bytes]:
    return [item.SerializeToString() for item in _made(_issuer(lender), map(_default, range(count)))]


def submissions(lenders: Sequence[Lender], each: int) -> list[list[bytes]]:
    """Return so many signed submissions of each lender: one OPEN default each, of different persons."""
    with ProcessPoolExecutor(WORKERS) as executor:
        return list(executor.map(_submissions, lenders, [each] * len(lenders)))


def _judgments(lender: Lender, count: int, together: bool) -> list[bytes]:  # noqa: FBT001 - sent to a process
    issuer = _issuer(lender)
    made = _made(replace(issuer, signs_later=together), map(_judgment, range(count)))
    if together:
        sign_together(issuer, made)
    return [item.SerializeToString() for item in made]


def judgments(lenders: Sequence[Lender], each: int, *, together: bool) -> list[list[bytes]]:
    """Return so many judgments of each lender: each signed, or all of one lender by one signature."""
    with ProcessPoolExecutor(WORKERS) as executor:
        return list(executor.map(_judgments, lenders, [each] * len(lenders), [together] * len(lenders)))


def batches(made: Sequence[bytes]) -> list[bytes]:
    """Return the messages of one stream: the header, then chunks of 256."""
    stream = [pb.SubmitBatchRequest(header=pb.BatchHeader(count=len(made))).SerializeToString()]
    for start in range(0, len(made), CHUNK):
        chunk = pb.BatchChunk(submissions=[pb.Submission.FromString(item) for item in made[start : start + CHUNK]])
        stream.append(pb.SubmitBatchRequest(chunk=chunk).SerializeToString())
    return stream


def checks(lender: Lender, subjects: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return one signed check for each group of subjects, to be sent within five minutes."""
    signer = Ed25519Signer.from_pkcs8_pem(lender.inquire_pem)
    somebody = identity(1)
    now = int(time.time() * 1000)
    return [
        ask(
            lender.registry,
            lender.institution,
            signer,
            [(somebody, {1: Pseudonym(1, subject, bytes(32))}) for subject in group],
            purpose=Purpose.LOAN_APPROVAL,
            consent=CONSENT,
            officer="staff-17",
            issued_at=now,
        )
        .request()
        .SerializeToString()
        for group in subjects
    ]
