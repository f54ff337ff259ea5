"""OPTIONS probes: every contact that registered with this replica is asked now and then whether it lives, on the flow
of its REGISTER. That also keeps the way through its NAT open."""

import asyncio
from dataclasses import dataclass

import structlog

from shared.broker import BrokerLost, Registry, State
from shared.events import GATEWAYS, GatewayDown, GatewayProbed, GatewayUp
from sip_proxy.context import Context
from sip_proxy.documents import read
from sip_proxy.effects import ClientKey, Flow
from sip_proxy.registration.bindings import Binding, Bindings
from sip_proxy.registration.gateways import Gateway, Patience, is_due
from sip_proxy.sip.message import Request
from sip_proxy.sip.transactions.layer import MAGIC_COOKIE
from sip_proxy.work import ResponseArrived, TimerRan, TransactionFailed

log = structlog.get_logger(__name__)

PREFIX = "vqm:gateway:"
KEPT_S = 3600.0  # over which absence of ours a state is still believed
TICK_S = 1.0
AT_ONCE = 200  # addresses of record in one look-up
_TIMER = "probe "


@dataclass(frozen=True, slots=True)
class _Probe:
    aor: str
    binding: Binding
    sent_at: float


class Probes:
    """All probes under way. `interval_s` of 0 sends none."""

    def __init__(
        self, context: Context, registry: Registry, state: State, interval_s: float, patience: Patience
    ) -> None:
        self._context = context
        self._registry = registry
        self._state = state
        self._interval_s = interval_s
        self._patience = patience
        self._under_way: dict[ClientKey, _Probe] = {}
        # RFC 3261 17.1.2.2: sent four times by then
        self._timeout_s = 8 * context.timers.t1

    async def run(self) -> None:
        """Sends what is due, until cancelled."""
        if not self._interval_s:
            return
        seen = self._context.now()
        while True:
            await asyncio.sleep(min(TICK_S, self._interval_s / 10))
            now = self._context.now()
            try:
                await self._send_due(seen, now)
            except BrokerLost as error:
                log.warning("probes wait", error=str(error))
            seen = now

    async def response(self, work: ResponseArrived) -> None:
        """Any final answer is a sign of life."""
        probe = self._under_way.get(work.transaction)
        if probe is None or work.response.status < 200:
            return
        self._end(work.transaction)
        now = self._context.now()
        elapsed_s = now - probe.sent_at
        # an answer to something that was sent twice has no known round-trip time (Karn's algorithm, RFC 6298 3)
        known = probe.binding.flow.reliable or elapsed_s < self._context.timers.t1
        rtt_ms = elapsed_s * 1000 if known and elapsed_s >= 0 else None
        await self._conclude(probe, now, work.response.status, rtt_ms)

    async def failed(self, work: TransactionFailed) -> None:
        """The network did not even take it."""
        probe = self._under_way.get(work.transaction)
        if probe is not None:
            self._end(work.transaction)
            await self._conclude(probe, self._context.now(), None, None)

    async def timer(self, work: TimerRan) -> None:
        """Nobody answered."""
        key = ClientKey(work.name.removeprefix(_TIMER), "OPTIONS")
        probe = self._under_way.get(key)
        if not work.name.startswith(_TIMER) or probe is None:
            return
        self._end(key)
        self._context.wire.abandon(key)
        now = self._context.now()
        if now - probe.sent_at < 2 * self._timeout_s:  # else it was us who slept, and not the gateway
            await self._conclude(probe, now, None, None)

    async def _send_due(self, after: float, until: float) -> None:
        due = [aor for aor in await self._registry.known() if is_due(aor, after, until, self._interval_s)]
        for start in range(0, len(due), AT_ONCE):
            aors = due[start : start + AT_ONCE]
            for aor, document in zip(aors, await self._registry.documents(aors), strict=True):
                for binding in Bindings.from_document(aor, document).bindings:
                    # the others are on sockets of other replicas
                    if binding.proxy == self._context.instance and binding.expires_at > until:
                        await self._probe(_Probe(aor, binding, self._context.now()))

    async def _probe(self, probe: _Probe) -> None:
        way = self._context.wire.way(probe.binding.flow)
        if way is None:  # its connection is gone
            await self._conclude(probe, probe.sent_at, None, None)
        else:
            self._send(probe, way)

    def _send(self, probe: _Probe, flow: Flow) -> None:
        site, token, binding = self._context.site, self._context.token(), probe.binding
        call_id = f"probe-{token}"
        fields = [
            ("Via", site.via(flow.transport, MAGIC_COOKIE + token)),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in binding.path),
            ("From", f"<sip:{site.aor('monitor')}>;tag={token}"),
            ("To", f"<{binding.contact}>"),
            ("Call-ID", call_id),
            ("CSeq", "1 OPTIONS"),
            ("Accept", "application/sdp"),
            ("Content-Length", "0"),
        ]
        request = Request("OPTIONS", binding.contact, fields)
        # both before it is sent: a refusal of the network comes back at once
        key = ClientKey(MAGIC_COOKIE + token, "OPTIONS")
        self._under_way[key] = probe
        self._context.wire.set_timer(call_id, _TIMER + key.branch, self._timeout_s)
        self._context.wire.start(request, flow)

    def _end(self, key: ClientKey) -> None:
        del self._under_way[key]
        self._context.wire.cancel_timer(f"probe-{key.branch.removeprefix(MAGIC_COOKIE)}", _TIMER + key.branch)

    async def _conclude(self, probe: _Probe, now: float, code: int | None, rtt_ms: float | None) -> None:
        binding = probe.binding
        contact = {
            "at": now,
            "aor": probe.aor,
            "contact": binding.contact,
            "source": binding.source,
            "transport": binding.transport,
        }
        self._context.publish(GATEWAYS, GatewayProbed(**contact, code=code, rtt_ms=rtt_ms))
        key = f"{PREFIX}{probe.aor}:{binding.contact}"
        try:
            before = read(Gateway, await self._state.get(key)) or Gateway(aor=probe.aor, contact=binding.contact)
            patience = self._patience
            after = before.lost(now, patience) if code is None else before.answered(now, rtt_ms, patience)
            await self._state.put(key, after.model_dump_json(), KEPT_S)
        except BrokerLost as error:
            log.warning("state of a gateway not kept", aor=probe.aor, error=str(error))
            return
        if after.state == before.state:
            return
        log.info("gateway is " + after.state, aor=probe.aor, contact=binding.contact)
        if after.state == "up":
            self._context.publish(GATEWAYS, GatewayUp(**contact, rtt_ms=rtt_ms))
        else:
            lost, last = self._patience.down_after, before.answered_at
            self._context.publish(GATEWAYS, GatewayDown(**contact, lost=lost, last_answer_at=last))
