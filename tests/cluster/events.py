"""What is done to a running cluster: each event harms it, waits until it has to bear that, and ends the harm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from tests.cluster.databases import NODES
from tests.cluster.site import REGISTRIES
from tests.cluster.waiting import wait_for
from tests.torture.site import KEY_SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.cluster.site import ClusterSite

__all__ = ["CALM", "EVENTS", "Event"]

# Seconds.
_TAKEN_OVER = 60.0
# A machine, or a process whose manager starts it again, is away for so long.
_MACHINE_AWAY = 4.0
_PROCESS_AWAY = 2.0
_STANDBYS_AWAY = 20.0
_FULL = 30.0
_CALM = 10.0


def _calm(_site: ClusterSite, _random: Random) -> None:
    time.sleep(_CALM)


def _node(site: ClusterSite, _random: Random) -> None:
    lost = _leader(site)
    site.databases.kill_node(lost)
    wait_for(lambda: site.databases.health().leader not in {"", lost}, "no other machine takes over", _TAKEN_OVER)
    site.databases.start_node(lost)


def _postgres(site: ClusterSite, _random: Random) -> None:
    site.databases.kill_postgres(_leader(site))


def _switchover(site: ClusterSite, _random: Random) -> None:
    before = _leader(site)
    wait_for(site.databases.switch_over, "Patroni does not switch over", _TAKEN_OVER)
    wait_for(lambda: site.databases.health().leader not in {"", before}, "the switchover has no end", _TAKEN_OVER)


def _standby(site: ClusterSite, _random: Random) -> None:
    lost = site.databases.health().synchronous
    site.databases.kill_node(lost)
    time.sleep(_MACHINE_AWAY)
    site.databases.start_node(lost)


def _standbys(site: ClusterSite, _random: Random) -> None:
    leader = _leader(site)
    lost = [node for node in NODES if node != leader]
    # Only their PostgreSQL: without two of three etcd the primary would have to stand down.
    for node in lost:
        site.databases.kill_patroni(node)
    time.sleep(_STANDBYS_AWAY)
    for node in lost:
        site.databases.start_patroni(node)


def _etcd(site: ClusterSite, _random: Random) -> None:
    wait_for(lambda: bool(site.databases.etcd_leader()), "etcd has no leader", _TAKEN_OVER)
    lost = site.databases.etcd_leader()
    site.databases.kill_etcd(lost)
    time.sleep(_MACHINE_AWAY)
    site.databases.start_etcd(lost)


def _registry(site: ClusterSite, random: Random) -> None:
    lost = random.choice(tuple(REGISTRIES))
    site.kill_registry(lost)
    time.sleep(_PROCESS_AWAY)
    site.start_registry(lost)


def _key_service(site: ClusterSite, random: Random) -> None:
    lost = random.choice(KEY_SERVICES)
    site.registry.stop(lost, kill=True)
    time.sleep(_PROCESS_AWAY)
    site.registry.start_key_service(lost)


def _disk(site: ClusterSite, _random: Random) -> None:
    site.fill_disk(_FULL)


def _leader(site: ClusterSite) -> str:
    wait_for(lambda: bool(site.databases.health().leader), "there is no primary", _TAKEN_OVER)
    return site.databases.health().leader


class Event(NamedTuple):
    """A kind of event.

    Attributes:
        name: of it.
        happen: does it.
        what: in words.
    """

    name: str
    happen: Callable[[ClusterSite, Random], None]
    what: str


CALM = Event("calm", _calm, "nothing, for comparison")
EVENTS = {
    event.name: event
    for event in (
        Event("node", _node, "the machine of the primary is lost: PostgreSQL, Patroni and etcd"),
        Event("postgres", _postgres, "PostgreSQL of the primary is killed, its Patroni is not"),
        Event("switchover", _switchover, "a planned switchover to the synchronous standby"),
        Event("standby", _standby, "the machine of the synchronous standby is lost"),
        Event("etcd", _etcd, "the leader of etcd is lost"),
        Event("registry", _registry, "one of the two processes of the registry is killed"),
        Event("key-service", _key_service, "one of the two key services is killed"),
        Event("standbys", _standbys, "both standbys are away for 20 s"),
        Event("disk", _disk, "the disk of databases, registries and key services is full for 30 s"),
    )
}
