"""Wrong use of the SDK: each line with a comment is an error of that code, and no other line is one."""

import json
from datetime import date, datetime
from typing import assert_type

from client_sdk import (
    Answer,
    Assessment,
    AsyncClient,
    Auditor,
    AuditReport,
    Client,
    Consent,
    DefaultFacts,
    DefaultReport,
    Identity,
    IdType,
    Kind,
    ListedRecord,
    Product,
    Purpose,
    Receipt,
    RecordName,
    RecordView,
    Standing,
    debt,
    fetch_trust_root,
    read_portfolio,
    written_consent,
)


def asking(client: Client, identity: Identity, consent: Consent) -> None:
    answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
    assert_type(answer, Answer)
    assert_type(answer.as_of, datetime | None)
    assert_type(answer.assess(), Assessment)
    client.check(identity, purpose="LOAN_APPROVAL", consent=consent, officer="clerk-7")
    client.check(identity, purpose=1, consent=consent, officer="clerk-7")  # error: arg-type
    client.check(identity, Purpose.LOAN_APPROVAL, consent, "clerk-7")  # error: call-arg
    client.check("110105180001010010", purpose=Purpose.COLLECTION, consent=consent, officer="x")  # error: arg-type
    client.check(identity, purpose=Purpose.COLLECTION, consent=None, officer="clerk-7")  # error: arg-type
    client.check(identity, purpose=Purpose.COLLECTION, consent=consent)  # error: call-arg
    answer.verdict = "CLEAR"  # error: assignment, misc
    answer.as_of_ms  # error: attr-defined
    json.dumps(answer.to_dict())


async def beside_the_loop(client: AsyncClient, identity: Identity, consent: Consent) -> None:
    assert_type(await client.check(identity, purpose="COLLECTION", consent=consent, officer="x"), Answer)
    client.check(identity, purpose="COLLECTION", consent=consent, officer="x").verdict  # error: attr-defined


def results(record: ListedRecord, view: RecordView, receipt: Receipt) -> None:
    assert_type(record.retain_until, date | None)
    assert_type(view.retain_until, date | None)
    assert_type(record.logged_at, datetime)
    assert_type(receipt.logged_at, datetime)
    assert_type(record.kind.number, int)
    record.retain_until.isoformat()  # error: union-attr
    record.logged_at + 1  # error: operator
    record.facts.approver  # error: union-attr


def words() -> None:
    assert_type(Product("CREDIT_CARD"), Product)
    Product.CREDITCARD  # error: attr-defined
    standing: Standing = Kind.DEFAULT  # error: assignment
    text: str = Standing.OPEN
    number: int = Standing.OPEN  # error: assignment
    print(standing, text, number)


def reporting(client: Client, identity: Identity, facts: DefaultFacts) -> None:
    report = DefaultReport(identity=identity, reference="LOAN-4711", standing=Standing.OPEN, facts=facts)
    assert_type(client.report(report), Receipt)
    client.report(facts)  # error: arg-type
    DefaultReport(identity=identity, reference="LOAN-4711", standing=1, facts=facts)  # error: arg-type
    DefaultReport(identity, "LOAN-4711", Standing.OPEN)  # error: call-arg
    RecordName(kind=Kind.DEFAULT, reference="LOAN-4711", first_day="2026-02-01")  # error: arg-type
    client.report_many(read_portfolio("portfolio.csv"))
    client.report_many(report)  # error: arg-type
    debt(original_creditor="91350100M000100Y43", contract=4711)  # error: arg-type
    written_consent(document="text", given_on=date(2026, 3, 1))  # error: arg-type
    Identity.parse("CN_RESIDENT_ID", "110105180001010010")
    Identity.parse(IdType.CN_RESIDENT_ID, 110105180001010010)  # error: arg-type


def auditing() -> None:
    assert_type(Auditor.from_home("auditor").audit(jobs=2), AuditReport)
    Auditor("auditor")  # error: arg-type
    fetch_trust_root("auditor")  # error: arg-type
