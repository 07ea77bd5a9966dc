"""The primitives that commitments and sealing stand on, against third-party vectors."""

from __future__ import annotations

import hmac
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from tests.client_sdk.kernel.formats.vectors import load


def cases(path: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(group, case) for group in load(path)["testGroups"] for case in group["tests"]]


def test_wycheproof_hmac_sha256() -> None:
    found = cases("wycheproof/hmac_sha256_test.json")
    for group, case in found:
        tag = hmac.digest(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]), "sha256")[: group["tagSize"] // 8]
        assert hmac.compare_digest(tag, bytes.fromhex(case["tag"])) == (case["result"] == "valid"), case
    assert len(found) == 174


def test_wycheproof_hkdf_sha256_whole_and_in_two_steps() -> None:
    found = cases("wycheproof/hkdf_sha256_test.json")
    for _, case in found:
        secret, salt, info, okm = (bytes.fromhex(case[part]) for part in ("ikm", "salt", "info", "okm"))
        if case["result"] == "valid":
            assert HKDF(SHA256(), case["size"], salt, info).derive(secret) == okm, case
            # The pseudonym extracts once and expands twice.
            assert HKDFExpand(SHA256(), case["size"], info).derive(hmac.digest(salt, secret, "sha256")) == okm, case
        else:
            assert case["size"] > 255 * 32, case
    assert len(found) == 86
