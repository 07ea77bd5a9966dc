"""Sentences and headings of a person's own report, in Chinese and in English."""

from __future__ import annotations

from client_sdk.subject_report.terms import Term

__all__ = ["TEXTS"]

TEXTS: dict[str, Term] = {
    "title": Term("本人信用登记报告", "Report about yourself"),
    "subtitle": Term("信用登记系统 {registry}", "Credit registry {registry}"),
    "made": Term("出具时间", "Made on"),
    "as_of": Term("登记信息截至", "Registry data as of"),
    "person": Term("报告对象", "About"),
    "office": Term("代为查询的机构", "Asked for by"),
    "mandate": Term("本人书面申请", "Your signed request"),
    "mandate_value": Term("{date} 签署，文件 SHA-256 {digest}", "signed on {date}, SHA-256 of the document {digest}"),
    "inquiry": Term("查询编号", "Number of this inquiry"),
    "fee": Term("费用", "Fee"),
    "fee_free": Term(
        "免费。最近 12 个月内此前有 {had} 天出具过报告；每年 {free} 天的报告免费，同一天的报告按一次计算。",
        "Free of charge. Reports on {had} earlier days of the last 12 months; those of {free} days a year are free, "
        "and all of one day count as one.",
    ),
    "fee_due": Term(
        "可以收费。最近 12 个月内此前有 {had} 天出具过报告；每年 {free} 天的报告免费，同一天的报告按一次计算。",
        "A fee may be charged. Reports on {had} earlier days of the last 12 months; those of {free} days a year are "
        "free, and all of one day count as one.",
    ),
    "listed": Term("登记系统中共有 {count} 条关于您的记录。", "The registry holds {count} about you."),
    "clear": Term(
        "登记系统中没有以此证件号码登记的记录。这一点有密码学证明。",
        "The registry holds no record under this identity number. This is proved.",
    ),
    "summary": Term("概览", "At a glance"),
    "records": Term("关于您的记录", "Records about you"),
    "record_title": Term("{place}. {kind}（{standing}）", "{place}. {kind}, {standing}"),
    "reported_by": Term("报送机构", "Reported by"),
    "signed_by": Term("由其承继机构签署", "Signed by its successor"),
    "sold_to": Term("债权受让机构", "Debt sold to"),
    "record_number": Term("记录编号", "Number of the record"),
    "first_logged": Term("首次登记", "First registered"),
    "logged": Term("最近更新", "Last changed"),
    "kept": Term("保存期限", "Kept until"),
    "kept_listing": Term(
        "{date}。法院名单中的记录最迟于该日到期，本记录随之删除；法院提前删除的，在三个工作日内删除。",
        "{date}. The entry in the court's list ends on that day at the latest, and this copy with it; where the court "
        "removes the entry earlier, the copy is withdrawn within three working days.",
    ),
    "hidden": Term("已隐藏：{overlay}", "hidden: {overlay}"),
    "hidden_text": Term(
        "根据登记系统规则中的“{overlay}”，任何查询均不显示本记录，仅您本人可见。记录内容未作改动。",
        "Under the overlay {overlay} of the registry's rules no answer to anybody shows this record; only you see it. "
        "What was reported is unchanged.",
    ),
    "stale": Term("报送机构长期未更新", "not updated by the lender for long"),
    "issuer_ended": Term("报送机构已终止", "the lender is no more"),
    "ended_text": Term(
        "报送机构已终止，无人再就本记录作出说明。", "The lender is no more, and nobody answers for this record."
    ),
    "contested": Term("签署密钥存疑", "signed by a key that is in doubt"),
    "dispute": Term("异议", "Dispute"),
    "dispute_due": Term(
        "由 {by} 提出，报送机构最迟须于 {date} 答复；逾期不答，该记录自动限制使用。",
        "Opened by {by}. The lender must answer by {date}; silence restricts the record by itself.",
    ),
    "dispute_stands": Term(
        "由 {by} 提出，仍然有效，目前不待答复。", "Opened by {by}. It stands and waits for no answer."
    ),
    "statement": Term("您的声明", "Your own statement"),
    "statement_closed": Term("有声明，但未能显示：{why}。", "There is one that cannot be shown: {why}."),
    "facts_closed": Term("内容未能显示：{why}。", "The facts cannot be shown: {why}."),
    "write_to": Term("如有错误，请联系", "If it is wrong, write to"),
    "history": Term("登记历史", "History"),
    "history_when": Term("时间", "When"),
    "history_who": Term("机构", "By"),
    "history_what": Term("内容", "What"),
    "history_version": Term("第 {version} 版：{standing}", "Version {version}: {standing}"),
    "history_until": Term("，保存至 {date}", ", kept until {date}"),
    "history_clock": Term("系统（期限届满）", "the registry (a period ended)"),
    "history_code": Term("，代码 {code}", ", code {code}"),
    "history_nothing": Term("标注取消", "marks removed"),
    "months": Term("逐月状态（最多 60 个月）", "Month by month (at most 60 months)"),
    "months_when": Term("月份", "Month"),
    "months_standing": Term("登记状态", "Standing"),
    "months_known": Term("已报送的内容", "What was reported"),
    "months_span": Term("{first} 至 {last}", "{first} to {last}"),
    "months_days": Term(
        "截至 {date} 逾期 {days} 天（还款状态代码 {code}）",
        "{days} days past due on {date} (month code {code})",
    ),
    "months_follow": Term(
        "截至 {date} 逾期 {days} 天（还款状态代码 {code}），由此后报送的逾期天数推算",
        "{days} days past due on {date} (month code {code}), as follows from what was reported later",
    ),
    "months_version": Term("报送第 {version} 版，其内容未予保存", "version {version}, of which no content is kept"),
    "months_nothing": Term("未报送", "not reported"),
    "asked": Term("谁查询过您的信息", "Who asked about you"),
    "asked_intro": Term(
        "以下是登记系统保存的对您的全部已答复查询，最近的在前。每一项都有查询机构的签名。"
        "是否有遗漏，以登记系统的陈述为准。",
        "Every answered inquiry about you that the registry keeps, the newest first. Each carries the signature of who "
        "asked. That none is left out is the registry's word.",
    ),
    "asked_when": Term("时间", "When"),
    "asked_who": Term("查询机构", "Who"),
    "asked_why": Term("目的", "Purpose"),
    "asked_where": Term("查询日志序号", "Place in the log"),
    "asked_alerts": Term("（申请提醒至 {date}）", ", with alerts until {date}"),
    "asked_waiting": Term("登记中", "being logged"),
    "estimated": Term("（估算）", " (estimated)"),
    "split": Term(
        "，其中本金 {principal}，利息 {interest}，罚息 {penalty}，费用 {fees}",
        ": principal {principal}, interest {interest}, penalty interest {penalty}, fees {fees}",
    ),
    "contract": Term("{contract}，原债权人代码 {creditor}", "{contract}; code of the first lender: {creditor}"),
    "notice": Term("{channel}，{at}", "{channel}, {at}"),
    "contact": Term("{channel}{count}次", "{count} by {channel}"),
    "arrangement": Term(
        "{outcome}；{agreed}约定，{period}，共{instalments}期，已还{paid}期",
        "{outcome}: {paid} of {instalments} instalments ({period}) paid, agreed on {agreed}",
    ),
    "consent": Term("{form}，{date}", "{form}, {date}"),
    "yes": Term("是", "yes"),
    "number": Term("{type}，{number}", "{type}, {number}"),
    "proof": Term("如何核实本报告", "How this report is proved"),
    "proof_text": Term(
        "随附文件 {evidence} 是密码学证据。任何人都可以离线核实：credit-registry verify --trust-root trust-root.bin "
        "{evidence}。它证明截至上述时间，对此人的查询显示且仅显示上述未隐藏的记录；"
        "没有其他隐藏记录，以登记系统的陈述为准。信息仅供参考，登记系统不评分。",
        "The file {evidence} beside this report is the evidence. Anybody verifies it offline: credit-registry verify "
        "--trust-root trust-root.bin {evidence}. It proves that at the time above answers about this person showed the "
        "records that are not hidden, and no others. That no further one is hidden is the registry's word. The "
        "information is for reference; the registry scores nobody.",
    ),
    "rights": Term("您的权利", "Your rights"),
    "hidden_one": Term("其中 1 条已隐藏，任何查询均不显示。", "One of them is hidden: no answer shows it."),
    "hidden_many": Term(
        "其中 {count} 条已隐藏，任何查询均不显示。", "{count} of them are hidden: no answer shows them."
    ),
    "record_one": Term("1", "1 record"),
    "record_many": Term("{count}", "{count} records"),
    "page": Term("第 {page} 页", "Page {page}"),
}
