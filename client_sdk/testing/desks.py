"""Desks of members of a registry on this machine, and the links that let a browser in.

desks = Desks(programs)
desks.start("lender-1", "auditor")
desks.wait(print)
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.errors import ConfigError
from client_sdk.extras import check_desk
from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Server
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.testing.programs import Programs

__all__ = ["LINK", "READY", "DeskPlace", "Desks"]

# What a desk says, of which its log is made: where it is, and each one-time link, or that there is none.
READY = re.compile(r"desk ready on (https?)://(\S+):(\d+)")
LINK = re.compile(r"https?://(desk-[0-9a-f]{16}\.localhost):\d+(/start/\S+)")
_SERVING = "client_sdk.desk.serving"
_BY_NAME = "people sign in by name"
# Seconds.
_LINK_LIMIT = 60.0
_LOOK = 0.02
_WATCH = 0.5


class DeskPlace(NamedTuple):
    """Where a desk is.

    Attributes:
        member: institution id, which is also the name of its folder.
        address: for a browser on this machine; it shows how to sign in.
        link: lets one browser in, once; empty where people sign in by name.
    """

    member: str
    address: str
    link: str


class Desks:
    """Desks of members whose homes lie in the folder of the programs; they end with these.

    Args:
        programs: that start them.
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        # Length of each log before its desk was started: one of an earlier run is added to.
        self._logged: dict[str, int] = {}
        self._told: dict[str, str] = {}

    def start(self, *members: str) -> list[DeskPlace]:
        """Start a desk for each member, and wait until each can be used.

        Raises:
            ConfigError: the extra [desk] is not installed, or a desk does not start; its log is part of the message.
        """
        check_desk()
        self._programs.load(_SERVING)
        ports = {member: free_port() for member in members}
        self._logged |= {member: self._length(member) for member in members}
        self._programs.start(*(_server(member, port) for member, port in ports.items()))
        for member in members:
            self._await_announced(member)
            self._told[member] = self._newest_link(member)
        return [DeskPlace(member, f"http://{HOST}:{port}", self._told[member]) for member, port in ports.items()]

    def wait(self, tell: Callable[[str], None]) -> None:
        """Wait until a program ends; meanwhile tell each new link, which a desk makes for who comes after a session.

        Raises:
            ConfigError: a program has ended; its log is part of the message.
        """
        while True:
            self._programs.check()
            for member, told in self._told.items():
                link = self._newest_link(member)
                if link != told:
                    tell(say("{member}, a new link: {link}", member=member, link=link))
                    self._told[member] = link
            time.sleep(_WATCH)

    def _await_announced(self, member: str) -> None:
        deadline = time.monotonic() + _LINK_LIMIT
        while not self._newest_link(member) and _BY_NAME not in self._said(member):
            self._programs.check()
            if time.monotonic() > deadline:
                raise ConfigError(f"the desk of {member} did not say within {_LINK_LIMIT:.0f} s how to sign in")
            time.sleep(_LOOK)

    def _length(self, member: str) -> int:
        log = self._programs.log(_name(member))
        return len(log.read_text("utf-8", "replace")) if log.exists() else 0

    def _newest_link(self, member: str) -> str:
        return "".join([found[0] for found in LINK.finditer(self._said(member))][-1:])

    def _said(self, member: str) -> str:
        """Return what the desk has written since it was started."""
        return self._programs.log(_name(member)).read_text("utf-8", "replace")[self._logged[member] :]


def _name(member: str) -> str:
    return f"{member}-desk"


def _server(member: str, port: int) -> Server:
    command = ("credit-registry", "--home", member, "desk", "--listen", f"{HOST}:{port}")
    return Server(_name(member), command, port)
