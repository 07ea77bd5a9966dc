"""Witnesses of a running registry's log: real programs beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from client_sdk.testing.programs import Programs

__all__ = ["FoundWitnesses", "found_witnesses"]


class FoundWitnesses(NamedTuple):
    """Witnesses that were founded, and run as soon as their servers are started.

    Attributes:
        servers: by the names of the witnesses, which are those of their folders too.
        policy: by which a registry feeds them all, and all must cosign.
    """

    servers: dict[str, Server]
    policy: str


def found_witnesses(programs: Programs, trust_root: Path, names: Sequence[str]) -> FoundWitnesses:
    """Found witnesses of a log.

    Args:
        programs: runs them, in its folder.
        trust_root: of the registry.
        names: of the witnesses.
    """
    servers, lines = {}, list[str]()
    for name in names:
        address = f"{HOST}:{(port := free_port())}"
        options = ("--name", f"{name}.example", "--trust-root", str(trust_root), "--listen", address)
        made = programs.run(("credit-registry", "--json", "witness", "init", name, *options))
        lines.append(f"witness {name} {json.loads(made)['key']} http://{address}")
        servers[name] = Server(name, ("credit-registry", "witness", "serve", name), port)
    return FoundWitnesses(servers, "\n".join((*lines, f"group every all {' '.join(names)}", "quorum every", "")))
