"""Arguments that hold marked secrets, for any callable of the kernel: built from the annotations of its parameters.

    arguments = Marker(Random(1)).arguments(function, module)

Texts, bytes and amounts are marked wherever a value could be an identity number, a pseudonym, a fact, an opening or a
key. What names a registry, an institution or a rule is public and stays so.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

import creditregistry.v1
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

import client_sdk.kernel
from client_sdk.kernel.formats.batch_signature import VerifiedBatches
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.sealed_block import BlockSealer
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.act_proof import ActProofs
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.asked import DirectoryTimes
from client_sdk.kernel.ledger.examination import Examination
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.quality import QualityTally
from client_sdk.kernel.ledger.references import References
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.ledger.state_store import MemoryStore
from client_sdk.kernel.ledger.statistics import StatementTally
from client_sdk.kernel.rules.withholding import Withholding
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey
from tests.support.handmade_log import HandmadeLog
from tests.support.needles import Needles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from types import ModuleType

__all__ = ["SECRET", "TEXT", "Marker", "UnbuildableError", "callables", "needles"]

SECRET = b"never to be seen, in 32 bytes..."
TEXT = "never to be seen 4711"
# A resident number of nobody, and an amount.
NUMBER = "110105199001010017"
AMOUNT = 471_181_504_711
# Parameters and fields that name nothing secret.
_PUBLIC = """
registry institution issuer signer asker author owner origin part field field_names rule reason got want label
name url host transferee id speaker seller buyer peer form_type payload_type algorithm currency
service endorser line path successor where column title time_zone purpose ground outcome
licence_number form earlier_field later_field type retain_until csr administrators type_code open_until today
jurisdiction of_jurisdiction of quorum members first_given_on last_given_on
"""
PUBLIC = frozenset(_PUBLIC.split())
# Values all of whose texts are for everybody.
_ALL_PUBLIC = frozenset(("BreachBody",))
# Fields that hold amounts; all other numbers are places, versions, counts and times.
AMOUNTS = frozenset(("principal", "interest", "penalty", "fees", "amount", "total", "applied", "executed"))


class UnbuildableError(Exception):
    """No value of such a type can be made."""


def needles() -> Needles:
    """Everything that must not be seen."""
    found = Needles()
    found.add("text", TEXT)
    found.add("bytes", SECRET)
    found.add("number", NUMBER)
    found.add("amount", str(AMOUNT))
    return found


@cache
def _modules() -> dict[str, ModuleType]:
    package = client_sdk.kernel
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return {name: importlib.import_module(name) for name in names}


@cache
def _types() -> dict[str, type]:
    """Every class of kernel and contract by its name."""
    contract = creditregistry.v1
    generated = [
        importlib.import_module(f"{contract.__name__}.{info.name}") for info in pkgutil.iter_modules(contract.__path__)
    ]
    found: dict[str, type] = {}
    for module in [*generated, *_modules().values()]:
        own = {name: value for name, value in vars(module).items() if inspect.isclass(value)}
        for name, value in own.items():
            # A value of the kernel goes before the message that carries it.
            if value is Message:
                continue
            if issubclass(value, Message):
                found[f"pb.{name}"] = value
            elif value.__module__ == module.__name__:
                found[name] = value
    return found


def callables() -> Iterator[tuple[str, Callable[..., Any], type | None]]:
    """Yield every public function and method of the kernel: name, callable, and the class of ``self``."""
    for module in _modules().values():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            where = f"{module.__name__.removeprefix('client_sdk.kernel.')}.{name}"
            if inspect.isclass(value):
                for own, held in vars(value).items():
                    if isinstance(held, (classmethod, staticmethod)) and not own.startswith("_"):
                        yield f"{where}.{own}", getattr(value, own), None
                    elif inspect.isfunction(held) and not own.startswith("_"):
                        yield f"{where}.{own}", held, value
            elif inspect.isfunction(inspect.unwrap(value)):
                yield where, value, None


class Marker:
    """Draws marked values.

    Args:
        random: the same gives the same values.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def arguments(self, function: Callable[..., Any], self_type: type | None) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments by position and by name.

        Raises:
            UnbuildableError: a parameter has a type of which none can be made.
        """
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name == "self" and self_type is not None:
                positional.append(self.value(self_type.__name__, "self"))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                positional += [self.value(parameter.annotation, parameter.name) for _ in range(2)]
            elif parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = self.value(parameter.annotation, parameter.name)
            elif parameter.kind is not parameter.VAR_KEYWORD:
                positional.append(self.value(parameter.annotation, parameter.name))
        return positional, named

    def value(self, annotation: str, name: str) -> Any:
        """Return a value of the type that an annotation names."""
        return self._value(ast.parse(annotation, mode="eval").body, name)

    def _value(self, node: ast.expr, name: str) -> Any:
        match node:
            case ast.BinOp(left, ast.BitOr(), right):
                return self._value(self._random.choice((left, right)), name)
            case ast.Constant(None):
                return None
            case ast.Constant(str() as inner):
                return self.value(inner, name)
            case ast.Subscript(ast.Name(kind), inner):
                return self._collection(kind, inner, name)
            case ast.Attribute(_, attribute):
                return self._plain(f"pb.{attribute}", name)
            case ast.Name(plain):
                return self._plain(plain, name)
            case _:
                raise UnbuildableError(ast.unparse(node))

    def _collection(self, kind: str, inner: ast.expr, name: str) -> Any:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        match kind:
            case "tuple" if len(parts) == 1 or not isinstance(parts[-1], ast.Constant):
                return tuple(self._value(part, name) for part in parts)
            case "Sequence" | "Iterable" | "Iterator" | "list" | "tuple" | "Collection":
                return tuple(self._value(parts[0], name) for _ in range(self._random.randint(0, 3)))
            case "frozenset" | "AbstractSet" | "set":
                return frozenset(self._value(parts[0], name) for _ in range(2))
            case "Mapping" | "MutableMapping" | "dict":
                return {self._value(parts[0], name): self._value(parts[1], name) for _ in range(2)}
            case "type":
                return bytes
            case "Callable":
                return lambda *_: self._value(parts[-1], name)
            case _:
                raise UnbuildableError(f"{kind}[…]")

    def _plain(self, kind: str, name: str) -> Any:
        draw = self._random
        if kind in _EITHER:
            return self._plain(draw.choice(_EITHER[kind]), name)
        if kind in _MADE:
            return _MADE[kind]()
        match kind:
            case "bytes":
                return b"public" if name in PUBLIC else self._bytes()
            case "str":
                return draw.choice(("lender-1", "other.example")) if name in PUBLIC else self._text()
            case "int":
                return AMOUNT if name in AMOUNTS else draw.choice((0, 1, 2, 20, 4_096, 1_767_225_600_000))
            case "bool":
                return draw.random() < 0.5
            case "date":
                return draw.choice((date(2026, 1, 5), date(1900, 1, 1), date(2090, 12, 31)))
            case "RuleError" | "FormatError":
                return _types()[kind](*["part"] * (3 if kind == "RuleError" else 2))
            case _ if kind in _types():
                return self._instance(_types()[kind])
        raise UnbuildableError(kind)

    def _instance(self, kind: type) -> Any:
        if issubclass(kind, Enum):
            return self._random.choice(list(kind))
        if issubclass(kind, Message):
            return self._message(kind)
        if is_dataclass(kind):
            given = [field for field in fields(kind) if field.init]
            public = kind.__name__ in _ALL_PUBLIC
            held = {field.name: self._held(str(field.type), "title" if public else field.name) for field in given}
            return kind(**held)
        if hasattr(kind, "_fields"):
            annotated = [(name, _text_of(kind.__annotations__[name])) for name in kind._fields]
            return kind(*(self._held(text, name) for name, text in annotated))
        raise UnbuildableError(kind.__name__)

    def _held(self, annotation: str, name: str) -> Any:
        """Return what stands in a value; its maker has refused what is no text."""
        return (
            self._random.choice(_WRITABLE)
            if annotation == "str" and name not in PUBLIC
            else self.value(annotation, name)
        )

    def _message(self, kind: type[Message]) -> Message:
        message = kind()
        for field in kind.DESCRIPTOR.fields:
            if self._random.random() < 0.15:
                continue
            held = getattr(message, field.name)
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                inner = self._message(_class_of(field.message_type))
                held.append(inner) if field.is_repeated else held.CopyFrom(inner)
                continue
            value = self._scalar(field)
            held.append(value) if field.is_repeated else setattr(message, field.name, value)
        return message

    def _scalar(self, field: Any) -> Any:
        match field.type:
            case FieldDescriptor.TYPE_BYTES:
                return self._random.choice((SECRET, SECRET[:16], SECRET * 2, b""))
            case FieldDescriptor.TYPE_STRING:
                return "lender-1" if field.name in PUBLIC else self._random.choice(_WRITABLE)
            case FieldDescriptor.TYPE_BOOL:
                return True
            case FieldDescriptor.TYPE_ENUM:
                return self._random.choice((0, 1, 2, 99))
            case FieldDescriptor.TYPE_UINT32:
                return self._random.choice((1, 2))
            case _:
                return AMOUNT if field.name in AMOUNTS else 1

    def _bytes(self) -> bytes:
        random = self._random
        if random.random() < 0.3:
            kind = random.choice([kind for kind in _types().values() if issubclass(kind, Message)])
            return self._message(kind).SerializeToString()
        return random.choice((SECRET, SECRET[:16], SECRET * 2, SECRET + b"\xff\xfe", b"\xff" + SECRET, SECRET * 9, b""))

    def _text(self) -> str:
        return self._random.choice((*_WRITABLE, f"{TEXT}\ud800", NUMBER, f"{NUMBER}1", f"{AMOUNT}.5", str(AMOUNT), ""))


_BODIES = (
    *("GenesisBody", "InstitutionBody", "AdministratorsBody", "KeyGrantBody", "KeyEndBody", "StateBody"),
    *("KeyServicesBody", "RetireKeyServicesBody", "RulebookBody", "ErasureBody", "ClockBody", "TlsKeyBody"),
    *("SuccessionBody", "EndingBody", "ReviewBody", "BreachBody", "ClosingBody"),
)
_WRITABLE = (TEXT, f"{TEXT}\u0007", f"{TEXT}e\u0301", f"{TEXT}\U00010efd", f"\u200b{TEXT}", f"（2024）{TEXT}号", NUMBER)


def _text_of(annotation: Any) -> str:
    """Return an annotation as the source writes it; a NamedTuple keeps a reference that is not followed yet."""
    return annotation if isinstance(annotation, str) else str(annotation.__forward_arg__)


@cache
def _log() -> HandmadeLog:
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    return log


# Names that stand for one of several types.
_EITHER = {
    "object": ("str", "bytes"),
    "Any": ("str", "bytes"),
    "Facts": ("DefaultFacts", "JudgmentFacts", "EnforcementFacts", "ListingFacts"),
    "FactsMessage": ("pb.DefaultFacts", "pb.JudgmentFacts", "pb.EnforcementFacts", "pb.ListingFacts"),
    "Json": ("str", "int"),
    "W": ("Kind",),
    "K": ("bytes",),
    "V": ("str", "bytes"),
    "Leaf": ("StatementLeaf", "ActLeaf", "LapseLeaf", "HeadLeaf"),
    "Body": _BODIES,
}
# Values that come of a log, not of their fields.
_MADE: dict[str, Callable[[], Any]] = {
    "Directory": lambda: _log().state.directory,
    "Administration": lambda: _log().state.directory.administration,
    "TrustRoot": lambda: _log().trust_root,
    "VerifierKey": lambda: VerifierKey.ed25519("registry.example/log/1", _log().log_signer.public_key.raw),
    "Verifier": lambda: Verifier(_log().trust_root),
    "Replay": lambda: Replay(lambda *_: None),
    "Examination": lambda: Examination(Findings()),
    "Findings": Findings,
    "Signer": lambda: Ed25519Signer.from_seed(SECRET),
    "datetime": lambda: datetime(2026, 1, 5, tzinfo=UTC),
    "type": lambda: str,
    "StatementTally": StatementTally,
    "QualityTally": lambda: QualityTally(StatementTally(), MemoryStore()),
    "MemoryStore": MemoryStore,
    "StateStore": MemoryStore,
    "DirectoryTimes": DirectoryTimes,
    "Withholding": lambda: Withholding(Purpose.LOAN_APPROVAL, Rulebook(), Contribution("lender-1", "2026-01-05"), 0),
    "Frontier": Frontier,
    "VerifiedBatches": VerifiedBatches,
    "BlockSealer": lambda: BlockSealer(SECRET, bytes(32), b"a file"),
    "References": lambda: References("lender-1", bytes(32), Purpose.LOAN_APPROVAL),
    "ActProofs": lambda: ActProofs(_log().trust_root.administration(), _log().trust_root.genesis),
    "Blinding": lambda: Blinding.of(SECRET),
    "MemoryTree": lambda: _log().tree,
    "NodeReader": lambda: _log().tree,
    "EvaluationKey": lambda: EvaluationKey.from_seed(SECRET),
    "Ed25519Signer": lambda: Ed25519Signer.from_seed(SECRET),
    "Chain": lambda: next(iter(_log().state.chains.values())),
}


def _class_of(descriptor: Any) -> type[Message]:
    found: type[Message] = _types()[f"pb.{descriptor.name}"]
    return found
