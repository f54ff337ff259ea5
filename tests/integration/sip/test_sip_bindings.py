"""What becomes of a REGISTER: the script on a real broker, with the bindings that are there (RFC 3261 10.3)."""

import asyncio
import json
from typing import Any

import pytest

from shared.broker import NonceUse, NonceUses, Registry
from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    Event,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
    UserAgentChanged,
)
from shared.testing import RecordingOutbox
from sip_proxy.effects import Address, Flow
from sip_proxy.registration.bindings import Bindings
from sip_proxy.registration.location import Location
from sip_proxy.registration.registrar import Change, Limits, asked
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, request

pytestmark = pytest.mark.integration

AOR = "alice@example.com"
ELSEWHERE = Flow("udp", FROM_ALICE.local, Address("198.51.100.7", 40001))
NAMED = '<sip:alice@{}>;+sip.instance="<urn:uuid:{}>"'


class Registrar:
    """One address of record on an empty broker."""

    def __init__(self, redis: Any) -> None:
        self.registry = Registry(redis)
        self.outbox = RecordingOutbox()
        self.now = AT
        self.cseq = 0

    async def register(
        self,
        contact: str | None = "<sip:alice@10.0.0.7>",
        *headers: tuple[str, str],
        cseq: int | None = None,
        call_id: str = "reg-1",
        flow: Flow = FROM_ALICE,
        nonce: NonceUse | None = None,
        **limits: Any,
    ) -> Bindings | str:
        """The bindings as they are then, or why nothing changed; `events` are those of this REGISTER."""
        self.cseq += 1
        message = request(
            "REGISTER", "sip:example.com", *headers, contact=contact, cseq=cseq or self.cseq, call_id=call_id
        )
        change = asked(message, flow, "proxy-1", self.now, Limits())
        assert isinstance(change, Change)
        self.outbox.entries.clear()
        location = Location(self.registry, Limits(**limits), self.outbox.put, lambda: self.now)
        return await location.change(AOR, change, nonce, self.now)

    async def contacts(self) -> list[str]:
        found = Bindings.from_document(AOR, await self.registry.document(AOR))
        return [binding.contact for binding in found.bindings]

    @property
    def told(self) -> list[type[Event]]:
        return [type(event) for event in self.outbox.events]


@pytest.fixture
def registrar(redis: Any) -> Registrar:
    return Registrar(redis)


async def test_a_new_contact_is_bound_and_told(registrar: Registrar) -> None:
    outcome = await registrar.register()

    assert isinstance(outcome, Bindings)
    assert [binding.contact for binding in outcome.bindings] == ["sip:alice@10.0.0.7"]
    assert outcome == Bindings.from_document(AOR, await registrar.registry.document(AOR))
    assert registrar.told == [DeviceRegistered]


async def test_people_can_read_what_is_bound(registrar: Registrar, redis: Any) -> None:
    await registrar.register()

    document = json.loads(await redis.get(f"vqm:registration:{AOR}"))

    assert document["aor"] == AOR
    assert document["bindings"][0]["contact"] == "sip:alice@10.0.0.7"
    assert document["bindings"][0]["source"] == str(FROM_ALICE.remote)
    assert 3600 < await redis.ttl(f"vqm:registration:{AOR}") < 3600 + 2 * 86400


async def test_a_refresh_keeps_one_binding(registrar: Registrar) -> None:
    await registrar.register()
    registrar.now += 100

    outcome = await registrar.register()

    assert isinstance(outcome, Bindings)
    [binding] = outcome.bindings
    assert binding.expires_at == AT + 100 + 3600
    assert binding.registered_at == AT
    assert registrar.told == [RegistrationRefreshed]


async def test_a_new_source_of_the_same_contact_is_a_move(registrar: Registrar) -> None:
    await registrar.register()

    await registrar.register(flow=ELSEWHERE)

    [moved] = registrar.outbox.events
    assert isinstance(moved, RegistrationMoved)
    assert (moved.previous_source, moved.source) == (str(FROM_ALICE.remote), str(ELSEWHERE.remote))


async def test_another_user_agent_of_the_same_contact_is_told(registrar: Registrar) -> None:
    await registrar.register("<sip:alice@10.0.0.7>", ("User-Agent", "Phone/1"))

    await registrar.register("<sip:alice@10.0.0.7>", ("User-Agent", "Phone/2"))

    refreshed, changed = registrar.outbox.events
    assert isinstance(refreshed, RegistrationRefreshed)
    assert isinstance(changed, UserAgentChanged)
    assert (changed.previous_user_agent, changed.user_agent) == ("Phone/1", "Phone/2")


async def test_expires_0_takes_the_binding_back(registrar: Registrar, redis: Any) -> None:
    await registrar.register()

    await registrar.register("<sip:alice@10.0.0.7>;expires=0")

    assert await registrar.contacts() == []
    assert await redis.zrange("vqm:expiries", 0, -1) == []
    assert registrar.told == [DeviceUnregistered]


async def test_taking_back_what_was_never_bound_is_fine(registrar: Registrar) -> None:
    assert await registrar.register("<sip:a@h>;expires=0") == Bindings(AOR)
    assert registrar.told == []


async def test_a_star_takes_all_bindings_back(registrar: Registrar) -> None:
    await registrar.register("<sip:a@h1>, <sip:a@h2>")

    await registrar.register("*", ("Expires", "0"))

    assert await registrar.contacts() == []
    assert registrar.told == [DeviceUnregistered, DeviceUnregistered]


async def test_no_contact_asks_what_is_bound(registrar: Registrar) -> None:
    await registrar.register()
    before = await registrar.registry.document(AOR)

    outcome = await registrar.register(None)

    assert outcome == Bindings.from_document(AOR, before)
    assert await registrar.registry.document(AOR) == before
    assert registrar.told == []


@pytest.mark.parametrize("contact", ["<sip:alice@10.0.0.7>", "<sip:alice@10.0.0.7>;expires=0", "*"])
@pytest.mark.parametrize("cseq", [4, 5])
async def test_what_arrives_out_of_order_fails(registrar: Registrar, contact: str, cseq: int) -> None:
    await registrar.register(cseq=5)

    assert await registrar.register(contact, ("Expires", "0"), cseq=cseq) == "out of order"
    assert await registrar.contacts() == ["sip:alice@10.0.0.7"]


async def test_another_call_id_need_not_count_on(registrar: Registrar) -> None:
    await registrar.register(cseq=5)

    assert isinstance(await registrar.register(cseq=1, call_id="after-the-reboot"), Bindings)
    assert await registrar.contacts() == ["sip:alice@10.0.0.7"]


async def test_a_register_is_all_or_nothing(registrar: Registrar) -> None:
    await registrar.register(cseq=5)
    before = await registrar.registry.document(AOR)

    assert await registrar.register("<sip:new@h>, <sip:alice@10.0.0.7>, <sip:more@h>", cseq=4) == "out of order"
    assert await registrar.registry.document(AOR) == before
    assert registrar.told == []


async def test_one_register_may_bind_and_take_back(registrar: Registrar) -> None:
    await registrar.register("<sip:a@h1>, <sip:a@h2>")

    await registrar.register("<sip:a@h1>;expires=0, <sip:a@h3>")

    assert await registrar.contacts() == ["sip:a@h2", "sip:a@h3"]


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("sip:alice@10.0.0.7", "sip:%61lice@10.0.0.7", True),
        ("sip:alice@HOST", "sip:alice@host", True),
        ("sip:alice@10.0.0.7", "sip:alice@10.0.0.7;line=1", True),
        ("sip:alice@10.0.0.7;line=2", "sip:alice@10.0.0.7;line=1", False),
        ("sip:alice@10.0.0.7", "sip:alice@10.0.0.7:5060", False),
        ("sip:alice@10.0.0.7", "sip:alice@10.0.0.7;transport=tcp", False),
        ("sip:alice@10.0.0.7", "sips:alice@10.0.0.7", False),
        ("sip:alice@10.0.0.7", "sip:Alice@10.0.0.7", False),
    ],
)
async def test_contacts_are_compared_as_uris(registrar: Registrar, first: str, second: str, one: bool) -> None:
    await registrar.register(f"<{first}>")

    await registrar.register(f"<{second}>")

    assert len(await registrar.contacts()) == (1 if one else 2)


async def test_a_contact_that_equals_two_takes_the_place_of_both(registrar: Registrar) -> None:
    await registrar.register("<sip:alice@10.0.0.7;line=1>, <sip:alice@10.0.0.7;line=2>")

    await registrar.register("<sip:alice@10.0.0.7>")

    assert await registrar.contacts() == ["sip:alice@10.0.0.7"]
    assert registrar.told.count(DeviceUnregistered) == 2
    assert registrar.told.count(DeviceRegistered) == 1


async def test_an_instance_may_change_its_address(registrar: Registrar) -> None:
    await registrar.register(NAMED.format("10.0.0.7", 1) + ";reg-id=1")

    await registrar.register(NAMED.format("10.0.0.8", 1) + ";reg-id=1", call_id="after-the-reboot")

    assert await registrar.contacts() == ["sip:alice@10.0.0.8"]
    assert registrar.told == [DeviceUnregistered, DeviceRegistered]


async def test_the_flows_of_an_instance_are_kept_apart(registrar: Registrar) -> None:
    await registrar.register(NAMED.format("10.0.0.7", 1) + ";reg-id=1")

    await registrar.register(NAMED.format("10.0.0.7", 1) + ";reg-id=2", call_id="second-flow", flow=ELSEWHERE)

    assert len(await registrar.contacts()) == 2


async def test_two_devices_in_two_networks_may_have_the_same_private_address(registrar: Registrar) -> None:
    await registrar.register(NAMED.format("192.168.1.2", 1))

    await registrar.register(NAMED.format("192.168.1.2", 2), call_id="other", flow=ELSEWHERE)

    assert len(await registrar.contacts()) == 2


async def test_one_register_may_name_two_contacts_of_one_instance(registrar: Registrar) -> None:
    both = NAMED.format("10.0.0.7:5060;transport=udp", 1) + ", " + NAMED.format("10.0.0.7:5060;transport=tcp", 1)

    await registrar.register(both)
    assert len(await registrar.contacts()) == 2


@pytest.mark.parametrize(("same_place", "left"), [(False, 2), (True, 1)])
async def test_a_device_back_from_a_reboot_with_another_port(registrar: Registrar, same_place: bool, left: int) -> None:
    await registrar.register("<sip:alice@10.0.0.7:40000>")

    rebooted = await registrar.register(
        "<sip:alice@10.0.0.7:40100>", call_id="after-the-reboot", flow=ELSEWHERE, same_place=same_place
    )

    assert isinstance(rebooted, Bindings)
    assert len(rebooted.bindings) == left


async def test_the_contacts_that_were_not_refreshed_for_longest_make_room(registrar: Registrar) -> None:
    await registrar.register("<sip:a@h1>, <sip:a@h2>")
    await registrar.register("<sip:a@h1>")

    await registrar.register("<sip:a@h3>", max_contacts=2)

    assert await registrar.contacts() == ["sip:a@h1", "sip:a@h3"]
    assert registrar.told == [DeviceRegistered, DeviceUnregistered]


async def test_a_contact_too_many_is_refused_where_that_is_the_rule(registrar: Registrar) -> None:
    await registrar.register("<sip:a@h1>, <sip:a@h2>")

    assert await registrar.register("<sip:a@h3>", max_contacts=2, replace_oldest=False) == "full"
    assert isinstance(await registrar.register("<sip:a@h1>", max_contacts=2, replace_oldest=False), Bindings)
    assert await registrar.contacts() == ["sip:a@h2", "sip:a@h1"]


async def test_what_has_run_out_goes_with_the_next_change(registrar: Registrar) -> None:
    await registrar.register("<sip:a@h1>;expires=60, <sip:a@h2>;expires=600")
    registrar.now += 60

    await registrar.register("<sip:a@h3>")

    assert await registrar.contacts() == ["sip:a@h2", "sip:a@h3"]
    assert registrar.told == [RegistrationExpired, DeviceRegistered]


@pytest.mark.parametrize(
    "text", ["nonsense", "1", "{}", '{"bindings": 1}', '{"bindings": [1, {}, {"expires_at": "x"}]}']
)
async def test_a_document_that_cannot_be_read_is_replaced(registrar: Registrar, redis: Any, text: str) -> None:
    await redis.set(f"vqm:registration:{AOR}", text, px=100_000)

    await registrar.register()

    assert await registrar.contacts() == ["sip:alice@10.0.0.7"]


async def test_an_expiry_whose_document_is_gone_is_forgotten(registrar: Registrar, redis: Any) -> None:
    await registrar.register("<sip:a@h>;expires=60")
    await redis.delete(f"vqm:registration:{AOR}")

    await registrar.registry.change(AOR, AT + 60, Change("", 0).to_json(Limits()))

    assert await registrar.registry.due(AT + 60, 10) == []


async def test_devices_that_register_in_the_same_instant_are_all_bound(registrar: Registrar) -> None:
    await asyncio.gather(*(registrar.register(f"<sip:a@h{at}>", call_id=f"call-{at}") for at in range(10)))

    assert len(await registrar.contacts()) == 10


async def test_a_nonce_that_was_used_changes_nothing(registrar: Registrar) -> None:
    use = NonceUse("vqm:nonce:n:alice", 1, 300)
    await registrar.register(nonce=use)

    assert await registrar.register("*", ("Expires", "0"), nonce=use) == "replayed"
    assert await registrar.contacts() == ["sip:alice@10.0.0.7"]


@pytest.mark.parametrize(
    ("counts", "good"),
    [
        ([1, 2, 3], [True, True, True]),
        ([1, 1], [True, False]),
        ([2, 1, 2, 1], [True, True, False, False]),  # overtaken on the way
        ([5, 5, 4, 3, 4], [True, False, True, True, False]),
        ([16, 1, 17, 1, 2, 2], [True, True, True, False, True, False]),
        ([100, 84, 85], [True, False, True]),
        ([1, 4294967295, 1, 4294967295], [True, True, False, False]),
        ([0, 0], [True, False]),  # one that does not count
        ([0, 1], [True, False]),
    ],
)
async def test_each_count_of_a_nonce_is_good_once(redis: Any, counts: list[int], good: list[bool]) -> None:
    uses = NonceUses(redis)

    seen = [not await uses.used_before(NonceUse("vqm:nonce:n:alice", count, 300)) for count in counts]

    assert seen == good
    assert 0 < await redis.ttl("vqm:nonce:n:alice") <= 300
