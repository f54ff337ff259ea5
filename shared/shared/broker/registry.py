"""Which contacts are bound to which address of record (`vqm:registration:<aor>`), changed by one atomic script.

The script holds the rules that need the bindings there are: which of them a new contact replaces, the order of
requests, how many there may be. What can be decided from the request alone was decided before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.broker.connection import Client, broker_errors
from shared.broker.nonces import USED_BEFORE, NonceUse

PREFIX = "vqm:registration:"
# Addresses of record by the moment when their next binding runs out.
EXPIRIES = "vqm:expiries"
# A document outlives its last binding, so that whoever comes back late can still tell that it expired.
GRACE_S = 24 * 3600

Refusal = Literal["replayed", "out of order", "full"]

# KEYS: the document, the index of expiries, the uses of a nonce. ARGV: address of record, now in seconds, the change
# as JSON, grace in seconds, and the use of the nonce: its count ('' for none) and its time to live in milliseconds.
# Answers with a refusal alone, or 'ok', the document as it is now ('' for none), and what happened as JSON:
# a list of [what, binding, the binding that it replaces].
_CHANGE = (
    USED_BEFORE
    + """
local aor, now, change = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
if ARGV[5] ~= '' and used_before(KEYS[3], tonumber(ARGV[5]), ARGV[6]) then return {'replayed'} end

local kept, happened, fresh = {}, {}, {}
local function tell(what, binding, old) happened[#happened + 1] = {what, binding, old} end

-- RFC 3261 19.1.4: `uri` holds all that has to be equal; other parameters only where both URIs have them
local function uris_equal(old, new)
    if old.uri ~= new.uri then return false end
    for name, value in pairs(new.uri_params or {}) do
        local other = old.uri_params and old.uri_params[name]
        if other and other ~= value then return false end
    end
    return true
end

local function same(old, new)
    if fresh[old] then return uris_equal(old, new) end
    if old.instance and new.instance then
        -- RFC 5626 6: the instance and its flow are the key, whatever the URI; two devices in two private networks
        -- may well have the same
        if old.instance == new.instance and old.reg_id == new.reg_id then return true end
        return old.source == new.source and uris_equal(old, new)
    end
    if change.same_place and not old.instance and not new.instance and old.place == new.place then return true end
    return uris_equal(old, new)
end

-- RFC 3261 10.3 steps 6 and 7: what arrives out of order fails as a whole
local function late(binding)
    return not fresh[binding] and binding.call_id == change.call_id and change.cseq <= binding.cseq
end

local text = redis.call('GET', KEYS[1])
local readable, document = pcall(cjson.decode, text or '{}')
local bound = readable and type(document) == 'table' and document.bindings
for _, binding in ipairs(type(bound) == 'table' and bound or {}) do
    -- what does not say until when, somebody else wrote: it is dropped
    local expires_at = type(binding) == 'table' and type(binding.expires_at) == 'number' and binding.expires_at
    if expires_at and expires_at > now then
        kept[#kept + 1] = binding
    elseif expires_at then
        tell('expired', binding)
    end
end

if change.all then
    for _, binding in ipairs(kept) do
        if late(binding) then return {'out of order'} end
        tell('unregistered', binding)
    end
    kept = {}
end

local added = 0
for _, new in ipairs(change.contacts) do
    local others, old = {}, nil
    for _, binding in ipairs(kept) do
        if not same(binding, new) then
            others[#others + 1] = binding
        elseif late(binding) then
            return {'out of order'}
        elseif old then
            tell('unregistered', binding)
        else
            old = binding
        end
    end
    kept = others
    if new.expires_at > now then
        if old then new.registered_at = old.registered_at else added = added + 1 end
        kept[#kept + 1] = new
        fresh[new] = true
        tell(old and 'refreshed' or 'registered', new, old)
    elseif old then
        tell('unregistered', old)
    end
end

if added > 0 and #kept > change.max_contacts then
    if not change.replace_oldest then return {'full'} end
    -- those that were not refreshed for the longest time come first
    while #kept > change.max_contacts do tell('unregistered', table.remove(kept, 1)) end
end

local told = #happened > 0 and cjson.encode(happened) or '[]'
if #kept == 0 then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], aor)
    return {'ok', '', told}
end
if #happened == 0 then return {'ok', text, told} end
local first, last = kept[1].expires_at, now
for _, binding in ipairs(kept) do
    first, last = math.min(first, binding.expires_at), math.max(last, binding.expires_at)
end
text = cjson.encode({aor = aor, bindings = kept})
redis.call('SET', KEYS[1], text, 'PX', math.ceil((last - now + ARGV[4]) * 1000))
redis.call('ZADD', KEYS[2], first, aor)
return {'ok', text, told}
"""
)


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to."""

    document: str | None  # the bindings as they are now; None: there are none
    happened: list[list[Any]]  # [what, binding, the binding that it replaces], in order


class Registry:
    """The bindings of all addresses of record. Every call raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._change = redis.script(_CHANGE)

    async def change(
        self, aor: str, now: float, change: Mapping[str, Any], nonce: NonceUse | None = None
    ) -> Changed | Refusal:
        """Applies a change, all or nothing, in one round trip; bindings that have run out go with it.

        `nonce`: the use of a nonce that the change depends on; one that was there before refuses it.
        """
        uses: tuple[str | int, ...] = ("", "") if nonce is None else nonce.args
        args = [aor, now, json.dumps(change), GRACE_S, *uses]
        with broker_errors():
            reply = await self._change(keys=[PREFIX + aor, EXPIRIES, "" if nonce is None else nonce.key], args=args)
        if reply[0] != "ok":
            refusal: Refusal = reply[0]
            return refusal
        return Changed(reply[1] or None, json.loads(reply[2]))

    async def document(self, aor: str) -> str | None:
        """The bindings of an address of record, also those that have just run out."""
        with broker_errors():
            return await self._redis.get(PREFIX + aor)

    async def documents(self, aors: list[str]) -> list[str | None]:
        """The same of many."""
        with broker_errors():
            return await self._redis.mget([PREFIX + aor for aor in aors]) if aors else []

    async def due(self, now: float, count: int) -> list[str]:
        """Addresses of record with a binding that has run out."""
        with broker_errors():
            return await self._redis.zrangebyscore(EXPIRIES, "-inf", now, 0, count)

    async def known(self) -> list[str]:
        """All addresses of record that have a binding."""
        with broker_errors():
            return await self._redis.zrange(EXPIRIES, 0, -1)

    async def count(self) -> int:
        """How many these are."""
        with broker_errors():
            return await self._redis.zcard(EXPIRIES)
