"""An auditor's whole audit, from its home folder to the report.

report = Auditor.from_home("auditor").audit(jobs=os.cpu_count())
report.write_html("audit.html")
sys.exit(report.exit_code)
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING

from client_sdk._files import path_of
from client_sdk._transport.calling import calling
from client_sdk._transport.channels import Deadlines, channel
from client_sdk._transport.tls import TlsFolder
from client_sdk.auditing.accepting import accept_findings
from client_sdk.auditing.audit import audit
from client_sdk.auditing.cosigning import cosign_audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.clock import clock_ms
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.replay_quorum import replay_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from client_sdk.auditing.home import AuditFinding
    from client_sdk.auditing.report import AuditReport

__all__ = ["Auditor"]

_FOLDER = "audit"
# More processes than any machine of an auditor has processors.
_MOST_JOBS = 1_024


class Auditor:
    """An auditor of one registry. It keeps in a folder how far it came and what it found.

    Args:
        config: of the auditor's home.
        state: folder of the audit, made where there is none; None for ``audit`` in the home.

    Raises:
        ConfigError: ``config`` is no ClientConfig, or ``state`` no path.
    """

    def __init__(self, config: ClientConfig, *, state: str | Path | None = None) -> None:
        given: object = config
        if not isinstance(given, ClientConfig):
            raise ConfigError(f"config: want a ClientConfig, got {type(given).__name__}")
        self.config = config
        #: Folder of the audit, which ``credit-registry audit`` has too.
        self.state = config.home / _FOLDER if state is None else path_of(state, "state")

    @classmethod
    def from_home(cls, path: str | Path, *, state: str | Path | None = None) -> Auditor:
        """Return the auditor of a home folder, as ``credit-registry init`` and ``trust`` make it.

        Args:
            path: of the home.
            state: as for the class.

        Raises:
            ConfigError: the settings are missing or not in order.
        """
        return cls(ClientConfig.from_home(path), state=state)

    def audit(
        self,
        *,
        progress: Callable[[int, int], None] | None = None,
        executor: Executor | None = None,
        jobs: int = 1,
    ) -> AuditReport:
        """Fetch what is new in the log, and verify all of it: signatures, keys, chains, acts, lapses, map, inquiries.

        The audit goes on from where the last one ended; what was found stays found. It waits for the registry no
        longer than the deadlines of its calls, and verifies for as long as the log takes.

        Args:
            progress: called with the number of leaves verified and the number of all, after each batch.
            executor: where signatures of members are verified and the map is computed; None for this process or
                ``jobs``. It gets the log's leaves and the bindings of live records, and no key.
            jobs: processes that are started for them; 1 for none. A program that asks for more must be
                importable: it starts its work under ``if __name__ == "__main__"``.

        Raises:
            ConfigError: certificate, trust root or folder is missing, damaged, in use or of another registry,
                ``jobs`` is below 1 or above 1,024, or an argument is of another type.
            TransportError: the registry does not answer.
            RefusedError: it refuses, e.g. because the caller is no auditor.
            VerificationError: a stream was cut short or out of order, so that nothing was audited.
            ExecutorError: a process or the executor did not do its part, so that nothing was audited.
        """
        _check_audit(progress, executor, jobs)
        trust_root, tls = self.config.trust_root(), TlsFolder(self.config.tls_key.parent, self.config.tls_key_pem)
        home = AuditHome(self.state)
        # Threads of gRPC do not survive a fork.
        spawn = multiprocessing.get_context("spawn")
        own = ProcessPoolExecutor(jobs, mp_context=spawn) if executor is None and jobs > 1 else nullcontext(executor)
        with channel(self.config.registry, tls, Deadlines()) as opened, own as pool, calling():
            if isinstance(own, ProcessPoolExecutor):
                # They start while the log is fetched.
                for number in range(jobs):
                    own.submit(abs, number)
            return audit(RegistrySource(opened), home, trust_root, executor=pool, progress=progress)

    def cosign(self) -> int:
        """Cosign the log up to where the last audit went, unless a finding tells against it, and hand that in.

        Returns:
            Leaves that are cosigned; 0 where there was no audit yet, or a finding tells against the log.

        Raises:
            ConfigError: key, certificate, trust root or folder is missing, damaged or of another registry.
            TransportError: the registry does not answer.
            RefusedError: it refuses, e.g. because the rulebook does not name the key.
        """
        trust_root, signer = self.config.trust_root(), self.config.replay_signer()
        name = replay_name(self.config.name, self.config.institution)
        cosigned = cosign_audit(AuditHome(self.state), trust_root, name, signer)
        if cosigned is None:
            return 0
        tls = TlsFolder(self.config.tls_key.parent, self.config.tls_key_pem)
        with channel(self.config.registry, tls, Deadlines()) as opened, calling():
            RegistrySource(opened).publish(cosigned.note)
        return cosigned.size

    def accept(self, references: Sequence[str], reason: str) -> tuple[AuditFinding, ...]:
        """Record that a person here has looked into findings, and why they do not tell against the log any more.

        What is accepted stays in the report, with the reason. Findings about the newest HEAD go on to keep the auditor
        from cosigning for as long as audits find them.

        Args:
            references: of the findings, as a report shows them.
            reason: in the words of that person, 1 to 500 characters; goes into every report.

        Returns:
            The findings, accepted.

        Raises:
            ConfigError: there is no such finding, it can never be accepted, the reason is no such text, an audit is
                running, or the folder is damaged or of another registry.
        """
        return accept_findings(AuditHome(self.state), self.config.trust_root(), references, reason, clock_ms())


def _check_audit(progress: object, executor: object, jobs: object) -> None:
    if progress is not None and not callable(progress):
        raise ConfigError(f"progress: want a function, or None, got {type(progress).__name__}")
    if not isinstance(executor, Executor | None):
        raise ConfigError(f"executor: want an Executor, or None, got {type(executor).__name__}")
    if type(jobs) is not int or not 1 <= jobs <= _MOST_JOBS:
        raise ConfigError(f"jobs: want a whole number from 1 to {_MOST_JOBS:,}")
