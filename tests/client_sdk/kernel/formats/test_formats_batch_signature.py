"""Batch signatures: every byte of the one form, what a path proves, and that a signature is verified once."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.batch_signature import (
    MAX_BATCH,
    BatchSignature,
    StatementBatch,
    VerifiedBatches,
    sign_statements,
    verify_signed,
    verify_statement,
)
from client_sdk.kernel.formats.errors import FormatError, SignatureError
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import Kind, Standing
from tests.support.handmade_log import REGISTRY, record_id, seed, signer
from tests.support.naive_parts import Wrong, naive_tree_root, signed_in_batch

OWN = signer("lender-1 REPORT")
KEY = OWN.public_key


def statement(number: int, **changes: object) -> Statement:
    values: dict[str, object] = {
        "registry": REGISTRY,
        "issuer": "lender-1",
        "signer": "lender-1",
        "record_id": record_id(f"judgment {number}"),
        "version": 1,
        "previous": b"",
        "kind": Kind.JUDGMENT,
        "standing": Standing.OPEN,
        "subject_key_version": 1,
        "subject_commitment": seed(f"subject {number}"),
        "facts_commitment": seed(f"facts {number}"),
        "disclosure_digest": seed(f"sealed {number}"),
        "issued_at": 1_700_000_000_000,
    }
    return Statement(**{**values, **changes})  # type: ignore[arg-type]  # the test names fields


def signed(size: int) -> tuple[list[Statement], list[bytes]]:
    made = [statement(number) for number in range(size)]
    return made, sign_statements(OWN, REGISTRY, "lender-1", [one.encode() for one in made])


def rule_of(one: Statement, signature: bytes, public_key: bytes = KEY.raw) -> str:
    with pytest.raises(SignatureError) as refused:
        verify_statement(one, one.encode(), public_key, signature)
    assert refused.value.part == "signature"
    return refused.value.rule


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7, 8, 9, 31, 33, 100])
def test_each_statement_of_a_batch_proves_itself_to_both_verifiers(size: int) -> None:
    made, signatures = signed(size)
    assert len({BatchSignature.parse(signature).signature for signature in signatures}) == 1
    assert {BatchSignature.parse(signature).index for signature in signatures} == set(range(size))
    for one, signature in zip(made, signatures, strict=True):
        payload = one.encode()
        verify_statement(one, payload, KEY.raw, signature)
        verify_signed(dsse.STATEMENT, payload, KEY.raw, signature)
        assert BatchSignature.parse(signature).encode() == signature
        signed_in_batch(KEY.raw, KEY.key_id, one.registry, one.signer, payload, signature)


def test_what_is_signed_follows_from_the_text_of_the_formats() -> None:
    made, signatures = signed(5)
    encodings = sorted(
        (dsse.pae(dsse.STATEMENT, one.encode()) for one in made), key=lambda pae: sha256(b"\0" + pae).digest()
    )
    batch = StatementBatch(REGISTRY, "lender-1", KEY.key_id, 5, naive_tree_root(encodings))
    assert BatchSignature.parse(signatures[0]).signature == OWN.sign(dsse.pae(dsse.STATEMENT_BATCH, batch.encode()))


def test_places_in_the_tree_do_not_follow_the_order_of_the_statements() -> None:
    places = [BatchSignature.parse(signature).index for signature in signed(100)[1]]
    assert places != sorted(places)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_no_bit_of_a_batch_signature_can_change(size: int) -> None:
    made, signatures = signed(size)
    for one, signature in zip(made, signatures, strict=True):
        for at in range(len(signature)):
            for bit in (0x01, 0x80):
                changed = bytearray(signature)
                changed[at] ^= bit
                assert rule_of(one, bytes(changed)).startswith("batch-signature.")
                with pytest.raises(Wrong):
                    signed_in_batch(KEY.raw, KEY.key_id, one.registry, one.signer, one.encode(), bytes(changed))


def _parts(size: int, index: int, hashes: int, tail: bytes = bytes((0, 0, 0, 64)) + bytes(64)) -> bytes:
    return size.to_bytes(8) + index.to_bytes(8) + bytes(32) * hashes + tail


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "signature.length"),
        (bytes(63), "signature.length"),
        (bytes(65), "signature.length"),
        (_parts(2, 0, 0), "signature.length"),
        (_parts(0, 0, 1), "batch-signature.size"),
        (_parts(1, 0, 1), "batch-signature.size"),
        (_parts(MAX_BATCH + 1, 0, 17), "batch-signature.size"),
        (_parts(2**64 - 1, 0, 1), "batch-signature.size"),
        (_parts(2, 2, 1), "batch-signature.index"),
        (_parts(5, 2**64 - 1, 3), "batch-signature.index"),
        (_parts(2, 0, 2), "batch-signature.path"),
        (_parts(3, 0, 1), "batch-signature.path"),
        (_parts(3, 2, 2), "batch-signature.path"),
        (_parts(2, 0, 1) + b"\0", "batch-signature.path"),
        (_parts(2, 0, 1)[:-1], "batch-signature.path"),
        (_parts(2, 0, 1, bytes((0, 0, 0, 63)) + bytes(64)), "batch-signature.form"),
        (_parts(2, 0, 1, bytes((64, 0, 0, 0)) + bytes(64)), "batch-signature.form"),
        (_parts(2, 0, 1), "batch-signature.invalid"),
        (_parts(MAX_BATCH, MAX_BATCH - 1, 16), "batch-signature.invalid"),
    ],
)
def test_every_other_form_is_refused_by_its_rule(data: bytes, rule: str) -> None:
    one = statement(1)
    assert rule_of(one, data) == rule
    with pytest.raises(Wrong):
        signed_in_batch(KEY.raw, KEY.key_id, one.registry, one.signer, one.encode(), data)


def test_a_refusal_says_what_was_found_and_what_is_wanted() -> None:
    with pytest.raises(SignatureError) as refused:
        BatchSignature.parse(_parts(5, 4, 2))
    assert (refused.value.got, refused.value.want) == ("148 bytes", "116 bytes, with 1 hashes for statement 4 of 5")


@given(st.binary(max_size=700))
def test_what_parses_is_written_again_by_the_same_bytes(data: bytes) -> None:
    try:
        parsed = BatchSignature.parse(data)
    except SignatureError:
        return
    assert parsed.encode() == data


def parses(data: bytes) -> bool:
    try:
        BatchSignature.parse(data)
    except SignatureError:
        return False
    return True


@given(st.integers(2, MAX_BATCH), st.data())
def test_every_place_of_every_size_has_one_length(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    fitting = [data for data in (_parts(size, index, hashes) for hashes in range(1, 18)) if parses(data)]
    assert len(fitting) == 1
    assert 116 <= len(fitting[0]) <= 596


def test_a_path_of_another_batch_or_statement_does_not_count() -> None:
    made, signatures = signed(4)
    other = [statement(number) for number in range(10, 14)]
    others = sign_statements(OWN, REGISTRY, "lender-1", [one.encode() for one in other])
    for foreign in (*others, *signatures[1:]):
        assert rule_of(made[0], foreign) == "batch-signature.invalid"


def test_a_signature_over_another_root_does_not_count() -> None:
    made, signatures = signed(4)
    carried = BatchSignature.parse(signatures[0])
    for root, size in ((seed("root"), 4), (sha256(b"").digest(), 4)):
        forged = OWN.sign(
            dsse.pae(dsse.STATEMENT_BATCH, StatementBatch(REGISTRY, "lender-1", KEY.key_id, size, root).encode())
        )
        lie = BatchSignature(carried.size, carried.index, carried.path, forged)
        assert rule_of(made[0], lie.encode()) == "batch-signature.invalid"


@pytest.mark.parametrize(
    "change", [{"registry": "other.example"}, {"signer": "lender-2"}, {"size": 5}, {"key_id": seed("key")}]
)
def test_a_batch_of_another_registry_signer_key_or_size_does_not_count(change: dict[str, object]) -> None:
    made, signatures = signed(4)
    carried = BatchSignature.parse(signatures[0])
    batch = carried.batch(made[0], made[0].encode(), KEY.key_id)
    other = batch._replace(**change)  # type: ignore[arg-type]  # the test names fields
    forged = OWN.sign(dsse.pae(dsse.STATEMENT_BATCH, other.encode()))
    lie = BatchSignature(carried.size, carried.index, carried.path, forged)
    assert rule_of(made[0], lie.encode()) == "batch-signature.invalid"


def test_a_batch_signed_in_another_form_does_not_count() -> None:
    made, signatures = signed(2)
    carried = BatchSignature.parse(signatures[0])
    payload = carried.batch(made[0], made[0].encode(), KEY.key_id).encode()
    for form in (dsse.STATEMENT, dsse.ANNOTATION, dsse.ACT):
        lie = BatchSignature(carried.size, carried.index, carried.path, dsse.sign(OWN, form, payload))
        assert rule_of(made[0], lie.encode()) == "batch-signature.invalid"


def test_a_batch_of_another_key_does_not_count() -> None:
    made, signatures = signed(2)
    assert rule_of(made[0], signatures[0], signer("lender-2 REPORT").public_key.raw) == "batch-signature.invalid"


def test_the_signature_over_a_batch_is_none_of_a_statement_by_itself() -> None:
    made, signatures = signed(2)
    assert rule_of(made[0], BatchSignature.parse(signatures[0]).signature) == "signature.invalid"


def test_nothing_but_a_statement_is_signed_by_a_batch() -> None:
    made, signatures = signed(2)
    with pytest.raises(SignatureError) as refused:
        verify_signed(dsse.ANNOTATION, made[0].encode(), KEY.raw, signatures[0])
    assert refused.value.rule == "signature.length"


@pytest.mark.parametrize("size", [0, 1, MAX_BATCH + 1])
def test_a_batch_of_a_wrong_size_is_not_signed(size: int) -> None:
    with pytest.raises(FormatError) as refused:
        sign_statements(OWN, REGISTRY, "lender-1", [number.to_bytes(4) for number in range(size)])
    assert refused.value.rule == "batch-signature.size"


def test_a_statement_twice_in_a_batch_is_not_signed() -> None:
    payload = statement(1).encode()
    with pytest.raises(FormatError) as refused:
        sign_statements(OWN, REGISTRY, "lender-1", [payload, statement(2).encode(), payload])
    assert refused.value.rule == "batch-signature.twice"


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the signatures were over that were verified."""
    counted: list[bytes] = []
    verify = dsse.verify

    def counting(form: str, payload: bytes, public_key: bytes, signature: bytes) -> None:
        counted.append(payload)
        verify(form, payload, public_key, signature)

    monkeypatch.setattr(dsse, "verify", counting)
    return counted


def test_the_signature_of_a_batch_is_verified_once_and_each_path_each_time(checks: list[bytes]) -> None:
    made, signatures = signed(50)
    verified = VerifiedBatches()
    for _ in range(2):
        for one, signature in zip(made, signatures, strict=True):
            verify_statement(one, one.encode(), KEY.raw, signature, verified)
    assert len(checks) == 1
    for one, signature in zip(made, [*signatures[1:], signatures[0]], strict=True):
        with pytest.raises(SignatureError):
            verify_statement(one, one.encode(), KEY.raw, signature, verified)


def test_what_did_not_verify_is_not_taken_for_verified(checks: list[bytes]) -> None:
    made, signatures = signed(2)
    bad = signatures[0][:-1] + bytes((signatures[0][-1] ^ 1,))
    verified = VerifiedBatches()
    for _ in range(2):
        with pytest.raises(SignatureError):
            verify_statement(made[0], made[0].encode(), KEY.raw, bad, verified)
    verify_statement(made[0], made[0].encode(), KEY.raw, signatures[0], verified)
    assert len(checks) == 3


def test_what_one_key_has_signed_pushes_out_nothing_of_another(checks: list[bytes]) -> None:
    verified = VerifiedBatches()
    made, signatures = signed(2)
    verify_statement(made[0], made[0].encode(), KEY.raw, signatures[0], verified)
    other = signer("lender-2 REPORT")
    for number in range(2 * VerifiedBatches.BATCHES_OF_A_KEY):
        pair = [statement(100 + 2 * number + one, issuer="lender-2", signer="lender-2") for one in (0, 1)]
        theirs = sign_statements(other, REGISTRY, "lender-2", [one.encode() for one in pair])
        verify_statement(pair[0], pair[0].encode(), other.public_key.raw, theirs[0], verified)
    before = len(checks)
    verify_statement(made[1], made[1].encode(), KEY.raw, signatures[1], verified)
    assert len(checks) == before
    held = [len(verified._of_key(key.public_key.raw)) for key in (OWN, other)]
    assert held == [1, VerifiedBatches.BATCHES_OF_A_KEY]
