"""Words of the contract and names of facts, in Chinese and in English."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.models import (
    AnnotationFlag,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    DisputeOutcome,
    IdType,
    JudgmentResult,
    JudgmentStage,
    Kind,
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    Purpose,
    Standing,
    SubjectRole,
    Unopened,
)
from client_sdk.texts import Language

if TYPE_CHECKING:
    from enum import Enum

__all__ = ["FACTS", "Term", "term_of"]


class Term(NamedTuple):
    """One text in each language."""

    chinese: str
    english: str

    def of(self, language: Language) -> str:
        """Return the text in a language."""
        return self.chinese if language is Language.CHINESE else self.english


_TERMS: tuple[tuple[Enum, Term], ...] = (
    (Kind.DEFAULT, Term("违约", "Default")),
    (Kind.JUDGMENT, Term("诉讼与判决", "Judgment")),
    (Kind.ENFORCEMENT, Term("强制执行", "Enforcement")),
    (Kind.LISTING, Term("失信被执行人名单记录", "Entry in the courts' list of dishonest judgment debtors")),
    (Standing.OPEN, Term("未结清", "open")),
    (Standing.ARRANGED, Term("已达成还款安排", "under a payment arrangement")),
    (Standing.STAYED, Term("终结本次执行程序", "stayed")),
    (Standing.CURED, Term("已还清", "paid up")),
    (Standing.SATISFIED, Term("已履行", "satisfied")),
    (Standing.TRANSFERRED, Term("债权已转让", "debt sold")),
    (Standing.SET_ASIDE, Term("已撤销", "set aside by a court")),
    (Standing.WITHDRAWN, Term("已撤回", "withdrawn as a mistake")),
    (Purpose.LOAN_APPROVAL, Term("贷款审批", "to decide on a loan")),
    (Purpose.GUARANTEE_REVIEW, Term("担保资格审查", "to review a guarantor")),
    (Purpose.POST_LOAN_REVIEW, Term("贷后管理", "to review a running loan")),
    (Purpose.COLLECTION, Term("催收", "to collect a debt")),
    (Purpose.REPORTING, Term("报送", "to report")),
    (Purpose.SUBJECT_ACCESS, Term("本人查询", "for the person's own report")),
    (AnnotationFlag.DISPUTED, Term("本人有异议", "disputed by the person")),
    (AnnotationFlag.RESTRICTED, Term("限制使用", "restricted: must not be counted")),
    (AnnotationFlag.HIDDEN, Term("不予展示", "hidden under an overlay of the rulebook")),
    (AnnotationFlag.STATEMENT, Term("附本人声明", "with the person's own statement")),
    (DisputeOutcome.CORRECTED, Term("已更正", "corrected")),
    (DisputeOutcome.CONFIRMED, Term("核查无误", "found to be right")),
    (DisputeOutcome.UNCONFIRMED, Term("无法核实，异议保留", "could not be confirmed; the dispute stays")),
    (DisputeOutcome.WITHDRAWN, Term("异议已撤回", "dispute taken back")),
    (SubjectRole.BORROWER, Term("借款人", "borrower")),
    (SubjectRole.CO_BORROWER, Term("共同借款人", "co-borrower")),
    (SubjectRole.GUARANTOR, Term("保证人", "guarantor")),
    (Product.CONSUMER_LOAN, Term("个人消费贷款", "consumer loan")),
    (Product.CREDIT_CARD, Term("信用卡", "credit card")),
    (Product.MORTGAGE, Term("个人住房贷款", "mortgage")),
    (Product.CAR_LOAN, Term("汽车贷款", "car loan")),
    (Product.BUSINESS_LOAN, Term("经营贷款", "business loan")),
    (Product.OTHER_CREDIT, Term("其他信贷", "other credit")),
    (CollectionStage.REMINDED, Term("已提醒", "reminded")),
    (CollectionStage.COLLECTING, Term("催收中", "in collection")),
    (CollectionStage.ARRANGED, Term("已约定还款安排", "payment arranged")),
    (CollectionStage.IN_SUIT, Term("诉讼中", "in court")),
    (CollectionStage.WRITTEN_OFF, Term("已核销", "written off")),
    (CollectionStage.ENDED, Term("已结束", "ended")),
    (DefaultCause.UNABLE_TO_PAY, Term("无力偿还", "unable to pay")),
    (DefaultCause.UNWILLING_TO_PAY, Term("有能力而不偿还", "able to pay and does not")),
    (DefaultCause.NOT_REMINDED, Term("未收到提醒", "not reminded")),
    (DefaultCause.GOODS_DISPUTED, Term("对商品或服务有争议", "goods or service disputed")),
    (DefaultCause.FRAUD, Term("欺诈", "fraud")),
    (DefaultCause.DEATH_OR_ILLNESS, Term("死亡或疾病", "death or illness")),
    (DefaultCause.OTHER, Term("其他原因", "another cause")),
    (ArrangementPeriod.ONCE, Term("展期，一次偿还", "one later payment")),
    (ArrangementPeriod.WEEK, Term("按周", "weekly")),
    (ArrangementPeriod.MONTH, Term("按月", "monthly")),
    (ArrangementPeriod.QUARTER, Term("按季", "every three months")),
    (ArrangementOutcome.RUNNING, Term("履行中", "running")),
    (ArrangementOutcome.KEPT, Term("已履行完毕", "kept")),
    (ArrangementOutcome.BROKEN, Term("未履行", "broken")),
    (LegalBasis.CONSENT, Term("本人书面同意", "the person's written consent")),
    (LegalBasis.LEGALLY_PUBLIC, Term("依法公开的信息", "information that is public by law")),
    (NoticeChannel.LETTER, Term("信函", "letter")),
    (NoticeChannel.SMS, Term("短信", "SMS")),
    (NoticeChannel.EMAIL, Term("电子邮件", "e-mail")),
    (NoticeChannel.APP, Term("应用内通知", "message in an app")),
    (NoticeChannel.CALL, Term("电话", "telephone call")),
    (NoticeChannel.SERVED, Term("送达", "served")),
    (ConsentForm.WRITTEN, Term("书面", "in writing")),
    (ConsentForm.VERBAL, Term("口头", "by word of mouth")),
    (JudgmentStage.FILED, Term("已立案", "filed")),
    (JudgmentStage.JUDGED, Term("已判决", "judged")),
    (JudgmentStage.APPEALED, Term("已上诉", "appealed")),
    (JudgmentStage.EFFECTIVE, Term("已生效", "final")),
    (JudgmentResult.GRANTED, Term("支持诉讼请求", "claim granted")),
    (JudgmentResult.PARTLY_GRANTED, Term("部分支持", "claim granted in part")),
    (JudgmentResult.SETTLED, Term("调解", "settled in court")),
    (JudgmentResult.PAYMENT_ORDER, Term("支付令", "payment order")),
    (ListingGround.REFUSES, Term("有履行能力而拒不履行", "able to perform and refuses")),
    (
        ListingGround.OBSTRUCTS,
        Term("以伪造证据、暴力、威胁等方法妨碍、抗拒执行", "obstructs by forgery, violence or threats"),
    ),
    (
        ListingGround.EVADES,
        Term("以虚假诉讼、虚假仲裁或者隐匿、转移财产等方法规避执行", "evades by sham suits or hidden assets"),
    ),
    (ListingGround.ASSETS_UNREPORTED, Term("违反财产报告制度", "violates the rules on reporting assets")),
    (ListingGround.CONSUMPTION, Term("违反限制消费令", "violates an order that limits consumption")),
    (ListingGround.SETTLEMENT_BROKEN, Term("无正当理由拒不履行执行和解协议", "breaks a settlement without just cause")),
    (ListingOrigin.APPLICANT, Term("申请执行人申请", "the applicant asked for it")),
    (ListingOrigin.COURT, Term("法院依职权决定", "the court's own decision")),
    (ListingPerformance.NONE, Term("全部未履行", "nothing performed")),
    (ListingPerformance.PARTIAL, Term("部分未履行", "performed in part")),
    (Measure.SEALED_UP, Term("查封", "property sealed up")),
    (Measure.DISTRAINED, Term("扣押", "property distrained")),
    (Measure.FROZEN, Term("冻结", "accounts frozen")),
    (Measure.CONSUMPTION_LIMITED, Term("限制高消费", "consumption limited")),
    (Measure.LISTED_DISHONEST, Term("列入失信被执行人名单", "listed as dishonest")),
    (Unopened.SEALED, Term("无法打开", "they cannot be opened")),
    (Unopened.DISCLOSURE_MISMATCH, Term("登记系统保存的内容与签名不符", "other bytes are kept than were signed")),
    (Unopened.DISCLOSURE_UNOPENABLE, Term("报送机构的内容无法打开", "what the lender sealed does not open")),
    (Unopened.FACTS_UNREADABLE, Term("报送机构的内容无法读取", "what the lender sealed cannot be read")),
    (Unopened.SCOPE, Term("超出查询目的的范围", "the purpose of the inquiry is not shown them")),
    (
        Unopened.SCOPE_PAID,
        Term("结清已久，不在查询目的范围内", "it was paid too long ago for the purpose of the inquiry"),
    ),
    (Unopened.RECIPROCITY, Term("按互惠规则未提供", "they are held back by the rule of reciprocity")),
    (Unopened.DEBT_REF_WRONG, Term("债务编号与合同不符", "the reference of the debt is not that of its contract")),
    (IdType.CN_RESIDENT_ID, Term("居民身份证", "resident identity card")),
    (IdType.CN_FOREIGNER_PERMIT, Term("外国人永久居留证", "foreigner's permanent residence card")),
    (IdType.CN_PERMIT, Term("通行证", "travel permit")),
    (IdType.PASSPORT, Term("护照", "passport")),
    (IdType.CN_USCC, Term("统一社会信用代码", "unified social credit code")),
    (IdType.LEI, Term("法人机构识别编码 LEI", "legal entity identifier")),
)
# By enumeration and name: words of two enumerations are equal where their texts are.
_NAMED = {(type(word), word.name): term for word, term in _TERMS}

# Fields of the facts, by their names.
FACTS: dict[str, Term] = {
    "subject_role": Term("债务身份", "Your part in the debt"),
    "product": Term("业务种类", "Product"),
    "amounts": Term("金额", "Amount"),
    "as_of": Term("信息截至", "As of"),
    "first_delinquency_on": Term("首次逾期日", "First day overdue"),
    "days_past_due": Term("逾期天数", "Days overdue"),
    "days_estimated": Term("逾期天数为推算", "Days were derived"),
    "collection_stage": Term("催收阶段", "Stage of collection"),
    "called_on": Term("要求代偿日", "Guarantor called on"),
    "default_cause": Term("逾期原因", "Cause"),
    "contacts": Term("联系次数", "Contacts"),
    "arrangement": Term("还款安排", "Arrangement"),
    "ended_on": Term("不良行为终止日", "Conduct ended on"),
    "debt": Term("合同", "Contract"),
    "legal_basis": Term("采集依据", "Reported on the ground of"),
    "notice": Term("报送前告知", "Notice before the report"),
    "consent": Term("采集同意", "Consent to the report"),
    "approver": Term("审核人", "Approved by"),
    "stage": Term("诉讼阶段", "Stage of the suit"),
    "case_number": Term("案号", "Case number"),
    "judgment_case_number": Term("执行依据案号", "Judgment that is enforced"),
    "court": Term("法院", "Court"),
    "cause": Term("案由", "Cause of action"),
    "filed_on": Term("立案日", "Filed on"),
    "judged_on": Term("判决日", "Judged on"),
    "effective_on": Term("生效日", "Final since"),
    "result": Term("裁判结果", "Result"),
    "batch_reference": Term("批次号", "Batch of suits"),
    "measures": Term("执行措施", "Measures"),
    "applied": Term("申请执行金额", "Amount applied for"),
    "executed": Term("已执行金额", "Amount recovered"),
    "stayed_on": Term("终本日", "Stayed on"),
    "issued_by": Term("做出执行依据单位", "Who made what is enforced"),
    "grounds": Term("失信行为", "Grounds"),
    "listed_on": Term("列入日", "Listed on"),
    "listed_until": Term("失信期限至", "Listed until"),
    "earliest_removal_on": Term("最早可提前删除日", "May be removed from"),
    "origin": Term("列入方式", "Listed because"),
    "performance": Term("履行情况", "Performance"),
}


def term_of(word: Enum) -> Term:
    """Return the name of a word of the contract in each language."""
    return _NAMED[type(word), word.name]
