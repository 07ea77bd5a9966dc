"""gRPC calls a method again only where it has one question and one answer, and a new method cannot be forgotten."""

from __future__ import annotations

import importlib
import json
import pkgutil

import creditregistry.v1

from client_sdk._transport.channels import _SERVICE_CONFIG, retried_methods

SENT_ONCE = {("creditregistry.v1.SubjectKeyService", "Evaluate")}


def test_every_method_with_one_answer_is_retried_and_no_stream_is() -> None:
    files = [
        importlib.import_module(f"creditregistry.v1.{module.name}")
        for module in pkgutil.iter_modules(creditregistry.v1.__path__)
        if module.name.endswith("_service_pb2")
    ]
    methods = {
        (service.full_name, method.name): method.client_streaming or method.server_streaming
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert len(files) == 8
    assert any(methods.values())
    assert set(retried_methods()) == {name for name, streams in methods.items() if not streams} - SENT_ONCE


def test_the_service_config_names_each_method() -> None:
    (config,) = json.loads(_SERVICE_CONFIG)["methodConfig"]
    assert [(name["service"], name["method"]) for name in config["name"]] == retried_methods()
    assert config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]
