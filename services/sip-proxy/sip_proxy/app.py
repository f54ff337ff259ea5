"""The proxy, put together: everything of `sip_proxy` on one socket and one broker."""

import asyncio
from collections.abc import Callable, Mapping
from secrets import randbelow

from shared.broker import AccountBook, Bus, NonceUses, Proxies, Quotas, Registry, State, Workers
from shared.events import SECURITY, Draft, Event, Stream
from sip_proxy.account_watch import AccountWatch
from sip_proxy.accounts import Accounts
from sip_proxy.admission import Door
from sip_proxy.auth import Authenticator
from sip_proxy.calls.call_limits import CallLimits
from sip_proxy.calls.callees import Callees
from sip_proxy.calls.calls import CallBook
from sip_proxy.calls.deadlines import watch_deadlines
from sip_proxy.calls.in_dialog import InDialog
from sip_proxy.calls.invites import Invites
from sip_proxy.calls.plain import PlainRequests
from sip_proxy.calls.silence import SilenceWatch
from sip_proxy.calls.speakers import Speakers
from sip_proxy.calls.subscriptions import Subscriptions
from sip_proxy.carriers.contact_tokens import ContactTokens
from sip_proxy.carriers.gate import Gate
from sip_proxy.carriers.next_hops import NextHops, Ways
from sip_proxy.carriers.outages import Outages
from sip_proxy.carriers.registrations import CarrierRegistrations
from sip_proxy.carriers.requests import CarrierRequests
from sip_proxy.carriers.resolver import Resolver
from sip_proxy.carriers.sources import CarrierSources
from sip_proxy.cluster import Cluster
from sip_proxy.context import Context
from sip_proxy.effects import Address
from sip_proxy.extensions.extensions import EXTENSIONS, Extensions
from sip_proxy.guard import Guard
from sip_proxy.guard.ban_list import BanList
from sip_proxy.guard.journal import Journal
from sip_proxy.ladder import Ladder
from sip_proxy.lanes import Lanes
from sip_proxy.media.ports import MediaPorts
from sip_proxy.nonces import keep_shared, new_secret, share
from sip_proxy.parties import Parties
from sip_proxy.registration.gateways import Patience
from sip_proxy.registration.location import Location
from sip_proxy.registration.probes import Probes
from sip_proxy.registration.registrations import Registrations
from sip_proxy.replays import Replays
from sip_proxy.routing.forwarding import Forwarder
from sip_proxy.routing.site import Site
from sip_proxy.server import Server
from sip_proxy.settings import SipProxySettings
from sip_proxy.sip.transactions import Timers, TransactionLayer
from sip_proxy.switchboard import Switchboard
from sip_proxy.transports.listeners import Listeners
from sip_proxy.work import Work


class App:
    """One proxy whose tasks live in a given group."""

    def __init__(
        self,
        settings: SipProxySettings,
        accounts: Accounts,
        account_book: AccountBook,
        bus: Bus,
        state: State,
        workers: Workers,
        proxies: Proxies,
        quotas: Quotas,
        registry: Registry,
        nonces: NonceUses,
        write: Callable[[Stream, Event | Draft], None],
        tasks: asyncio.TaskGroup,
        now: Callable[[], float],
        token: Callable[[], str],
        timers: Timers | None = None,
    ) -> None:
        """Opens the sockets, but does not listen yet.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        timers = timers or Timers(t1=settings.sip_round_trip_ms / 1000)
        publish = Journal(write).publish
        self._state, self._publish, self._tasks, self._now = state, publish, tasks, now
        self._listeners = Listeners(settings)
        self._cluster = Cluster(proxies, bus, publish, settings.instance, self._listeners.addresses(), now)
        site = Site(
            self.address,
            settings.sip_domain or self.address.host,
            settings.names(),
            self._listeners.secure_address,
            self._cluster.relatives,
        )
        self._authenticator = Authenticator(accounts, settings.realm, new_secret(), settings.algorithms())
        self._guard = Guard(settings.guard_rules())
        self._ban_list = BanList(state, self._guard, publish, now)
        self._layer = TransactionLayer(timers)
        self._lanes: Lanes[Work] = Lanes(tasks)
        carriers, tokens = settings.carrier_rules(), ContactTokens(lambda: self._authenticator.secret)
        gate = Gate(site, carriers, tokens)
        self._server = Server(
            self._layer,
            Door(site, self._authenticator, EXTENSIONS, gate),
            Ladder(write, now, lambda call_id: self._book.get(call_id) is not None),
            self._guard,
            self._cluster,
            publish,
            now,
            self._lanes.put,
        )
        for transport, sender in self._listeners.senders().items():
            self._server.attach(transport, sender)
        limits = settings.registration_limits()
        self._location = Location(registry, limits, publish, now)
        self._account_watch = AccountWatch(accounts, account_book, self._location, settings)
        ports = MediaPorts(workers, now, token)
        context = Context(self._server, site, timers, settings.realm, settings.instance, publish, now, token)
        call_limits = CallLimits(context, accounts, EXTENSIONS, quotas)
        self._book = CallBook(state, ports, publish, now, settings.instance, call_limits, lambda: self.neighbours > 0)
        self._silence = SilenceWatch(
            bus, workers, self._book, self._lanes, now, settings.media_timeout_s, timers.transaction
        )
        replays = Replays(context, self._authenticator, nonces, self._guard.signed_in)
        outages = Outages(now)
        self._forwarder = forwarder = Forwarder(context, outages)
        next_hops = NextHops(
            Resolver(settings.name_servers()),
            Ways(self._listeners.addresses(), settings.address_records, settings.carrier_tcp_when_large),
            outages,
            randbelow,
        )
        sources = CarrierSources(carriers, next_hops)
        callees = Callees(context, accounts, self._location)
        invites = Invites(context, callees, ports, self._book, forwarder)
        speakers = Speakers(context, self._authenticator, self._location, self._guard.is_trusted, sources.has_named)
        self._probes = Probes(
            context,
            registry,
            state,
            settings.probe_interval_s,
            Patience(settings.probe_down_after, settings.probe_up_after),
        )
        subscriptions = Subscriptions(context, state, forwarder)
        self._switchboard = Switchboard(
            context,
            self._book,
            forwarder,
            replays,
            Registrations(context, self._location, replays, limits),
            invites,
            InDialog(context, ports, self._book, forwarder, Parties(context, self._location), speakers),
            Extensions(context, invites, ports, self._book, speakers, settings.impairment(), settings.language),
            PlainRequests(context, callees, forwarder, subscriptions),
            subscriptions,
            call_limits,
            self._probes,
            CarrierRequests(
                context,
                gate,
                carriers,
                next_hops,
                sources,
                tokens,
                CarrierRegistrations(context, next_hops, tokens, self._location, forwarder, self._guard.signed_in),
                self._location,
                invites,
                forwarder,
            ),
        )

    @property
    def address(self) -> Address:
        """Where phones reach us without TLS."""
        return self._listeners.address

    @property
    def secure_address(self) -> Address | None:
        """Where they reach us with TLS; None when we do not speak it."""
        return self._listeners.secure_address

    @property
    def neighbours(self) -> int:
        """How many other proxies of this system live."""
        return len(self._cluster)

    async def start(self) -> None:
        """Begins to serve."""
        await self._account_watch.begin()
        self._tasks.create_task(self._account_watch.follow())
        await share(self._state, self._authenticator)  # before the first challenge, or its answer would be refused
        self._lanes.serve(self._switchboard.handle, self._switchboard.broken_off)
        await self._listeners.start(self._server, self._tasks)
        self._tasks.create_task(self._listeners.refresh_certificates())
        self._tasks.create_task(self._cluster.announce())
        self._tasks.create_task(self._cluster.listen(self._server))
        self._tasks.create_task(keep_shared(self._state, self._authenticator))
        self._tasks.create_task(self._location.watch())
        self._tasks.create_task(self._probes.run())
        self._tasks.create_task(self._book.maintain())
        self._tasks.create_task(self._silence.listen())
        self._tasks.create_task(self._silence.watch())
        self._tasks.create_task(watch_deadlines(self._book, self._lanes, self._now))
        self._tasks.create_task(self._ban_list.keep())
        self._tasks.create_task(self._tell_bursts())

    def close(self) -> None:
        """Lets go of the sockets. Calls run on without us, and a successor takes over their records."""
        self._server.close()
        self._listeners.close()

    def counters(self) -> Mapping[str, float]:
        """Totals since the start, and how much of what there is now."""
        return {
            **self._server.counters,
            **self._listeners.counters(),
            **self._guard.counters,
            "sources_banned": len(self._guard.bans),
            "work_broken_off": self._lanes.failures,
            "calls": len(self._book),
            "registrations": self._location.registered,
            "transactions": len(self._layer),
            "timers": self._server.timers,
            "lanes": len(self._lanes),
            "forwarded": len(self._forwarder),
        }

    async def _tell_bursts(self) -> None:
        while True:
            await asyncio.sleep(1)
            for event in self._guard.due(self._now()):
                self._publish(SECURITY, event)
