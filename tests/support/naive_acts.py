"""What acts about members change, for the naive reading of a log, from proto/README.md 5 and 6 alone.

Each function checks a decision, and returns what it does, to be done once the signatures are checked.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from creditregistry.v1 import closing_pb2, statement_pb2
from creditregistry.v1 import common_pb2 as words

from tests.support.naive_parts import day, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from creditregistry.v1 import breach_pb2, directory_pb2

    from tests.support.naive import NaiveLog
    from tests.support.naive_parts import Member


GB_32100 = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def licensed(number: str, jurisdiction: str) -> bool:
    if jurisdiction == "cn":
        if re.fullmatch("[A-Z][0-9]{4}[A-Z][0-9]{9}", number):
            return True
        if len(number) != 18 or set(number) - set(GB_32100) or not number[2:8].isdigit():
            return False
        total = sum(3**i * GB_32100.index(char) for i, char in enumerate(number[:17])) + GB_32100.index(number[17])
        return total % 31 == 0 and set(number[2:8]) != {"0"} and set(number[8:17]) != {"0"}
    if re.fullmatch("[A-Z0-9]{18}[0-9]{2}", number):
        return int("".join(str(int(char, 36)) for char in number)) % 97 == 1
    return re.fullmatch("[0-9]{6,7}|([0-9]{2}|[A-Z]{2})[0-9]{6}", number) is not None


def onboarded(enrolment: directory_pb2.Enrolment, rulebook: directory_pb2.Rulebook, logged_at: int) -> None:
    lends = words.ROLE_LENDER in enrolment.roles
    require(readable(enrolment.licence_number) and readable(enrolment.name), "readable")
    if rulebook.review_days:
        require(licensed(enrolment.licence_number, rulebook.jurisdiction), "licence")
        require(enrolment.HasField("review") or not lends, "review")
    if enrolment.HasField("review"):
        require(lends, "review")
        reviewed(enrolment.review, rulebook, logged_at)


def reviewed(review: directory_pb2.Review, rulebook: directory_pb2.Rulebook, logged_at: int) -> None:
    require(re.fullmatch("[A-Za-z0-9._-]{1,64}", review.reference), "reference")
    require(not re.search("[0-9]{15}", review.reference), "reference")
    require(len(review.document_digest) == 32, "document")
    on, today = date.fromisoformat(review.reviewed_on), date.fromisoformat(day(logged_at))
    require(on <= today, "future")
    require(not rulebook.review_days or on >= today - timedelta(days=rulebook.review_days), "old")


def decide_review(
    members: dict[str, Member], act: directory_pb2.LenderReview, rulebook: directory_pb2.Rulebook, logged_at: int
) -> Callable[[], None]:
    member = known(members, act.institution)
    require("LENDER" in member.roles and member.status != "TERMINATED", "lender")
    require(act.review.reviewed_on > member.reviewed_on, "later")
    reviewed(act.review, rulebook, logged_at)

    def review() -> None:
        member.reviewed_on = act.review.reviewed_on

    return review


def decide_breach(members: dict[str, Member], act: breach_pb2.BreachAct, logged_at: int) -> Callable[[], None]:
    require(0 < act.noticed_at <= logged_at, "noticed")
    for listed in (list(act.natures), list(act.data)):
        require(listed and listed == sorted(set(listed)) and listed[0] > 0, "listed")
    for text in (act.cause, act.harm, act.remedies, act.advice, act.contact):
        require(0 < len(text) <= 1000, "text")
        require(readable(text), "readable")
        require(longest_number(text) < 15, "number")
    require(list(act.members) == sorted(set(act.members)) and len(act.members) <= 200, "members")
    for member in act.members:
        require({1, 4} & set(known(members, member).message.roles), "inbox")
    return lambda: None


def readable(text: str) -> bool:
    """Whether a text can be read; that it is in NFC, without controls, is asked of every text."""
    seen = any(category(char)[0] in "LNPS" for char in text)
    marks = "".join("M" if category(char)[0] == "M" else "-" for char in text)
    kept = not any(category(char) in ("Co", "Zl", "Zp") or char == "\ufffd" for char in text)
    return seen and kept and "M" * 9 not in marks and not hides(text)


def hides(text: str) -> bool:
    """Whether a character of a text shows nothing, other than where writing needs it."""
    for place, char in enumerate(text):
        before, after = text[place - 1 : place] if place else "", text[place + 1 : place + 2]
        code, scripts = ord(char), _script(before) & _script(after)
        if char in "\u200c\u200d" and scripts & {"arabic", "indic", "mongolian"}:
            continue
        if (char == "\u180e" and "mongolian" in scripts) or (
            0x180B <= code <= 0x180F and code != 0x180E and "mongolian" in _script(before)
        ):
            continue
        supplement = 0xE0100 <= code <= 0xE01EF
        if (0xFE00 <= code <= 0xFE02 or supplement) and "han" in _script(before):
            continue
        selects = 0x180B <= code <= 0x180F or 0xFE00 <= code <= 0xFE0F or supplement
        if category(char) == "Cf" or selects or char in HIDDEN:
            return True
    return False


HIDDEN = "\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159\u034f\u17b4\u17b5\U00016fe4"
NUMERALS = "〇零一壹壱弌幺二贰貳弐弍两兩三叁參参叄弎四肆五伍六陆陸七柒八捌九玖"
SCRIPTS = {
    "arabic": "0600-077F 07C0-07FF 0840-08FF FB50-FDFF FE70-FEFC",
    "indic": "0900-0DFF 1000-109F 1780-17FF 1CD0-1CFF A8E0-A8FF",
    "mongolian": "1820-18AA",
    "han": "3400-4DBF 4E00-9FFF FA0E-FA29 20000-2A6DF 2A700-2B738 2B740-2B81D 2B820-2CEA1 2CEB0-2EBE0 30000-3134A",
}


@cache
def _script(char: str) -> frozenset[str]:
    """Return the script of a character; of none or another, nothing."""
    runs = {name: [run.split("-") for run in listed.split()] for name, listed in SCRIPTS.items()}
    return frozenset(
        name
        for name, listed in runs.items()
        if char and any(int(first, 16) <= ord(char) <= int(last, 16) for first, last in listed)
    )


def longest_number(text: str) -> int:
    """Return the digits of the longest number, its groups joined where at most three signs stand between them."""
    longest = digits = gap = 0
    for char in normalize("NFKC", text):
        hangzhou, rod = 0x3021 <= ord(char) <= 0x3029, 0x1D360 <= ord(char) <= 0x1D368
        if char.isdigit() or char in NUMERALS or hangzhou or rod:
            digits, gap = digits + 1 if gap <= 3 else 1, 0
            longest = max(longest, digits)
        elif category(char)[0] in "LN" or char in ",;\u3001":
            digits = 0
        else:
            gap += 1
    return longest


def years_later(day: str, years: int) -> str:
    year, rest = int(day[:4]) + years, day[4:]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return f"{year:04}" + ("-02-28" if rest == "-02-29" and not leap else rest)


def known(members: dict[str, Member], id_: str) -> Member:
    require(id_ in members, "member")
    return members[id_]


def opens_debt(payload: bytes) -> bool:
    """Whether a statement begins a record that continues no other."""
    said = statement_pb2.Statement.FromString(payload)
    return said.version == 1 and not said.HasField("continues")


class NewestClosing:
    """The newest act that closed the log, and its index: an empty one at 0 before the first."""

    def __init__(self) -> None:
        self.act, self.place = closing_pb2.ClosingAct(), 0


def decide_closing(log: NaiveLog, act: closing_pb2.ClosingAct, index: int, today: str) -> Callable[[], None]:
    newest, registry = log.closing, log.registry
    require(act.way in (1, 2, 3) and len(act.approval_digest) == 32 and act.approval, "form")
    require(act.HasField("successor") == (act.way in (1, 2)), "successor")
    require(act.successor.registry != registry, "successor")
    require(act.open_until >= max(today, newest.act.open_until), "day")
    require(act.way >= newest.act.way, "order")

    def close() -> None:
        newest.act.CopyFrom(act)
        newest.place = index
        for member in log.members.values():
            member.closes(today, act.open_until, log.genesis.rulebook.reciprocity_days)

    return close


def decide_tls_key(
    members: dict[str, Member], act: directory_pb2.TlsKeyAct, index: int, hash_: bytes
) -> Callable[[], None]:
    ended = known(members, act.institution).message.ended_tls_keys
    require(all(key.spki_hash != act.spki_hash for key in ended), "ended")

    def end() -> None:
        ended.add(spki_hash=act.spki_hash, index=index, act_hash=hash_)
        ended.sort(key=lambda key: key.spki_hash)

    return end


def decide_key_end(member: Member, said: directory_pb2.KeyEnd, index: int) -> Callable[[], None]:
    ended = [held for held in member.keys if held.id == said.key_id and not held.end]
    require(ended, "running")
    require(not said.contested_from or ended[0].first < said.contested_from <= index, "contested")

    def end() -> None:
        ended[0].end, ended[0].contested = index, said.contested_from

    return end


def decide_state(members: dict[str, Member], state: directory_pb2.StateAct) -> Callable[[], None]:
    message = known(members, state.institution).message
    require(message.status != words.INSTITUTION_STATUS_TERMINATED, "terminated")
    require(state.status != message.status, "change")

    def change() -> None:
        message.status = state.status

    return change


def decide_succession(
    members: dict[str, Member], act: directory_pb2.SuccessionAct, index: int, hash_: bytes
) -> Callable[[], None]:
    member, heir = known(members, act.institution), known(members, act.successor)
    require("LENDER" in member.roles and not member.message.HasField("ending"), "lender")
    require(heir.status == "ACTIVE" and "LENDER" in heir.roles, "heir")
    require(act.successor not in (act.institution, member.successor), "heir")

    def succeed() -> None:
        member.message.status = words.INSTITUTION_STATUS_TERMINATED
        member.message.successions.add(successor=act.successor, first=index, act_hash=hash_)

    return succeed


def decide_ending(
    members: dict[str, Member], act: directory_pb2.EndingAct, until: str, index: int, hash_: bytes
) -> Callable[[], None]:
    member = known(members, act.institution)
    require("LENDER" in member.roles and not member.message.HasField("ending"), "lender")
    require(member.status == "TERMINATED", "terminated")

    def end() -> None:
        member.message.ending.retain_until = until
        member.message.ending.index = index
        member.message.ending.act_hash = hash_

    return end
