"""Keys, evaluation in processes, and the catalogue of refusals."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from creditregistry.v1 import evaluation_pb2, evidence_pb2, transparency_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

import registry_server.serving
import registry_server.subject_key_service
from client_sdk._transport.refusal import STATUS_DETAILS, error_of
from client_sdk.errors import RefusedError, UnavailableError
from client_sdk.following import DirectoryFollower, DirectoryView
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.key_request import KeyRequest
from client_sdk.kernel.formats.words import KeyUse, Purpose
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.subjects.oprf import Blinding, finalize
from registry_server.errors import Reason, RegistryError
from registry_server.serving.catalogue import Catalogue
from registry_server.serving.status import trailing_metadata
from registry_server.subject_key_service import SetupError
from registry_server.subject_key_service.admission import admit
from registry_server.subject_key_service.errors import CATALOGUE, complaint_of
from registry_server.subject_key_service.evaluator import MAX_INLINE, Evaluator
from registry_server.subject_key_service.keys import EvaluationKeys, create_key
from tests.support.handmade_log import REGISTRY
from tests.support.logbook import SERVICES, Logbook, LogbookRegistry, evaluation_key

PACKAGE = Path(registry_server.subject_key_service.__file__).parent
KEYS = EvaluationKeys([evaluation_key("key-service-a"), evaluation_key("key-service-b")])
SERVICE = SERVICES[0]
# In order but for its signature.
VALID = KeyRequest(
    REGISTRY, SERVICE.key_id, 1, "lender-1", bytes(16), 1, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL, bytes(32)
).encode()


def blind(count: int) -> tuple[list[Blinding], bytes]:
    blindings = [Blinding.of(bytes((number,))) for number in range(count)]
    return blindings, b"".join(blinding.element for blinding in blindings)


def check(blindings: list[Blinding], answer: tuple[bytes, bytes]) -> None:
    evaluated = [answer[0][at : at + 32] for at in range(0, len(answer[0]), 32)]
    assert len(finalize(blindings, evaluated, answer[1], SERVICE.public_key)) == len(blindings)


@pytest.mark.parametrize("count", [1, MAX_INLINE, MAX_INLINE + 1])
async def test_small_and_large_batches_are_evaluated_alike(count: int) -> None:
    evaluator = Evaluator(KEYS, 1)
    blindings, blinded = blind(count)
    check(blindings, await evaluator.evaluate(SERVICE.key_id, blinded))
    evaluator.close()


@pytest.mark.parametrize("count", [1, MAX_INLINE + 1])
async def test_an_element_that_is_none_is_refused_wherever_it_is_evaluated(count: int) -> None:
    evaluator = Evaluator(KEYS, 1)
    with pytest.raises(FormatError) as caught:
        await evaluator.evaluate(SERVICE.key_id, blind(count)[1][:-32] + bytes(32))
    assert caught.value.rule == "voprf.element"
    evaluator.close()


async def test_a_process_that_was_killed_is_replaced() -> None:
    evaluator = Evaluator(KEYS, 1)
    blindings, blinded = blind(MAX_INLINE + 1)
    check(blindings, await evaluator.evaluate(SERVICE.key_id, blinded))
    for process in list(evaluator._pool._processes):
        os.kill(process, signal.SIGKILL)
    check(blindings, await evaluator.evaluate(SERVICE.key_id, blinded))
    evaluator.close()


def test_a_machine_without_shared_memory_is_told_what_to_mount() -> None:
    program = [
        "import resource",
        "from registry_server.subject_key_service.evaluator import Evaluator",
        "from registry_server.subject_key_service import SetupError",
        "from registry_server.subject_key_service.keys import EvaluationKeys",
        # No file can grow, so none of shared memory either.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
        "try: Evaluator(EvaluationKeys([]), 1)",
        "except SetupError as error: print(error)",
    ]
    command = [sys.executable, "-c", "\n".join(program)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "mount a writable /dev/shm" in ended.stdout


def test_a_folder_keeps_every_key(tmp_path: Path) -> None:
    first, one = create_key(tmp_path / "keys")
    second, two = create_key(tmp_path / "keys")
    assert (first, second) == (1, 2)
    loaded = EvaluationKeys.load(tmp_path / "keys")
    assert sorted(loaded.seeds().values()) == sorted((one.to_bytes(), two.to_bytes()))


def test_a_folder_without_a_key(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(SetupError, match="no key"):
            EvaluationKeys.load(folder)


def test_acts_alone_say_which_key_serves_which_version() -> None:
    directory = Logbook().state.directory
    mine = EvaluationKeys([evaluation_key("key-service-b"), evaluation_key("unused")])
    assert mine.serves(directory, 1) == SERVICES[1].key_id
    assert mine.serves(directory, 2) is None
    assert mine.served(directory) == [(1, SERVICES[1].public_key)]
    assert EvaluationKeys([evaluation_key("unused")]).serves(directory, 1) is None


def followed() -> DirectoryView:
    """A directory as a service has it after its first round."""
    log = Logbook()
    registry = LogbookRegistry(log)
    proof = registry.directory_proof(transparency_pb2.GetDirectoryProofRequest())
    return DirectoryFollower(log.trust_root).restore(proof, log.acts())


VIEW = followed()


@given(
    st.one_of(st.binary(max_size=200), st.just(VALID)),
    st.binary(max_size=40),
    st.binary(max_size=70),
    st.binary(max_size=70),
    st.sampled_from(["lender-1", "lender-2", "admin-1", "nobody"]),
)
def test_whatever_is_sent_it_is_refused_by_name(
    payload: bytes, key_id: bytes, signature: bytes, blinded: bytes, peer: str
) -> None:
    signed = evidence_pb2.SignedPayload(payload=payload, key_id=key_id, signature=signature)
    message = evaluation_pb2.EvaluateRequest(request=signed, blinded=blinded)
    with pytest.raises((FormatError, RuleError, RegistryError)) as caught:
        admit(message, peer=peer, view=VIEW, keys=KEYS, now_ms=VIEW.as_of_ms)
    assert complaint_of(caught.value).reason in set(CATALOGUE) - {"INTERNAL"}


def raised_reasons() -> set[str]:
    """Every reason that the package's code, and what it shares with the registry, names where it refuses."""
    found: set[str] = set()
    for path in (*PACKAGE.glob("*.py"), *Path(registry_server.serving.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
                found.add(str(Reason[node.attr]))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = node.args[0] if node.args else None
                if node.func.id in {"RegistryError", "Complaint"} and isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def test_the_catalogue_holds_every_reason_and_no_other() -> None:
    of_the_directory = {
        "INSTITUTION_UNKNOWN",
        "KEY_OF_ANOTHER",
        "KEY_RANGE",
        "KEY_UNKNOWN",
        "KEY_USAGE",
        "TLS_KEY_REVOKED",
    }
    of_signatures = {"SIGNATURE_INVALID"}
    assert raised_reasons() | of_the_directory | of_signatures == set(CATALOGUE)


@pytest.mark.parametrize("reason", sorted(CATALOGUE))
def test_every_refusal_reaches_the_client_as_it_was_meant(reason: str) -> None:
    refusal = Complaint(reason, "blinded", "a.rule", "this", "that")
    entry = CATALOGUE[reason]
    details = dict(trailing_metadata(refusal, entry, "1-2"))[STATUS_DETAILS]
    assert isinstance(details, bytes)
    error = error_of(entry.status.name, entry.text, details)
    assert error.reason == reason
    if isinstance(error, RefusedError):
        assert (error.field, error.rule, error.got, error.want) == ("blinded", "a.rule", "this", "that")
    assert isinstance(error, UnavailableError) == entry.retryable


def test_a_wrong_argument_is_named_as_gapic_clients_expect() -> None:
    refusal = Complaint("ELEMENTS_COUNT", "blinded", "voprf.count")
    [(_, details)] = trailing_metadata(refusal, CATALOGUE["ELEMENTS_COUNT"], "1-2")
    parts = status_pb2.Status.FromString(details).details
    request = error_details_pb2.BadRequest()
    assert parts[1].Unpack(request)
    assert request.field_violations[0].field == "blinded"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RegistryError("QUOTA_EXCEEDED"), "QUOTA_EXCEEDED"),
        (RuleError(reason="KEY_RANGE", field="key_id", rule="x"), "KEY_RANGE"),
        (SignatureError("signature", "x"), "SIGNATURE_INVALID"),
        (FormatError("key-request", "x"), "MALFORMED"),
        (ValueError("a secret"), "INTERNAL"),
    ],
)
def test_errors_become_reasons(error: Exception, reason: str) -> None:
    refusal = complaint_of(error)
    assert refusal.reason == reason
    assert "secret" not in repr(refusal)


def test_an_unknown_reason_is_told_as_internal() -> None:
    assert Catalogue(CATALOGUE, complaint_of).entry(Complaint("NEW")) is CATALOGUE["INTERNAL"]
