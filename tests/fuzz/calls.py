"""Sends changed messages to real servers: python -m tests.fuzz.calls --messages COUNT [--seed SEED]

Honest members first use every part of the registry, and what they send is recorded. Then members of every role send it
again, changed: bytes, fields, payloads that are signed anew, streams that are cut. Each sends one message to every
method that it may call, then to methods by chance. The servers may answer anything but INTERNAL, UNKNOWN or DATA_LOSS,
may not end, and may not keep the memory. The last line is JSON:

    {"messages": 1000000, "internal": 0, "crashes": 0, "rss_growth_mb": 12}
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections import Counter
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from creditregistry.v1 import evidence_pb2

from client_sdk import Customer, Purpose, Role
from client_sdk._transport import channels
from client_sdk.errors import CreditRegistryError
from client_sdk.kernel.formats import dsse
from client_sdk.models import written_consent
from client_sdk.testing import TestRegistry
from registry_server.rpc.permissions import PERMISSIONS, Caller
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_facts, default_report, person
from tests.fuzz.mutation import changed_bytes, changed_message
from tests.fuzz.recording import recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from google.protobuf.message import Message

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.words import KeyUsage

__all__ = ["Outcome", "fuzz"]

MEMBERS = {
    "lender-1": Caller.LENDER,
    "lender-2": Caller.LENDER,
    "auditor": Caller.AUDITOR,
    "office": Caller.REPRESENTATIVE,
    "admin-1": Caller.ADMINISTRATOR,
}
KEY_SERVICE = "key-service-a"
# Threads of each member; a member has more places than that at the registry.
_THREADS = 2
# Seconds: of a call with one answer, and of one with many, of which the first few are read.
_ONE, _MANY = 10.0, 1.0
_MOST_ANSWERS = 20
_MOST_SENT = 3
# What no message may lead to.
_DEFECTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
# After this part of the messages memory is looked at for the first time.
_WARM = 0.1
# What caches take up from then on, at most.
_MOST_GROWTH_MB = 100
_MEGABYTE = 2**20


class Method(NamedTuple):
    """One RPC.

    Attributes:
        path: ``/creditregistry.v1.Service/Method``.
        request: class of its requests.
        sends_many: whether the client sends a stream.
        gets_many: whether the server sends one.
    """

    path: str
    request: type[Message]
    sends_many: bool
    gets_many: bool

    @property
    def of_key_service(self) -> bool:
        """Whether a key service serves it."""
        return "SubjectKeyService" in self.path


class Outcome(NamedTuple):
    """What came of it.

    Attributes:
        messages: how many were sent.
        internal: how many of them had an answer that none may have.
        crashes: how many servers have ended.
        rss_growth_mb: by how much the memory of a server has grown since a tenth of them was sent, of the one that grew
            most.
        unreached: methods to which none was sent.
        codes: answers by status, for people.
        first: the first few defects: method and status.
    """

    messages: int
    internal: int
    crashes: int
    rss_growth_mb: int
    unreached: list[str]
    codes: Counter[str]
    first: list[str]

    @property
    def fine(self) -> bool:
        """Whether nothing was found."""
        return not (self.internal or self.crashes or self.unreached) and self.rss_growth_mb <= _MOST_GROWTH_MB


def methods() -> list[Method]:
    """Return every method of the contract."""
    return [
        Method(
            f"/{service.full_name}/{method.name}",
            method.input_type._concrete_class,
            method.client_streaming,
            method.server_streaming,
        )
        for module in channels._CONTRACT
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def use(registry: TestRegistry) -> None:
    """Use every part of the registry as honest members do."""
    given = written_consent(document=b"consent", given_on=datetime.now(UTC).date() - timedelta(days=1))
    asking: dict[str, Any] = {"purpose": Purpose.LOAN_APPROVAL, "consent": given, "officer": "clerk-7"}
    lender, other = registry.client("lender-1"), registry.client("lender-2")
    office, administrator = registry.client("office"), registry.client("admin-1")
    first = lender.report(default_report(1))
    lender.report_many([default_report(number) for number in range(2, 6)])
    other.check(person(1), **asking)
    other.check_many([person(2), person(900)], **asking)
    screened = [Customer(person(number), given) for number in (1, 800)]
    other.screen(screened, purpose=Purpose.POST_LOAN_REVIEW, officer="clerk-7")
    office.open_dispute("lender-1", first.record_id, code="amount", evidence=[b"\xa5" * 32])
    office.subject_report(person(1), mandate=given, officer="desk-1")
    until = datetime.now(UTC).date() + timedelta(days=30)
    asked = office.alerts_on(person(1), mandate=given, officer="desk-1", until=until)
    lender.report(default_report(1, facts=default_facts(contract="HT-1", principal=130_000)))
    lender.answer_dispute(first.record_id, "CONFIRMED", evidence=[b"\xa5" * 32])
    for notice in other.inbox():
        other.acknowledge(notice)
    office.take_alerts()
    office.alerts_off(asked.inquiry_id)
    lender.receipt(first.record_id, 1)
    lender.history(first.record_id)
    list(lender.records())
    list(lender.disputes())
    with suppress(CreditRegistryError):
        lender.erasure_proof(first.record_id)
    for client in (lender, registry.client("auditor"), administrator):
        client.status()
        client.statistics()
        client.acts()
    administrator.certificates()
    administrator.proposals()
    lender.renew_certificate()


class Fuzzer:
    """Sends changed messages, from several threads.

    Args:
        registry: that runs, with all members.
        samples: honest requests by method.
        seed: of what is drawn at random.
    """

    def __init__(self, registry: TestRegistry, samples: dict[str, list[Message]], seed: int) -> None:
        self._registry = registry
        self._samples = samples
        self._seed = seed
        self._methods = methods()
        self._pieces = [piece for requests in samples.values() for request in requests for piece in _pieces(request)]
        self._lock = threading.Lock()
        self._left = 0
        self.sent = 0
        self.reached: set[str] = set()
        self.codes: Counter[str] = Counter()
        self.first: list[str] = []

    @property
    def unreached(self) -> list[str]:
        """Methods to which nothing was sent yet."""
        return [method.path for method in self._methods if method.path not in self.reached]

    def send_to_each(self) -> None:
        """Send a message to every method, by each member that may call it."""
        due = {member: self._allowed(member) for member in MEMBERS}
        nobodys = {it.path for it in self._methods} - {it.path for allowed in due.values() for it in allowed}
        due[next(iter(MEMBERS))] += [it for it in self._methods if it.path in nobodys]

        def next_due(member: str, _: Random) -> Method | None:
            with self._lock:
                return due[member].pop() if due[member] else None

        self._send(next_due)

    def send(self, count: int) -> None:
        """Send so many messages, to methods by chance."""
        self._left = count
        allowed = {member: self._allowed(member) for member in MEMBERS}

        def drawn(member: str, random: Random) -> Method | None:
            if not self._take():
                return None
            # A few calls are of those that the member may not make.
            return random.choice(allowed[member] if random.randrange(10) else self._methods)

        self._send(drawn)

    def _allowed(self, member: str) -> list[Method]:
        return [it for it in self._methods if it.of_key_service or MEMBERS[member] in PERMISSIONS[it.path]]

    def _send(self, following: Callable[[str, Random], Method | None]) -> None:
        """Send a message to each method that follows, until none does."""
        threads = [
            threading.Thread(target=self._work, args=(member, number, following), name=f"{member}-{number}")
            for member in MEMBERS
            for number in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, member: str, number: int, following: Callable[[str, Random], Method | None]) -> None:
        random = Random(f"{self._seed} {member} {number} {self.sent}")
        config = self._registry.config(member)
        tls = channels.TlsMaterial.from_folder(config.tls_key.parent)
        signers = {usage: config.signer(usage) for usage in config.keys}
        registry, service = self._registry.address, self._registry.address_of(KEY_SERVICE)
        with closing(channels.channel(registry, tls)) as one, closing(channels.channel(service, tls)) as another:
            while (method := following(member, random)) is not None:
                requests = [self._drawn(random, method, signers) for _ in range(random.randint(1, _MOST_SENT))]
                self._note(method, _called(another if method.of_key_service else one, method, requests))

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _note(self, method: Method, code: grpc.StatusCode) -> None:
        with self._lock:
            self.sent += 1
            self.reached.add(method.path)
            self.codes[code.name] += 1
            if code in _DEFECTS and len(self.first) < _MOST_ANSWERS:
                self.first.append(f"{method.path}: {code.name}")

    def _drawn(self, random: Random, method: Method, signers: dict[KeyUsage, Signer]) -> bytes:
        """Return a request of a method: an honest one that was changed, or any bytes."""
        samples = self._samples.get(method.path) or [method.request()]
        request = method.request()
        request.CopyFrom(random.choice(samples))
        match random.randrange(4):
            case 0:
                return changed_bytes(random, request.SerializeToString(), self._pieces)
            case 1 if signers:
                for signed in _signed(request):
                    signed.payload = changed_bytes(random, signed.payload, self._pieces)
                    signer = random.choice(list(signers.values()))
                    signed.key_id = signer.public_key.key_id
                    signed.signature = dsse.sign(signer, random.choice(_FORMS), signed.payload)
            case _:
                for _ in range(random.randint(1, _MOST_SENT)):
                    changed_message(random, request, self._pieces)
        return request.SerializeToString()


_FORMS = (dsse.STATEMENT, dsse.INQUIRY, dsse.ANNOTATION, dsse.KEY_REQUEST, dsse.TLS_KEY, dsse.ACT)


def _called(channel: grpc.Channel, method: Method, requests: list[bytes]) -> grpc.StatusCode:
    """Call, read some of the answers, and return the status."""
    seconds = _MANY if method.gets_many or method.sends_many else _ONE
    sent: Any = iter(requests) if method.sends_many else requests[0]
    name = f"{'stream' if method.sends_many else 'unary'}_{'stream' if method.gets_many else 'unary'}"
    call = getattr(channel, name)(method.path, request_serializer=None, response_deserializer=None)
    try:
        answers = call(sent, timeout=seconds)
        if method.gets_many:
            for _ in islice(answers, _MOST_ANSWERS):
                pass
            answers.cancel()
    except grpc.RpcError as error:
        # The channel itself gives up what is overdue, without a status.
        code = getattr(error, "code", None)
        return code() if code else grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.OK


def _pieces(message: Message) -> Iterator[bytes]:
    """Yield every text of bytes in a message."""
    for field, value in message.ListFields():
        values: Iterable[Any] = value if field.is_repeated else (value,)
        for item in values:
            if isinstance(item, bytes):
                yield item
            elif field.message_type is not None:
                yield from _pieces(item)


def _signed(message: Message) -> Iterator[evidence_pb2.SignedPayload]:
    """Yield the signed payloads in a message."""
    if isinstance(message, evidence_pb2.SignedPayload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else (value,):
                yield from _signed(item)


def fuzz(count: int, seed: int, folder: Path) -> Outcome:
    """Send so many changed messages, and at least one to each method, to a registry and a key service of its own.

    Raises:
        RuntimeError: what the registry has stored does not verify afterwards.
    """
    with ExitStack() as stack:
        with recording() as recorded:
            registry = stack.enter_context(TestRegistry(folder=folder))
            registry.enrol("office", Role.REPRESENTATIVE)
            use(registry)
        fuzzer = Fuzzer(registry, recorded.requests, seed)
        programs = {name: registry.process_id(name) for name in ("registry", KEY_SERVICE)}
        fuzzer.send_to_each()
        fuzzer.send(max(0, int(count * _WARM) - fuzzer.sent))
        before = {name: _memory(pid) for name, pid in programs.items()}
        fuzzer.send(max(0, count - fuzzer.sent))
        crashes = sum(not Path(f"/proc/{pid}").exists() for pid in programs.values())
        grown = [0] if crashes else [_memory(pid) - before[name] for name, pid in programs.items()]
        if not crashes:
            # Honest members are served as before.
            registry.client("lender-1").report(default_report(700))
    with Database(f"sqlite:///{folder / 'registry' / 'registry.sqlite'}", serving=False) as database:
        if findings := fsck(database).findings:
            raise RuntimeError(f"{len(findings)} findings, such as: {findings[0]}")
    internal = sum(fuzzer.codes[code.name] for code in _DEFECTS)
    growth = max(grown) // _MEGABYTE
    return Outcome(fuzzer.sent, internal, crashes, growth, fuzzer.unreached, fuzzer.codes, fuzzer.first)


def _memory(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Fuzz, print, and end with 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.calls")
    parser.add_argument("--messages", type=int, default=10_000, help="how many are sent")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn at random")
    given = parser.parse_args()
    outcome = fuzz(given.messages, given.seed, Path(".fuzz", f"site-{os.getpid()}"))
    for code, count in outcome.codes.most_common():
        print(f"{count:10,} {code}")
    for defect in (*outcome.first, *(f"{path}: nothing was sent" for path in outcome.unreached)):
        print(defect)
    names = ("messages", "internal", "crashes", "rss_growth_mb")
    print(json.dumps({name: getattr(outcome, name) for name in names}))
    sys.exit(not outcome.fine)


if __name__ == "__main__":
    main()
