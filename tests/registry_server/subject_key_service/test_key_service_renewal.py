"""A key service whose certificate is renewed while it runs goes on following the registry, with the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from tests.support.key_services import KeyServiceSite, wait_until_followed
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.tls import Authority
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def serial_in(site: KeyServiceSite) -> int:
    return x509.load_pem_x509_certificates((site.folder.tls / "certificate.pem").read_bytes())[0].serial_number


def test_the_registry_is_shown_the_renewed_certificate(tmp_path: Path) -> None:
    authority, site = Authority(), KeyServiceSite(tmp_path / "key-service-a", "key-service-a")
    log = Logbook(services=[site.service])
    registry = LogbookRegistry(log)
    with serve(registry, authority.server()) as target:
        site.install(authority, log.trust_root, target)
        first = serial_in(site)
        with site.running(authority.member("lender-1")) as link:
            assert registry.shown == {first}
            site.install(authority, log.trust_root, target)
            renewed = serial_in(site)
            wait_until(lambda: renewed in registry.shown)
            # From now on the old one is let in no more.
            registry.refused = first
            log.commit()
            wait_until_followed(link, log.logged_at)
    assert registry.shown == {first, renewed}
