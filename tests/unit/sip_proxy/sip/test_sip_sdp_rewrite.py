"""Leading media through the relay: what changes, and above all what does not."""

import pytest

from sip_proxy.sip.sdp import SessionDescription, rewrite

RELAY = "198.51.100.1"
OFFER = """v=0
o=- 20518 7 IN IP4 203.0.113.1
s=Gateway
i=one line of the FXS card
c=IN IP4 203.0.113.1
b=AS:80
t=0 0
a=tool:Voïce 1.2
m=audio 54400 RTP/AVP 18 8 101
i=left
b=TIAS:64000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=maxptime:40
a=silenceSupp:off - - - -
a=sendrecv
"""


def body(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def rewritten(text: str, ports: dict[int, int], address: str = RELAY) -> str:
    changed = rewrite(SessionDescription.parse(body(text)), address, ports).decode()
    assert changed.count("\r\n") == changed.count("\n")
    return changed.replace("\r\n", "\n")


def test_only_the_address_the_port_and_the_origin_change() -> None:
    assert rewritten(OFFER, {0: 20000}) == (
        OFFER.replace("o=- 20518 7 IN IP4 203.0.113.1", f"o=- 20518 8 IN IP4 {RELAY}")
        .replace("c=IN IP4 203.0.113.1", f"c=IN IP4 {RELAY}")
        .replace("m=audio 54400", "m=audio 20000")
    )


def test_media_that_is_not_relayed_stays_and_the_origin_still_moves_with_the_session() -> None:
    """Else the version would stand still, or go back, when a session changes to media that we leave alone."""
    ice = OFFER + "a=candidate:1 1 UDP 2 10.0.0.1 54400 typ host\n"

    assert rewritten(ice, {}) == ice.replace("20518 7 IN IP4 203.0.113.1", f"20518 8 IN IP4 {RELAY}")


def test_a_refresh_stays_a_refresh_and_a_change_is_one() -> None:
    changed = OFFER.replace("20518 7", "20518 8").replace("sendrecv", "sendonly")

    assert rewritten(OFFER, {0: 20000}) == rewritten(OFFER, {0: 20000})
    assert f"o=- 20518 9 IN IP4 {RELAY}" in rewritten(changed, {0: 20000})


def test_an_address_of_the_media_is_changed_where_it_stands() -> None:
    text = OFFER.replace("c=IN IP4 203.0.113.1\n", "").replace("b=TIAS", "c=IN IP4 203.0.113.2/127/2\nb=TIAS")

    assert f"i=left\nc=IN IP4 {RELAY}\nb=TIAS" in rewritten(text, {0: 20000})
    assert "203.0.113" not in rewritten(text, {0: 20000})


def test_media_without_any_address_gets_one_in_the_right_place() -> None:
    text = OFFER.replace("c=IN IP4 203.0.113.1\n", "")

    assert f"m=audio 20000 RTP/AVP 18 8 101\ni=left\nc=IN IP4 {RELAY}\nb=TIAS" in rewritten(text, {0: 20000})
    assert rewritten("v=0\nm=audio 4 RTP/AVP 8\n", {0: 20000}) == (f"v=0\nm=audio 20000 RTP/AVP 8\nc=IN IP4 {RELAY}\n")


def test_fax_that_is_not_relayed_keeps_the_address_of_the_session() -> None:
    text = OFFER + "m=image 6000 udptl t38\na=T38FaxVersion:0\n"

    changed = rewritten(text, {0: 20000})

    assert "c=IN IP4 203.0.113.1\nb=AS:80" in changed
    assert f"i=left\nc=IN IP4 {RELAY}\n" in changed
    assert changed.endswith("m=image 6000 udptl t38\na=T38FaxVersion:0\n")


def test_declined_media_needs_no_address_kept_for_it() -> None:
    text = OFFER + "m=video 0 RTP/AVP 31\n"

    changed = rewritten(text, {0: 20000, 1: 20002})

    assert "203.0.113" not in changed
    assert changed.endswith("m=video 0 RTP/AVP 31\n")


def test_each_media_gets_its_own_port() -> None:
    changed = rewritten(OFFER + "m=audio 54500/2 RTP/AVP 0\n", {0: 20000, 1: 20002})

    assert "m=audio 20000 RTP/AVP 18 8 101\n" in changed
    assert "m=audio 20002 RTP/AVP 0\n" in changed


@pytest.mark.parametrize("nowhere", ["IN IP4 0.0.0.0", "IN IP6 ::"])
@pytest.mark.parametrize("level", ["session", "media"])
def test_a_hold_by_address_stays_a_hold(nowhere: str, level: str) -> None:
    text = (
        OFFER.replace("c=IN IP4 203.0.113.1", f"c={nowhere}")
        if level == "session"
        else OFFER.replace("a=ptime:20", f"c={nowhere}\na=ptime:20")
    )

    changed = rewritten(text, {0: 20000})

    assert f"c={nowhere}\n" in changed
    assert changed.count("c=") == text.count("c=")
    assert SessionDescription.parse(body(changed)).audio[0].held


@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive"])
def test_a_hold_by_direction_stays_as_it_is(direction: str) -> None:
    assert rewritten(OFFER.replace("sendrecv", direction), {0: 20000}).endswith(f"a={direction}\n")


def test_rtcp_is_led_to_the_port_after_ours_or_to_ours_when_multiplexed() -> None:
    apart = OFFER + "a=rtcp:54411 IN IP4 203.0.113.1\n"
    together = OFFER + "a=rtcp:54400\na=rtcp-mux\n"

    assert rewritten(apart, {0: 20000}).endswith("a=rtcp:20001\n")
    assert rewritten(together, {0: 20000}).endswith("a=rtcp:20000\na=rtcp-mux\n")


def test_no_candidate_leads_past_us() -> None:
    ice = (
        "a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\na=candidate:1 1 UDP 2 10.0.0.1 54400 typ host\n"
        "a=remote-candidates:1 192.0.2.1 3478\na=end-of-candidates\na=rtcp-fb:* nack\n"
    )
    text = OFFER.replace("a=tool", "a=ice-lite\na=ice-options:trickle\na=tool") + ice

    changed = rewritten(text, {0: 20000})

    assert "candidate" not in changed
    assert "a=ice" not in changed
    assert changed.endswith("a=sendrecv\na=rtcp-fb:* nack\n")


def test_keys_of_encrypted_media_pass_unchanged() -> None:
    crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"

    assert rewritten(OFFER.replace("RTP/AVP", "RTP/SAVP") + crypto, {0: 20000}).endswith(crypto)


def test_a_relay_on_ipv6_is_named_as_such() -> None:
    changed = rewritten(OFFER, {0: 20000}, address="2001:db8::5")

    assert "o=- 20518 8 IN IP6 2001:db8::5\n" in changed
    assert "c=IN IP6 2001:db8::5\n" in changed


@pytest.mark.parametrize("origin", ["o=- x y IN IP4 203.0.113.1", "o=-", "o=- 1 " + "9" * 21 + " IN IP4 203.0.113.1"])
def test_an_origin_that_we_cannot_read_stays(origin: str) -> None:
    assert f"\n{origin}\n" in rewritten(OFFER.replace("o=- 20518 7 IN IP4 203.0.113.1", origin), {0: 20000})


def test_octets_that_are_no_utf8_survive() -> None:
    latin = body(OFFER).replace("ï".encode(), b"\xef")

    assert b"a=tool:Vo\xefce 1.2\r\n" in rewrite(SessionDescription.parse(latin), RELAY, {0: 20000})
