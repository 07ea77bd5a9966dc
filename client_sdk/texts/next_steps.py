"""Texts that say what to do next, by reason of an error: for people at the command and at the desk alike."""

from __future__ import annotations

from client_sdk.texts.spoken import N_

__all__ = ["NEXT", "NEXT_BY_RULE", "TITLE_BY_RULE", "next_of", "title_of"]

# What happened, by rule, where the reason has other cases too and its text would say something else.
TITLE_BY_RULE: dict[str, str] = {
    "request.one-day": N_("this signed request was used with another day before"),
    "request.one-person": N_("this signed request was used for another person before"),
}

# By rule, where it says more than the reason does; read as those below.
NEXT_BY_RULE: dict[str, str] = {
    "C10": N_("give the day on which the person signed, which is not after today, and the written document."),
    "alerts.until": N_("give a last day that is still to come, and no later than what is wanted says."),
    "annotation.answer": N_(
        "its lender answers a dispute, or the successor of that lender; who opened it takes it back with "
        "`credit-registry subject dispute withdraw`."
    ),
    "annotation.corrected": N_(
        "report the corrected version first (`credit-registry records correct`), then answer CORRECTED; where nothing "
        "was wrong, answer CONFIRMED."
    ),
    "annotation.outcome": N_("no dispute of this record stands: see `credit-registry dispute show ISSUER/RECORD`."),
    "annotation.repeated": N_("this dispute stands: wait for its answer, or give further documents under its code."),
    "annotation.stated": N_("no statement of the person stands with this record: compare its number."),
    "annotation.statement-kept": N_(
        "a statement is the person's own: who gave it, or an office that speaks for the person, changes it."
    ),
    "listing.removed-before": N_(
        "compare the day with the court's paper; an entry that was removed before it was copied is withdrawn with "
        "--reason ERROR."
    ),
    "record.person": N_("this record is about another person: compare its number and the identity number."),
    "request.days": N_("ask the person to sign anew: this request is older than the rulebook lets it count."),
    "request.one-day": N_("give the day on which the person signed it, the same each time."),
    "request.one-person": N_(
        "this signed request was used for another person already: give the one that this person signed."
    ),
    "withdrawal.court-removed": N_(
        "that reason is for entries of the courts' list: choose another, or --set-aside where a court set the record "
        "aside."
    ),
}

# By reason of the error catalogue; each is read after "What to do:", so it begins in lower case.
NEXT: dict[str, str] = {
    "ACT_ORDER": N_("another act was logged in between: propose this one again."),
    "ALERTS_ON": N_(
        "nothing was changed; to choose other recipients or another last day, end them by that id with "
        "`credit-registry subject alerts off`, then ask anew."
    ),
    "CERTIFICATE_UNKNOWN": N_("the certificate names nobody the registry knows: ask an administrator for a new one."),
    "CLOCK_JUMPED": N_("the registry's clock was set: its operator must put it right or confirm it; try again later."),
    "CLOCK_UNCONFIRMED": N_(
        "the registry has just started and waits for two members whose clocks agree; try again soon."
    ),
    "COSIGNER_UNKNOWN": N_("the administrators name what `key replay` shows: `act propose rulebook --replay-quorum`."),
    "DEBT_BLOCKED": N_(
        "identity theft stays withdrawn, but for a judgment of it, and so does an entry that is removed."
    ),
    "DEBT_TAKEN": N_("another live record names this debt; ask its issuer, or end your own older record first."),
    "DISK_FULL": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "INQUIRY_STALE": N_("check the clock of this machine (NTP), then ask again."),
    "INQUIRY_WAITING": N_("its place comes with the next HEAD, in a minute at most; try again then."),
    "INSTITUTION_SUSPENDED": N_("a suspended member may correct and end its records only; ask the administrators."),
    "INSTITUTION_UNKNOWN": N_("just enrolled? Wait some seconds. Else hand the enrolment file to the administrators."),
    "KEY_NOT_POSSESSED": (
        N_(
            "the file was made for another registry, or changed since: its member compares --registry-name "
            "and runs the command that made it again."
        )
    ),
    "KEY_OF_ANOTHER": N_(
        "the signing key in this home is another member's: put this member's own back, see `key list`."
    ),
    "KEY_RANGE": N_("this key does not count there: see `credit-registry key list`, then `key use` a running one."),
    "KEY_UNKNOWN": N_("the directory does not know this key: was its act logged? See `credit-registry key list`."),
    "KEY_USAGE": N_("a key has one usage: hold [keys] in this home's config.toml against `credit-registry key list`."),
    "LOG_AHEAD": N_(
        "the administrators correct the log's time with `credit-registry act propose clock`; try again later."
    ),
    "NOT_PERMITTED": N_("this is for another role; `credit-registry status` says which this member has."),
    "NOT_READY": N_("it starts just now; try again in some seconds."),
    "NOT_THE_SUCCESSOR": N_("an act must name you as its successor; `credit-registry act list` shows all acts."),
    "PEER_MISMATCH": (
        N_(
            "the certificate in this home and who signs are two members: `credit-registry status` tells "
            "whose it is; install this member's own with `credit-registry certificate install FILE`."
        )
    ),
    "PROPOSAL_UNKNOWN": N_("see `credit-registry act show`; if another act took its number, propose it again."),
    "QUOTA_EXCEEDED": N_("wait for the next day, or ask the administrators for a higher limit in the rulebook."),
    "RECORD_ENDED": N_("the record is closed; a new episode is a new record, after WITHDRAWN a further attempt."),
    "RECORD_ERASED": N_("the record was erased for good and takes no version."),
    "RECORD_KEPT": N_("only what was withdrawn, set aside or erased has a proof; see `credit-registry records`."),
    "RECORD_UNKNOWN": N_(
        "compare issuer and id of the record, and the identity number where one was given; `credit-registry records` "
        "lists a lender's own records, `check` those of a person."
    ),
    "REGISTER_AHEAD": N_("its operator must put the newest database back; nothing was done, and nothing is lost here."),
    "REGISTER_DAMAGED": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "REGISTER_FORK": N_("its operator must serve the database that was signed last; nothing was done."),
    "REGISTER_MISSING": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "RECORDS_LOST": N_("ask again later; if you report records yourself: `credit-registry records redisclose`."),
    "REGISTER_UNAVAILABLE": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "REGISTRY_CLOSED": N_(
        "the registry takes no new records; `credit-registry status` shows until when it serves, and which registry "
        "takes over."
    ),
    "MAP_DAMAGED": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "STORAGE_UNAVAILABLE": N_("tell the registry's operator, and try again later: nothing is lost or doubled."),
    "TIME_INVALID": N_("check the clock of this machine (NTP), then try again."),
    "TLS_CLAIM_MISMATCH": N_("file and TLS key do not belong together: the member writes a new `certificate request`."),
    "TLS_KEY_NOT_VOUCHED": (
        N_("the signing key that vouched for it has ended, or none ever did: `credit-registry certificate renew`.")
    ),
    "TLS_KEY_REVOKED": (
        N_(
            "it never counts again: `credit-registry certificate request --new-key --out FILE`, and let an "
            "administrator carry that file."
        )
    ),
    "TOO_MANY_PROPOSALS": N_(
        "have one of the open ones approved, which ends the others: see `credit-registry act show`."
    ),
    "VERSION_TAKEN": N_(
        "the record has changed meanwhile, and the registry holds another version with this number: open it again, "
        "or see `credit-registry records`."
    ),
    "VOUCH_STALE": N_("sign a new vouch: `certificate renew`, or `certificate request` for an administrator to carry."),
    "CONSENT_MISSING": N_("give the person's written consent: its date and the signed document, or its SHA-256."),
    "DATE_INVALID": N_(
        "correct the date that is named; dates are YYYY-MM-DD, and of what has happened not in the future."
    ),
    "NOTICE_LATE": N_("tell the person first: the notice must have been sent before the record is reported."),
}


def title_of(rule: str, otherwise: str) -> str:
    """Return what happened by a broken rule, or a text for all others; a text to be said, as a rule's begins small."""
    return TITLE_BY_RULE.get(rule, otherwise)


def next_of(reason: str, rule: str, otherwise: str) -> str:
    """Return what to do next for a rule or, where it has no text of its own, its reason; a text to be said."""
    return NEXT_BY_RULE.get(rule) or NEXT.get(reason, otherwise)
