"""Follows a real registry's log with a client that was written elsewhere: python -m tests.tlog_client

The client is that of Tessera, in Go: it reads the log as files over HTTPS, verifies each checkpoint, that it extends
the one before, and the inclusion of every entry, while a lender reports. The last line is JSON:

    {"looks": 4, "entries": 812, "inclusions": 1432}
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_address
from tests.client_sdk.sdk_samples import default_report

__all__ = ["follow"]

_HERE = Path(__file__).parent
# More than one whole tile of 256 leaves, so that whole and partial ones are read.
_REPORTS = (1, 300, 200)
_SECONDS = 600


def follow(folder: Path) -> dict[str, int]:
    """Follow the log of a registry while reports are added; return the counts.

    Args:
        folder: for the client's program and the registry.

    Raises:
        RuntimeError: the client found something wrong, or could not be built.
    """
    program = folder / "tlog_client"
    build = ["go", "build", "-o", str(program), "."]
    built = subprocess.run(build, cwd=_HERE, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if built.returncode:
        raise RuntimeError(f"the client was not built: {built.stderr}")
    address = free_address()
    with TestRegistry(folder=folder / "site", environment={"REGISTRY_TILES_LISTEN": address}) as registry:
        auditor = registry.config("auditor")
        log = auditor.trust_root().log_key
        shown = (auditor.tls_ca, auditor.tls_certificate, auditor.tls_key)
        command = [str(program), f"https://{address}/", log.name, log.text(), *map(str, shown)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdin
            assert client.stdout
            looks = [_look(client, client.stdout)]
            first = 1
            for count in _REPORTS:
                with registry.client("lender-1") as lender:
                    told = lender.report_many([default_report(number) for number in range(first, first + count)])
                    assert told.accepted == count
                first += count
                client.stdin.write("again\n")
                client.stdin.flush()
                looks.append(_look(client, client.stdout))
            client.stdin.close()
            if client.wait(_SECONDS):
                raise RuntimeError("the client has failed")
    sizes = [look["size"] for look in looks]
    if sizes[-1] < sizes[0] + sum(_REPORTS) or not all(look["consistency"] for look in looks[1:]):
        raise RuntimeError(f"the client has not followed: {looks}")
    return {"looks": len(looks), "entries": sizes[-1], "inclusions": sum(look["inclusions"] for look in looks)}


def _look(client: subprocess.Popen[str], output: IO[str]) -> dict[str, int]:
    line = output.readline()
    if not line:
        raise RuntimeError(f"the client has failed: it ended with {client.wait(_SECONDS)}")
    found: dict[str, int] = json.loads(line)
    return found


def main() -> None:
    """Follow, and print the counts."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(follow(Path(folder))))


if __name__ == "__main__":
    main()
