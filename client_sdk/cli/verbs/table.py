"""The verbs by name, each with its module and the first line of its help, so that lists import no verb."""

from client_sdk.cli.ui.group import Later

__all__ = ["ACT_VERBS", "VERBS"]

VERBS = {
    "init": Later(
        "init", "Make this machine a member's: keys, settings, and the enrolment file for the administrators."
    ),
    "trust": Later("trust", "The trust root: fetch, install, show."),
    "certificate": Later("certificate", "TLS certificates: install, renew, request, issue, list, revoke."),
    "report": Later(
        "report",
        "Report defaults, judgments, enforcements and listings: many from FILE, or one version of one record.",
    ),
    "quality": Later(
        "quality",
        "Show which rules a portfolio breaks, the worst first, with rows; or the score of what was reported, by month.",
    ),
    "check": Later(
        "check", "Ask whether a person has live records; show verdict, assessment with reasons, and totals."
    ),
    "screen": Later(
        "screen", "Find out which customers of a portfolio are listed, under one inquiry and without naming them."
    ),
    "watch": Later("screen", "Screen a portfolio again, and show only what has changed since the last look."),
    "records": Later(
        "records",
        "List your own records, or those you took over, as the registry holds them; correct or withdraw one.",
    ),
    "dispute": Later("dispute", "Disputes about your records: list, show, answer."),
    "erasure": Later("erasure", "Proofs that a record was erased."),
    "inbox": Later(
        "inbox",
        "Show notices: records that you were shown and that were corrected or ended since, disputes, and breaches.",
    ),
    "subject": Later("subject", "For a person: own report, alerts, disputes, and the person's own statement."),
    "alerts": Later("alerts", "Deliveries by webhook and mail: list, deliver, secret."),
    "desk": Later("desk", "Serve pages for this member's people, by its roles, until Ctrl-C."),
    "verify": Later(
        "verify",
        "Verify evidence, a receipt or a trust root offline: no account, no network, nothing is taken on trust.",
    ),
    "reassess": Later(
        "reassess",
        "Recompute the assessment of an answer from its evidence file, offline, and name each input that differs.",
    ),
    "codes": Later("codes", "Code lists for days past due: list, convert between days and codes."),
    "audit": Later(
        "audit",
        "Audit the registry from where the last audit ended: signatures, keys, chains, acts, lapses, map, inquiries.",
    ),
    "act": Later("act.group", "What administrators decide: list, propose, show, approve."),
    "member": Later("member", "Members: list."),
    "key": Later("key", "Keys: list, add, use, revoke, passphrase, replay."),
    "inquiry": Later("inquiry", "Your own inquiries: list, receipt."),
    "receipt": Later(
        "receipt", "Get the verified receipt of a version of a record: by its id, or by your own name of it."
    ),
    "checkpoint": Later("checkpoint", "The newest verified checkpoint: show, save, forget."),
    "compare": Later("compare", "Hold the newest checkpoints of members against each other: one log, or two?"),
    "witness": Later("witness", "A witness of logs: init, serve, show."),
    "statistics": Later(
        "statistics",
        "Count what all lenders reported, by month: events, issuer sizes, products, causes; small counts withheld.",
    ),
    "doctor": Later(
        "doctor",
        "Walk the checklist of this home: files, keys, certificate, clock, registry, key services; change nothing.",
    ),
    "sandbox": Later(
        "sandbox",
        "Try everything on this machine: a registry with invented data, and a desk for each role.",
    ),
    "status": Later(
        "status",
        "Show registry, key services, quotas, the outbox, the inbox, the certificate, and what is given and received.",
    ),
}
ACT_VERBS = {
    "list": Later(
        "act.list",
        "List every act that is logged, from genesis on; each is verified from your trust root. For any member.",
    ),
    "propose": Later("act.propose", "Propose an act with your own signature; the others then approve it."),
    "show": Later("act.show", "Show an act in words: a file, a proposal, or all proposals that wait."),
    "preview": Later(
        "act.preview", "Show what a proposed rulebook would change for records and members, before you sign it."
    ),
    "approve": Later("act.approve", "Read an act and sign it with your ADMINISTER key."),
    "bring": Later("act.approve", "Bring the registry signatures that people without a certificate gave in a file."),
}
