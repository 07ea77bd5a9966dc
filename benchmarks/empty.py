"""A gRPC server whose single calls do nothing: what the library itself leaves to a registry.

python -m benchmarks.empty REGISTRY_HOME      prints its port; ends with its standard input
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from benchmarks.generator import drive

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["empty_rate"]

# About an answer with its evidence.
_ANSWER = bytes(3_600)


class _Nothing(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        del handler_call_details
        return grpc.unary_unary_rpc_method_handler(_answer)


async def _answer(_request: bytes, _context: object) -> bytes:
    return _ANSWER


def empty_rate(registry_home: Path, folder: Path, in_flight: int) -> float:
    """Return calls a second of a server that does nothing, with a registry's certificates.

    Args:
        registry_home: of the registry.
        folder: with the plan that a row has sent before.
        in_flight: calls at the same time.
    """
    with _serving(registry_home) as port:
        seconds, calls = drive("benchmarks.calls", f"127.0.0.1:{port}", folder, str(in_flight))
    return calls / seconds


@contextmanager
def _serving(registry_home: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.empty", str(registry_home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else 0)
        finally:
            process.terminate()


async def _serve(home: Path) -> None:
    own = ((home / "tls" / "key.pem").read_bytes(), (home / "tls" / "certificate.pem").read_bytes())
    credentials = grpc.ssl_server_credentials(
        [own], (home / "public" / "ca.pem").read_bytes(), require_client_auth=True
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Nothing(),))
    print(server.add_secure_port("127.0.0.1:0", credentials), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
