"""Builds the image of deploy/Containerfile and has it serve a registry: python -m tests.deploy.container

It takes minutes, root and the network, so it is run by hand (`make container`). The base is made by debootstrap once,
and kept in .cache. The last line is JSON:

    {"base_seconds": 60, "build_seconds": 120, "megabytes": 310, "started_seconds": 4.2, "reported": 1,
     "verdict": "LISTED"}
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from client_sdk import Client, Purpose
from client_sdk.models import written_consent
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import listens
from tests.client_sdk.sdk_samples import default_report, person
from tests.cluster.waiting import wait_for

ROOT = Path(__file__).parents[2]
ROOTFS = ROOT / ".cache" / "container" / "rootfs"
BASE, IMAGE = "localhost/credit-registry-base", "localhost/credit-registry"
SUITE = "bookworm"
PROGRAMS = ("buildah", "debootstrap")
# The image's own user.
USER = 10001
# Of this machine, for whatever stands between it and the package index.
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
SECONDS = 1_800.0


def run(*command: str | Path) -> str:
    """Run a command, show what it says, and return what it wrote to standard output."""
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS, cwd=ROOT
    ).stdout.strip()


def base() -> None:
    """Make the image that the others are made from, with nothing but Debian in it."""
    if not ROOTFS.exists():
        draft = ROOTFS.with_name("draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        run("debootstrap", "--variant=minbase", SUITE, draft)
        for folder in ("proc", "sys"):
            if (draft / folder).is_mount():
                run("umount", "--lazy", draft / folder)
        draft.rename(ROOTFS)
    elif run("buildah", "images", "--quiet", "--filter", f"reference={BASE}"):
        return
    made = run("buildah", "from", "scratch")
    run("buildah", "add", "--quiet", made, ROOTFS, "/")
    run("buildah", "commit", "--quiet", "--rm", made, BASE)


def build() -> None:
    """Make wheel and image."""
    for old in (ROOT / "dist").glob("credit_registry-*.whl"):
        old.unlink()
    pip = ("python3", "-m", "pip", "--python", sys.executable, "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", ".")
    apart: tuple[str, ...] = ("--isolation", "chroot", "--pull-never", "--layers=false")
    if AUTHORITIES.exists():
        apart += ("--volume", f"{AUTHORITIES}:/run/authorities.crt:ro", "--build-arg", "PIP_CERT=/run/authorities.crt")
    file = ("--file", ROOT / "deploy" / "Containerfile", "--build-arg", f"BASE={BASE}")
    print(run("buildah", "build", *apart, *file, "--tag", IMAGE, "."))


def megabytes() -> int:
    """Return the size of the image."""
    images = json.loads(run("buildah", "images", "--json", IMAGE))
    return round(float(images[0]["size"].split()[0]))


def serve() -> dict[str, object]:
    """Found a registry, have the image serve it, report and ask; return figures."""
    with tempfile.TemporaryDirectory(prefix="container-") as folder, TestRegistry(folder=Path(folder, "site")) as site:
        site.stop("registry")
        # The image's user has its own folder, and none of the others.
        for path in (site.registry_home, *site.registry_home.rglob("*")):
            os.chown(path, USER, USER)
        made = run("buildah", "from", "--pull-never", IMAGE)
        try:
            volume = ("--volume", f"{site.registry_home}:/var/lib/credit-registry:rw")
            started = time.monotonic()
            words = ("registry-server", "serve", "--home", "/var/lib/credit-registry")
            command = ("buildah", "run", "--isolation", "chroot", *volume, made, "--", *words)
            process = subprocess.Popen(command, start_new_session=True)
            try:
                port = int(site.address.rpartition(":")[2])
                wait_for(lambda: listens(port) or process.poll() is not None, "the image does not serve", 60.0)
                seconds = round(time.monotonic() - started, 1)
                with site.client("lender-1") as client:
                    return {"started_seconds": seconds, **_use(client)}
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(60)
        finally:
            run("buildah", "rm", made)


def _use(client: Client) -> dict[str, object]:
    receipt = client.report(default_report(1))
    given = written_consent(document=b"consent", given_on=datetime.now(UTC).date() - timedelta(days=1))
    answer = client.check(person(1), purpose=Purpose.LOAN_APPROVAL, consent=given, officer="clerk-7")
    return {"reported": int(not receipt.repeated), "verdict": answer.verdict.name}


def main() -> None:
    """Build, serve, and print figures."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing or os.geteuid() != 0:
        sys.exit(f"needs root, and {' and '.join(missing or PROGRAMS)} of Debian")
    times = [time.monotonic()]
    for step in (base, build):
        step()
        times.append(time.monotonic())
    seconds = {"base_seconds": round(times[1] - times[0]), "build_seconds": round(times[2] - times[1])}
    print(json.dumps({**seconds, "megabytes": megabytes(), **serve()}))


if __name__ == "__main__":
    main()
