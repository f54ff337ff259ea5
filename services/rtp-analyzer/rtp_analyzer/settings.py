"""The settings of a relay worker."""

from pydantic import Field, field_validator

from shared.events.metrics import BufferName
from shared.settings import CommonSettings


class RtpAnalyzerSettings(CommonSettings):
    """What a worker reads from the environment, as `VQM_<NAME>`."""

    media_ports: str = Field(
        default="20000-29999",
        pattern=r"^\d{1,5}-\d{1,5}$",
        description="UDP ports for RTP and RTCP, first-last; each call takes four, a test extension two",
    )
    worker_id: str = Field(
        default="worker-1",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="name of this worker in Redis: keep it over restarts, give each worker its own",
    )
    one_way_delay_ms: float | None = Field(
        default=None,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        description="delay of the network from phone to phone, one way, for calls whose RTCP does not tell it; "
        "default: those have no delay and no MOS-CQ",
    )

    dejitter_buffer: BufferName = Field(
        default="adaptive500",
        description="de-jitter buffer that the quality is for, as the phones have it: fixed50, fixed200 or adaptive500",
    )
    drain_s: float = Field(
        default=0.0,
        ge=0,
        description="time for running calls to end after SIGTERM, while no new ones are taken; 0: end at once, and the "
        "next start goes on with them",
    )

    audio_decoding_ms: int = Field(
        default=100,
        ge=0,
        le=1000,
        description="of each second, to listen into G.722, G.729 and Opus where PyAV is installed; 0: not at all",
    )

    @field_validator("media_ports")
    @classmethod
    def _holds_a_pair(cls, value: str) -> str:
        if not rtp_ports(value):
            raise ValueError("first-last, within 1024-65535, at least one even port and the odd one above it")
        return value

    @property
    def rtp_ports(self) -> range:
        """The even ports for RTP; RTCP takes the odd ones above."""
        return rtp_ports(self.media_ports)


def rtp_ports(text: str) -> range:
    """The even ports of `first-last` that have their odd neighbour in it too; empty when it is no such range."""
    first, last = (int(number) for number in text.split("-"))
    if first < 1024 or last > 65535:
        return range(0)
    return range(first + first % 2, last, 2)
