"""The proxy, put together: everything of `sip_proxy` on one socket and one broker."""

import asyncio
from collections.abc import Callable, Mapping

from shared.broker import Bus, Proxies, State, Workers
from shared.events import SECURITY, Event, Stream
from sip_proxy.accounts import Accounts
from sip_proxy.admission import Door
from sip_proxy.auth import Authenticator
from sip_proxy.calls import CallBook
from sip_proxy.cluster import Cluster
from sip_proxy.context import Context
from sip_proxy.deadlines import watch_deadlines
from sip_proxy.effects import Address
from sip_proxy.extensions import EXTENSIONS, Extensions
from sip_proxy.forwarding import Forwarder
from sip_proxy.in_dialog import InDialog
from sip_proxy.invites import Invites
from sip_proxy.ladder import Ladder
from sip_proxy.lanes import Lanes
from sip_proxy.location import Location
from sip_proxy.nonces import keep_shared, new_secret
from sip_proxy.parties import Parties
from sip_proxy.plain import PlainRequests
from sip_proxy.ports import MediaPorts
from sip_proxy.registrar import Limits
from sip_proxy.registrations import Registrations
from sip_proxy.security import WINDOW_S, BadFormats
from sip_proxy.server import Server
from sip_proxy.settings import SipProxySettings
from sip_proxy.silence import SilenceWatch
from sip_proxy.sip.transactions import Timers, TransactionLayer
from sip_proxy.site import Site
from sip_proxy.switchboard import Switchboard
from sip_proxy.transports.listeners import Listeners
from sip_proxy.work import Work


class App:
    """One proxy whose tasks live in a given group."""

    def __init__(
        self,
        settings: SipProxySettings,
        accounts: Accounts,
        bus: Bus,
        state: State,
        workers: Workers,
        proxies: Proxies,
        publish: Callable[[Stream, Event], None],
        tasks: asyncio.TaskGroup,
        now: Callable[[], float],
        token: Callable[[], str],
        timers: Timers | None = None,
    ) -> None:
        """Opens the sockets, but does not listen yet.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        timers = timers or Timers()
        self._state, self._publish, self._tasks, self._now = state, publish, tasks, now
        self._listeners = Listeners(settings)
        address = self._listeners.address
        self._cluster = Cluster(proxies, bus, publish, settings.instance, self._listeners.addresses(), now)
        site = Site(
            address,
            settings.sip_domain or address.host,
            settings.names(),
            self._listeners.secure_address,
            self._cluster.relatives,
        )
        self._authenticator = Authenticator(accounts, settings.realm, new_secret())
        self._bad_formats = BadFormats()
        self._layer = TransactionLayer(timers)
        self._lanes: Lanes[Work] = Lanes(tasks)
        self._server = Server(
            self._layer,
            Door(site, self._authenticator, EXTENSIONS),
            Ladder(publish, now, lambda call_id: self._book.get(call_id) is not None),
            self._bad_formats,
            self._cluster,
            publish,
            now,
            self._lanes.put,
        )
        for transport, sender in self._listeners.senders().items():
            self._server.attach(transport, sender)
        self._location = Location(state, publish, now)
        ports = MediaPorts(workers, now, token)
        self._book = CallBook(state, ports, publish, now, settings.instance)
        self._silence = SilenceWatch(
            bus, workers, self._book, self._lanes, now, settings.media_timeout_s, timers.transaction
        )
        context = Context(self._server, site, timers, settings.realm, settings.instance, publish, now, token)
        limits = Limits(min_expires_s=settings.registration_min_s, max_expires_s=settings.registration_max_s)
        self._forwarder = forwarder = Forwarder(context)
        invites = Invites(context, accounts, self._location, ports, self._book, forwarder)
        self._switchboard = Switchboard(
            context,
            self._book,
            forwarder,
            Registrations(context, self._location, limits),
            invites,
            InDialog(context, ports, self._book, forwarder, Parties(context, self._location)),
            Extensions(context, invites, ports, self._book, settings.impairment(), settings.language),
            PlainRequests(context, accounts, self._location, forwarder),
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
        self._lanes.serve(self._switchboard.handle, self._switchboard.broken_off)
        await self._listeners.start(self._server, self._tasks)
        self._tasks.create_task(self._listeners.refresh_certificates())
        self._tasks.create_task(self._cluster.announce())
        self._tasks.create_task(self._cluster.listen(self._server))
        self._tasks.create_task(keep_shared(self._state, self._authenticator))
        self._tasks.create_task(self._location.watch())
        self._tasks.create_task(self._book.maintain())
        self._tasks.create_task(self._silence.listen())
        self._tasks.create_task(self._silence.watch())
        self._tasks.create_task(watch_deadlines(self._book, self._lanes, self._now))
        self._tasks.create_task(self._tell_bad_formats())

    def close(self) -> None:
        """Lets go of the sockets. Calls run on without us, and a successor takes over their records."""
        self._server.close()
        self._listeners.close()

    def counters(self) -> Mapping[str, float]:
        """Totals since the start, and how much of what there is now."""
        return {
            **self._server.counters,
            **self._listeners.counters(),
            "work_broken_off": self._lanes.failures,
            "calls": len(self._book),
            "registrations": self._location.registered,
            "transactions": len(self._layer),
            "timers": self._server.timers,
            "lanes": len(self._lanes),
            "forwarded": len(self._forwarder),
        }

    async def _tell_bad_formats(self) -> None:
        while True:
            await asyncio.sleep(WINDOW_S)
            for event in self._bad_formats.due(self._now()):
                self._publish(SECURITY, event)
