"""Pseudonyms from key services, for blocking calls and for asyncio.

    with KeyClient("lender-1", {KeyUse.INQUIRE: signer}, tls) as keys:
        [by_version] = keys.pseudonyms(follower.directory, [identity], KeyUse.INQUIRE, Purpose.LOAN_APPROVAL)

Addresses and public keys come from the directory, so from acts that administrators have signed, never from an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from client_sdk._key_services import DEADLINE_SECONDS, KeyServiceAsker
from client_sdk._steps import run, run_async
from client_sdk._transport.mode import ASYNCIO, BLOCKING
from client_sdk.clock import clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from client_sdk._transport.mode import Mode
    from client_sdk._transport.tls import TlsSource
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.words import KeyUse, Purpose
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.status import KeyServiceStatus

__all__ = ["AsyncKeyClient", "KeyClient"]


class _WithAsker:
    """Constructor of both key clients, which differ in the mode of their calls."""

    _mode: ClassVar[Mode]

    def __init__(
        self,
        institution: str,
        signers: Mapping[KeyUse, Signer],
        tls: TlsSource,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        now_ms: Callable[[], int] = clock_ms,
    ) -> None:
        self._asker = KeyServiceAsker(
            self._mode, institution, signers, tls, deadline_seconds=deadline_seconds, now_ms=now_ms
        )


class KeyClient(_WithAsker):
    """Asks key services, blocking; for any number of threads.

    Args:
        institution: the member's id.
        signers: a signer of the member for each use.
        tls: the member's certificate, and the authority of the key services; a ``TlsFolder`` where renewed files are to
            be taken.
        deadline_seconds: of one question to one key service, with what it is asked again.
        now_ms: the clock, ms since 1970 UTC.

    Raises:
        ConfigError: an argument is not in order.
    """

    _mode = BLOCKING

    def __enter__(self) -> Self:
        self._asker.owner.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        run(self._asker.close())

    def evaluate(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, tuple[bytes, ...]]]:
        """Return, for each input, by version the 64-byte outputs of its services in the order of RegistryState.

        Args:
            directory: names the services of each live version.
            inputs: ``Identity.voprf_input()`` of each person.
            use: what the outputs are for; chooses the signer.
            purpose: why; REPORTING for reporting, one of the others for inquiring.
            versions: of the subject keys; all live ones unless given.

        Raises:
            PreflightError: an argument is of another type.
            ConfigError: there is no key of that use, a version is not live, or the client is closed or was made in
                another process.
            KeyServiceError: a service is down, late, refuses, or its answer is not proved.
        """
        return run(self._asker.evaluate(directory, inputs, use, purpose, versions))

    def pseudonyms(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, Pseudonym]]:
        """Return the pseudonym of each person by version; arguments and errors as for ``evaluate``."""
        return run(self._asker.pseudonyms(directory, identities, use, purpose, versions))

    def statuses(self, directory: Directory) -> tuple[KeyServiceStatus, ...]:
        """Return how each key service stands, as it says itself; errors of this machine as for ``evaluate``."""
        return run(self._asker.statuses(directory))


class AsyncKeyClient(_WithAsker):
    """Asks key services from one event loop; arguments as for ``KeyClient``.

    Raises:
        ConfigError: no event loop is running, or an argument is not in order.
    """

    _mode = ASYNCIO

    async def __aenter__(self) -> Self:
        self._asker.owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await run_async(self._asker.close())

    async def evaluate(
        self,
        directory: Directory,
        inputs: Sequence[bytes],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, tuple[bytes, ...]]]:
        """Return the outputs of each input; arguments and errors as for ``KeyClient.evaluate``."""
        return await run_async(self._asker.evaluate(directory, inputs, use, purpose, versions))

    async def pseudonyms(
        self,
        directory: Directory,
        identities: Sequence[Identity],
        use: KeyUse,
        purpose: Purpose,
        versions: Sequence[int] | None = None,
    ) -> list[dict[int, Pseudonym]]:
        """Return the pseudonym of each person by version; arguments and errors as for ``KeyClient.evaluate``."""
        return await run_async(self._asker.pseudonyms(directory, identities, use, purpose, versions))

    async def statuses(self, directory: Directory) -> tuple[KeyServiceStatus, ...]:
        """Return how each key service stands, as it says itself; errors of this machine as for ``evaluate``."""
        return await run_async(self._asker.statuses(directory))
