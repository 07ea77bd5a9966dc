"""One POST over HTTP or HTTPS with an end for the whole: connection, handshake, request and answer; no redirects."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from client_sdk._deadline import connect, ended_by

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

__all__ = ["Endpoint", "PostAnswer", "post"]


class Endpoint(NamedTuple):
    """Where is posted to.

    Attributes:
        host: name or address, as the certificate holds it.
        addresses: of the host, at least one; the first that takes a connection is used.
        port: 1 to 65535.
        target: path and query.
        tls: what the certificate is held against; None for HTTP in clear.
    """

    host: str
    addresses: Sequence[str]
    port: int
    target: str
    tls: ssl.SSLContext | None


class PostAnswer(NamedTuple):
    """Status and body of an answer; of a body only as much as was asked for."""

    status: int
    body: bytes


def post(
    endpoint: Endpoint, content: bytes, headers: Mapping[str, str], *, ends: float, step: float, most: int = 0
) -> PostAnswer:
    """Return the answer to a POST.

    Args:
        endpoint: where to.
        content: body of the request.
        headers: beside its length.
        ends: when all of it is over, by ``time.monotonic``.
        step: seconds for the connection, and for each single wait.
        most: bytes of the answer's body that are read at the most.

    Raises:
        TimeoutError: the time was over.
        SSLCertVerificationError: the certificate does not verify.
        OSError: no connection, or it broke.
        HTTPException: the answer is none of HTTP.
    """
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=step)
    left = max(ends - time.monotonic(), 0.0)
    # A limit for the whole, which the library does not have: it waits for each line of the answer anew.
    with ended_by(left, lambda: connection.sock) as deadline, closing(connection):
        try:
            connection.sock = connect(endpoint.addresses, endpoint.port, min(step, left))
            deadline.check()
            if endpoint.tls is not None:
                # The handshake apart, so that the deadline ends it too.
                secured = endpoint.tls.wrap_socket(
                    connection.sock, server_hostname=endpoint.host, do_handshake_on_connect=False
                )
                connection.sock = secured
                deadline.check()
                secured.do_handshake()
            connection.request("POST", endpoint.target, content, headers)
            body = b""
            with connection.getresponse() as answer:
                while len(body) < most and (part := answer.read1(most - len(body))):
                    body += part
        except (OSError, http.client.HTTPException):
            if deadline.over:
                raise TimeoutError from None
            raise
        # What was read before the end is no answer.
        deadline.check()
        return PostAnswer(answer.status, body)
