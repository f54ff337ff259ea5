"""Which row of the table a codec gets from its SDP and its packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.quality import codecs
from rtp_analyzer.quality.choice import MeanPacket, rating_of
from rtp_analyzer.quality.codecs import AMR_WB, EVS, OPUS, CodecRating
from shared.events.media import PayloadFormat


def rated(encoding: str, clock_rate: int = 8000, fmtp: str | None = None, packet: MeanPacket | None = None):
    return rating_of(PayloadFormat(payload_type=96, encoding=encoding, clock_rate=clock_rate, fmtp=fmtp), packet)


def at(kbps: float, ptime_ms: float = 20) -> MeanPacket:
    return MeanPacket(kbps * ptime_ms / 8, ptime_ms)


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("PCMU", codecs.G711),
        ("PCMA", codecs.G711),
        ("GSM", codecs.GSM_FR),
        ("GSM-EFR", codecs.GSM_EFR),
        ("GSM-HR-08", codecs.GSM_HR),
        ("G726-40", codecs.G726_40),
        ("G726-32", codecs.G726_32),
        ("AAL2-G726-24", codecs.G726_24),
        ("G726-16", codecs.G726_16),
        ("G728", codecs.G728),
        ("EVRC", codecs.EVRC),
        ("G722", codecs.G722),
    ],
)
def test_a_codec_of_one_mode_is_known_by_its_name(encoding: str, row: CodecRating) -> None:
    assert rated(encoding) is row
    assert rated(encoding.lower()) is row


@pytest.mark.parametrize(
    ("encoding", "clock_rate"),
    [("ILBC", 8000), ("SPEEX", 16000), ("L16", 44100), ("QCELP", 8000), ("G7221", 32000), ("X-UNHEARD-OF", 8000)],
)
def test_a_codec_without_a_value_has_none_but_a_reason(encoding: str, clock_rate: int) -> None:
    rating = rated(encoding, clock_rate)

    assert (rating.grounding, rating.ie, rating.bpl) == ("none", None, None)
    assert rating.assumption


def test_a_known_name_at_another_clock_rate_is_another_codec() -> None:
    assert rated("PCMA", 16000).grounding == "none"
    assert "16000 Hz" in rated("PCMA", 16000).assumption


def test_a_payload_type_that_nobody_named_has_no_value() -> None:
    rating = rating_of(None)

    assert rating.grounding == "none"
    assert "payload type" in rating.assumption


@pytest.mark.parametrize(
    ("fmtp", "row"),
    [
        (None, codecs.G729_VAD),
        ("annexb=yes", codecs.G729_VAD),
        ("annexb=no", codecs.G729),
        (" AnnexB = NO ", codecs.G729),
        ("annexb", codecs.G729_VAD),
    ],
)
def test_g729_has_silence_suppression_unless_sdp_says_no(fmtp: str | None, row: CodecRating) -> None:
    assert rated("G729", fmtp=fmtp) is row


@pytest.mark.parametrize(
    ("fmtp", "packet", "row"),
    [
        (None, None, codecs.G723),
        (None, MeanPacket(24, 30), codecs.G723_63_VAD),
        ("annexa=no", MeanPacket(24, 30), codecs.G723_63),
        (None, MeanPacket(20, 30), codecs.G723_53),
        ("bitrate=5.3;annexa=no", None, codecs.G723_53),
    ],
)
def test_g723_is_known_by_its_weight(fmtp: str | None, packet: MeanPacket | None, row: CodecRating) -> None:
    assert rated("G723", fmtp=fmtp, packet=packet) is row


class TestAmrWb:
    @pytest.mark.parametrize(
        ("octets", "mode"),
        [
            (18, 6.6),
            (24, 8.85),
            (33, 12.65),
            (37, 14.25),
            (41, 15.85),
            (47, 18.25),
            (51, 19.85),
            (59, 23.05),
            (61, 23.85),
        ],
    )
    def test_a_bandwidth_efficient_packet_tells_its_mode(self, octets: int, mode: float) -> None:
        assert rated("AMR-WB", 16000, packet=MeanPacket(octets, 20)) is AMR_WB[mode]

    @pytest.mark.parametrize(
        ("octets", "ptime_ms", "mode"),
        [(19, 20, 6.6), (34, 20, 12.65), (60, 20, 23.05), (62, 20, 23.85), (67, 40, 12.65)],
    )
    def test_an_octet_aligned_packet_tells_its_mode(self, octets: int, ptime_ms: float, mode: float) -> None:
        rating = rated("AMR-WB", 16000, "octet-align=1; mode-change-capability=2", MeanPacket(octets, ptime_ms))

        assert rating is AMR_WB[mode]

    def test_a_mode_set_of_one_is_believed(self) -> None:
        assert rated("AMR-WB", 16000, "mode-set=8") is AMR_WB[23.85]

    @pytest.mark.parametrize("fmtp", [None, "mode-set=0,2,8", "mode-set=9", "mode-set=-1", "mode-set=²"])
    def test_without_a_mode_there_is_no_value(self, fmtp: str | None) -> None:
        assert rated("AMR-WB", 16000, fmtp).grounding == "none"

    def test_packets_too_small_for_any_mode_have_no_value(self) -> None:
        assert rated("AMR-WB", 16000, packet=MeanPacket(12, 20)).grounding == "none"


@pytest.mark.parametrize(
    ("octets", "fmtp", "row"),
    [
        (32, None, codecs.AMR_122),
        (33, "octet-align=1", codecs.AMR_122),
        (20, None, codecs.AMR_74),
        (21, "octet-align=1", codecs.AMR_74),
    ],
)
def test_two_modes_of_amr_have_neighbours(octets: int, fmtp: str | None, row: CodecRating) -> None:
    assert rated("AMR", fmtp=fmtp, packet=MeanPacket(octets, 20)) is row


@pytest.mark.parametrize("octets", [13, 22, 27])
def test_the_other_modes_of_amr_have_none(octets: int) -> None:
    assert rated("AMR", packet=MeanPacket(octets, 20)).grounding == "none"


@pytest.mark.parametrize(
    ("fmtp", "packet", "row"),
    [
        ("bitrate=32000", None, codecs.G7221_32),
        ("bitrate=24000", None, codecs.G7221_24),
        (None, MeanPacket(80, 20), codecs.G7221_32),
        (None, MeanPacket(60, 20), codecs.G7221_24),
    ],
)
def test_g7221_is_known_by_its_bitrate(fmtp: str | None, packet: MeanPacket | None, row: CodecRating) -> None:
    assert rated("G7221", 16000, fmtp, packet) is row


class TestEvs:
    @pytest.mark.parametrize(("octets", "mode"), [(24, 9.6), (33, 13.2), (41, 16.4), (61, 24.4), (80, 32), (120, 48)])
    def test_a_packet_tells_its_bitrate(self, octets: int, mode: float) -> None:
        assert rated("EVS", 16000, packet=MeanPacket(octets, 20)) is EVS[mode]
        assert rated("EVS", 16000, "hf-only=1", MeanPacket(octets + 2, 20)) is EVS[mode]

    def test_beyond_the_table_its_last_row_is_a_proxy(self) -> None:
        rating = rated("EVS", 16000, packet=MeanPacket(160, 20))

        assert (rating.grounding, rating.ie) == ("proxy", 10.2)

    @pytest.mark.parametrize("fmtp", ["bw=nb", "bw=NB-WB; br=24.4", "evs-mode-switch=1"])
    def test_narrower_bands_have_no_value(self, fmtp: str) -> None:
        assert rated("EVS", 16000, fmtp, MeanPacket(61, 20)).grounding == "none"

    def test_a_single_bitrate_of_sdp_is_believed_until_packets_came(self) -> None:
        assert rated("EVS", 16000, "br=13.2") is EVS[13.2]
        assert rated("EVS", 16000, "br=13.2-24.4").grounding == "none"

    def test_below_the_table_there_is_no_value(self) -> None:
        assert rated("EVS", 16000, packet=MeanPacket(20, 20)).grounding == "none"


class TestOpus:
    @pytest.mark.parametrize(
        ("kbps", "row"), [(9.6, 9.6), (13.1, 9.6), (16.4, 16.4), (31.9, 24.4), (32, 32), (48, 48), (128, 48)]
    )
    def test_the_row_of_evs_at_or_below_its_bitrate_stands_for_it(self, kbps: float, row: float) -> None:
        rating = rated("OPUS", 48000, "useinbandfec=1", at(kbps))

        assert rating is OPUS[row]
        assert f"EVS-SWB at {row:g} kbit/s" in rating.assumption

    @pytest.mark.parametrize("packet", [None, at(9.5), at(6)])
    def test_without_a_neighbour_at_its_bitrate_there_is_no_value(self, packet: MeanPacket | None) -> None:
        assert rated("OPUS", 48000, packet=packet).grounding == "none"

    def test_longer_packets_are_not_a_higher_bitrate(self) -> None:
        assert rated("OPUS", 48000, packet=MeanPacket(180, 60)) is OPUS[16.4]

    @pytest.mark.parametrize(("hz", "grounding"), [(8000, "none"), (16000, "none"), (24000, "proxy"), (48000, "proxy")])
    def test_a_narrow_playback_has_no_neighbour(self, hz: int, grounding: str) -> None:
        assert rated("OPUS", 48000, f"maxplaybackrate={hz}", at(24)).grounding == grounding


_ENCODINGS = ["G729", "G723", "AMR", "AMR-WB", "G7221", "EVS", "OPUS", "PCMA", "X"]


@given(
    st.sampled_from(_ENCODINGS),
    st.sampled_from([8000, 16000, 48000]),
    st.one_of(
        st.none(),
        st.text(max_size=256),
        st.builds(
            "{}={}".format,
            st.sampled_from(["annexb", "mode-set", "bitrate", "br", "bw", "maxplaybackrate", "octet-align"]),
            st.text(max_size=40),
        ),
    ),
    st.one_of(st.none(), st.builds(MeanPacket, st.floats(8, 65_000), st.floats(0.01, 1000))),
)
def test_whatever_sdp_and_packets_say_there_is_an_answer(
    encoding: str, clock_rate: int, fmtp: str | None, packet: MeanPacket | None
) -> None:
    rating = rated(encoding, clock_rate, fmtp, packet)

    assert (rating.grounding == "none") == (rating.ie is None) == (rating.bpl is None)
    assert 0 < len(rating.described) <= 256
