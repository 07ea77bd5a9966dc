"""The context of a call: its id names it alone, over all processes of a registry and their restarts."""

from __future__ import annotations

import subprocess
import sys

from registry_server.serving.call import ServedCall

# Processes that are forked after the module was imported, as test programs and the demo start all servers.
FORKED = """
import os
from registry_server.serving.call import ServedCall
for _ in range(3):
    if not (child := os.fork()):
        print(ServedCall("/service/Method").request_id, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_calls_of_processes_that_were_forked_have_ids_of_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], check=True, capture_output=True, text=True, timeout=120)
    assert len(set(done.stdout.split())) == 3


def test_calls_of_one_process_have_ids_of_their_own() -> None:
    assert len({ServedCall("/service/Method").request_id for _ in range(1_000)}) == 1_000
