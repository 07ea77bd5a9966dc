"""An auditor that is killed at each of its steps in turn, and what it had published by then.

python -m tests.support.killed_auditor PORT FOLDER TRUST_ROOT NOW_MS STRIDE

A step is a file that is opened, cut, renamed or removed in the folder, which the runs have in common: a run goes on
from whatever the one before it has left. The last line is how often the auditor was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from client_sdk.auditing.audit import audit
from client_sdk.auditing.cosigning import cosign_audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.verification import read_trust_root
from tests.support.handmade_log import signer

if TYPE_CHECKING:
    from client_sdk import TrustRoot

NAME = "registry.example/auditor/replay"
OWN = signer("auditor replay")
_FILES = {"open", "os.remove", "os.rename", "os.truncate"}


def main(port: str, folder: str, trust_root: str, now_ms: str, stride: str) -> None:
    """Kill the auditor at its first step, at its second one and so on, until a run ends by itself."""
    root = read_trust_root(trust_root)
    for step in count(1, int(stride)):
        child = os.fork()
        if not child:
            _run(step, int(port), folder, root, int(now_ms))
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            continue
        if status:
            raise SystemExit(f"the auditor ended with {os.waitstatus_to_exitcode(status)} at step {step}")
        sys.stdout.write(f"{step // int(stride)}\n")
        return


def _run(step: int, port: int, folder: str, root: TrustRoot, now_ms: int) -> None:
    left = [step]

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name in _FILES and any(isinstance(item, str | Path) and folder in str(item) for item in arguments):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    code = 1
    try:
        home = AuditHome(Path(folder))
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            source = RegistrySource(channel)
            # What the run before it has left is handed in first, as after a crash, then what this one finds.
            for once in (False, True):
                if once:
                    audit(source, home, root, now_ms=now_ms)
                made = cosign_audit(home, root, NAME, OWN)
                if made is not None:
                    source.publish(made.note)
        code = 0
    except BaseException:  # noqa: BLE001 - told to the parent
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
