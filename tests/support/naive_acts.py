"""What acts about members change, for the naive reading of a log, from proto/README.md 5 and 6 alone.

Each function checks a decision, and returns what it does, to be done once the signatures are checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2 as words

from tests.support.naive_parts import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from creditregistry.v1 import directory_pb2

    from tests.support.naive_parts import Member


def years_later(day: str, years: int) -> str:
    year, rest = int(day[:4]) + years, day[4:]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return f"{year:04}" + ("-02-28" if rest == "-02-29" and not leap else rest)


def known(members: dict[str, Member], id_: str) -> Member:
    require(id_ in members, "member")
    return members[id_]


def decide_closing(before: directory_pb2.ClosingAct, act: directory_pb2.ClosingAct, today: str, registry: str) -> None:
    require(act.way in (1, 2, 3) and len(act.approval_digest) == 32 and act.approval, "form")
    require(act.HasField("successor") == (act.way in (1, 2)), "successor")
    require(act.successor.registry != registry, "successor")
    require(act.open_until >= max(today, before.open_until), "day")
    require(act.way >= before.way, "order")


def decide_tls_key(
    members: dict[str, Member], act: directory_pb2.TlsKeyAct, index: int, hash_: bytes
) -> Callable[[], None]:
    ended = known(members, act.institution).message.ended_tls_keys
    require(all(key.spki_hash != act.spki_hash for key in ended), "ended")

    def end() -> None:
        ended.add(spki_hash=act.spki_hash, index=index, act_hash=hash_)
        ended.sort(key=lambda key: key.spki_hash)

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
