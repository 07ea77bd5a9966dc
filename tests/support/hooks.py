"""Servers on this machine that take messages: a webhook over HTTP or HTTPS, and a mail server over TLS."""

from __future__ import annotations

import http.server
import socketserver
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial

__all__ = ["Hook", "MailServer", "Posted", "dripping_handshake", "running_hook", "running_mail", "server_context"]


class Posted(NamedTuple):
    """A request that a webhook got."""

    headers: dict[str, str]
    body: bytes


class Hook:
    """A webhook.

    Attributes:
        url: of it.
        got: requests, in order.
        status: that it answers; 0 where it never answers, and -1 where it answers a byte now and then for ever.
    """

    def __init__(self) -> None:
        self.url = ""
        self.got: list[Posted] = []
        self.status = 200
        # Answered first, one a request.
        self.statuses: list[int] = []
        self.ended = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    hook: Hook

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.hook.got.append(Posted(dict(self.headers.items()), self.rfile.read(length)))
        status = self.hook.statuses.pop(0) if self.hook.statuses else self.hook.status
        if status == 0:
            self.hook.ended.wait(10)
            return
        if status < 0:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.hook.ended.wait(0.05):
                    self.wfile.write(b"X")
            return
        self.send_response(status)
        self.send_header("Location", f"{self.hook.url}/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Be silent."""


def server_context(tls: TlsMaterial, folder: Path) -> ssl.SSLContext:
    """What a server shows; the certificate authority is left in ``ca.pem``."""
    for name, data in (("key", tls.key), ("certificate", tls.certificate), ("ca", tls.ca)):
        (folder / f"{name}.pem").write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@contextmanager
def running_hook(context: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Hook]:
    """Run a webhook on this machine."""
    hook = Hook()
    handler = type("Handler", (_Handler,), {"hook": hook})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    hook.url = f"http{'' if context is None else 's'}://127.0.0.1:{server.server_address[1]}/hook?of=person"
    with _serving(server):
        yield hook
        hook.ended.set()


class MailServer:
    """A mail server.

    Attributes:
        port: of it.
        got: mails, in order.
        refusal: reply to a recipient, such as ``550 no such mailbox``; empty where all are taken.
        logins: what was sent to log in.
    """

    def __init__(self, context: ssl.SSLContext, *, starttls: bool) -> None:
        self.context = context
        self.starttls = starttls
        self.port = 0
        self.got: list[bytes] = []
        self.logins: list[str] = []
        self.refusal = ""


class _MailHandler(socketserver.StreamRequestHandler):
    mail: MailServer
    timeout = 10

    def handle(self) -> None:
        try:
            if not self.mail.starttls:
                self._begin_tls()
            self._say("220 mail.example")
            while line := self.rfile.readline(1_024).decode().strip():
                if not self._answer(line):
                    return
        except OSError:
            pass
        finally:
            self.rfile.close()
            self.connection.close()

    def _answer(self, line: str) -> bool:
        word = line.split(" ", maxsplit=1)[0].upper()
        secure = isinstance(self.connection, ssl.SSLSocket)
        if word == "STARTTLS":
            self._say("220 go on")
            self._begin_tls()
        elif word == "EHLO":
            self._say(f"250-mail.example\r\n250 {'AUTH PLAIN' if secure else 'STARTTLS'}")
        elif not secure:
            self._say("530 not in clear")
        elif word == "AUTH":
            self.mail.logins.append(line)
            self._say("235 welcome")
        elif word == "RCPT" and self.mail.refusal:
            self._say(self.mail.refusal)
        elif word == "DATA":
            self._say("354 go on")
            lines: list[bytes] = []
            while (data := self.rfile.readline(4_096)) not in {b".\r\n", b""}:
                lines.append(data)
            self.mail.got.append(b"".join(lines))
            self._say("250 taken")
        else:
            self._say("221 bye" if word == "QUIT" else "250 yes")
        return word != "QUIT"

    def _say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    def _begin_tls(self) -> None:
        self.connection = self.mail.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")


@contextmanager
def running_mail(context: ssl.SSLContext, *, starttls: bool = False) -> Iterator[MailServer]:
    """Run a mail server on this machine."""
    mail = MailServer(context, starttls=starttls)
    handler = type("MailHandler", (_MailHandler,), {"mail": mail})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    mail.port = int(server.server_address[1])
    with _serving(server):
        yield mail


class _DrippingHandler(socketserver.StreamRequestHandler):
    starttls: bool
    ended: threading.Event
    timeout = 10

    def handle(self) -> None:
        with suppress(OSError):
            if self.starttls:
                for said in ("220 mail.example", "250-mail.example\r\n250 STARTTLS", "220 go on"):
                    self.wfile.write(f"{said}\r\n".encode())
                    if not said.endswith("go on"):
                        self.rfile.readline(1_024)
            # The head of a record of the handshake, whose bytes then come one by one.
            self.wfile.write(b"\x16\x03\x03\x3f\xff\x02")
            while not self.ended.wait(0.05):
                self.wfile.write(b"\0")


@contextmanager
def dripping_handshake(*, starttls: bool) -> Iterator[int]:
    """Yield the port of a mail server whose TLS handshake never ends, and never falls silent."""
    ended = threading.Event()
    handler = type("DrippingHandler", (_DrippingHandler,), {"starttls": starttls, "ended": ended})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    with _serving(server):
        yield int(server.server_address[1])
        ended.set()


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
