"""The SIP phone itself, on pjsua2. The only module that imports it; runs only in the phone's own process.

Everything happens in one thread: pjsua2 gets no worker threads, so its callbacks come from `Softphone.work`. Sound
comes from a tone generator and goes into a WAV file; there is no sound card.
"""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pjsua2 as pj  # noqa: TID251 - this is where pjsua2 is known

from vqm_local.phone.hearing import SAMPLE_RATE, amplitude

LOG_LEVEL = 4  # 4 adds the SIP messages
TONE_DBOV = -20.0  # about the level of speech on a telephone line (ITU-T P.56 active level near -20 dBm0)
FRAME_MS = 20
FOR_EVER_MS = 1000  # a tone of this length, looped
RECORDINGS_KEPT = 16
FAREWELL_MS = 1000  # for the answers to BYE and to the last REGISTER
FAREWELL_STEP_MS = 10

STATES = {
    pj.PJSIP_INV_STATE_NULL: "new",
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_INCOMING: "incoming",
    pj.PJSIP_INV_STATE_EARLY: "early",
    pj.PJSIP_INV_STATE_CONNECTING: "connecting",
    pj.PJSIP_INV_STATE_CONFIRMED: "confirmed",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}

TRANSPORTS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}

Report = Callable[..., None]  # report("event name", field=value, ...)


class _Account(pj.Account):  # type: ignore[misc]  # pjsua2 ships no types
    """Where calls come from and go to."""

    def __init__(self, phone: "Softphone") -> None:
        super().__init__()
        self._phone = phone
        self.registered = False

    def onRegState(self, prm: Any) -> None:
        self.registered = prm.code == 200 and prm.expiration > 0
        self._phone.report("registration", code=prm.code, reason=prm.reason, expires_s=prm.expiration)

    def onIncomingCall(self, prm: Any) -> None:
        call = _Call(self._phone, self, prm.callId)
        info = call.getInfo()
        self._phone.calls[info.id] = call
        self._phone.report("incoming", call=info.id, call_id=info.callIdString, remote=info.remoteUri)
        if self._phone.answers_calls:
            call.answer(_with_code(180))
            call.answer(_with_code(200))


class _Call(pj.Call):  # type: ignore[misc]  # as above
    """One call: the phone's tone goes out, what comes in is recorded."""

    def __init__(self, phone: "Softphone", account: _Account, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, number)
        self._phone = phone
        self._recorder: Any = None
        self._recording: Path | None = None

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._recorder = None
            self._phone.over(info.id)
        self._phone.report(
            "call_state",
            call=info.id,
            call_id=info.callIdString,
            state=STATES[info.state],
            code=int(info.lastStatusCode),
            reason=info.lastReason,
        )

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self._connect(info.id, index)

    def _connect(self, number: int, index: int) -> None:
        sound = self.getAudioMedia(index)
        if self._recorder is None:
            self._recording = self._phone.new_recording()
            self._recorder = pj.AudioMediaRecorder()
            self._recorder.createRecorder(str(self._recording))
        self._phone.tone.startTransmit(sound)
        sound.startTransmit(self._recorder)
        stream = self.getStreamInfo(index)
        self._phone.report("media", call=number, codec=stream.codecName, recording=str(self._recording))


class Softphone:
    """A phone with one account. Its methods are the commands of the process; it tells what happens by `report`."""

    def __init__(self, directory: Path, address: str, codec: str, report: Report) -> None:
        self.report = report
        self.calls: dict[int, _Call] = {}
        self.answers_calls = False
        self._over: list[_Call] = []
        self._directory = directory
        self._address = address
        self._recordings = 0
        self._account: _Account | None = None
        self._endpoint = pj.Endpoint()
        self._start()
        self._choose_codec(codec)
        self.tone = pj.ToneGenerator()
        self.tone.createToneGenerator(SAMPLE_RATE, 1)

    def _start(self) -> None:
        endpoint, config = self._endpoint, pj.EpConfig()
        config.logConfig.level = LOG_LEVEL
        config.logConfig.consoleLevel = 0
        config.logConfig.filename = str(self._directory / "pjsua.log")
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 8
        config.uaConfig.userAgent = "vqm-phone"
        media = config.medConfig
        media.clockRate = media.sndClockRate = SAMPLE_RATE
        media.channelCount = 1
        media.audioFramePtime = FRAME_MS
        media.noVad = True
        media.ecTailLen = 0
        endpoint.libCreate()
        endpoint.libInit(config)
        self._udp = self._open("udp")
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()

    def _open(self, transport: str, authority: str | None = None) -> int:
        """A socket for this transport; with TLS, a server must show a certificate that `authority` signed."""
        config = pj.TransportConfig()
        config.port = 0
        config.boundAddress = self._address
        config.publicAddress = self._address
        if transport == "tls":
            config.tlsConfig.verifyServer = True
            config.tlsConfig.CaListFile = authority or ""
        return int(self._endpoint.transportCreate(TRANSPORTS[transport], config))

    def _choose_codec(self, codec: str) -> None:
        known = [info.codecId for info in self._endpoint.codecEnum2()]
        chosen = [name for name in known if name.upper().startswith(codec.upper() + "/")]
        if not chosen:
            raise ValueError(f"this phone has no codec {codec}; it has {', '.join(known)}")
        for name in known:
            self._endpoint.codecSetPriority(name, 255 if name == chosen[0] else 0)

    def work(self, milliseconds: int) -> None:
        """Lets pjsua2 do what is due."""
        self._endpoint.libHandleEvents(milliseconds)
        self._over.clear()  # not within their own callbacks

    def over(self, number: int) -> None:
        call = self.calls.pop(number, None)
        if call is not None:
            self._over.append(call)

    def new_recording(self) -> Path:
        """A file for what a call hears; only the last ones are kept."""
        self._recordings += 1
        (self._directory / f"heard-{self._recordings - RECORDINGS_KEPT}.wav").unlink(missing_ok=True)
        return self._directory / f"heard-{self._recordings}.wav"

    def sip_port(self) -> int:
        return int(self._endpoint.transportGetInfo(self._udp).localName.rsplit(":", 1)[1])

    # --- the commands -------------------------------------------------------------------------------------------

    def account(
        self,
        server: str,
        user: str,
        password: str,
        register: bool,
        expires_s: int,
        via: str | None,
        transport: str,
        authority: str | None,
    ) -> dict[str, Any]:
        """Becomes `user` at `server` (`address:port`), reached over `transport`, and by `via` if that is given."""
        config = pj.AccountConfig()
        config.idUri = f"sip:{user}@{server}"
        config.regConfig.registrarUri = f"sip:{server}" if register else ""
        config.regConfig.timeoutSec = expires_s
        config.regConfig.retryIntervalSec = 0
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
        if via is not None:
            # ;hide: reach it, but do not write it into a Route header - the line is not a proxy.
            config.sipConfig.proxies.append(f"sip:{via};lr;hide")
        elif transport != "udp":
            self._open(transport, authority)
            config.sipConfig.proxies.append(f"sip:{server};transport={transport};lr")
        config.mediaConfig.transportConfig.port = _free_even_port(self._address)
        config.mediaConfig.transportConfig.boundAddress = self._address
        config.mediaConfig.transportConfig.publicAddress = self._address
        config.mediaConfig.lockCodecEnabled = False
        config.mediaConfig.streamKaEnabled = False
        self._account = _Account(self)
        self._account.create(config)
        return {}

    def unregister(self) -> dict[str, Any]:
        self._who().setRegistration(False)
        return {}

    def call(self, uri: str) -> dict[str, Any]:
        call = _Call(self, self._who())
        call.makeCall(uri, pj.CallOpParam(True))
        info = call.getInfo()
        self.calls[info.id] = call
        return {"call": info.id, "call_id": info.callIdString}

    def answer(self, call: int, code: int) -> dict[str, Any]:
        self.calls[call].answer(_with_code(code))
        return {}

    def answer_all(self) -> dict[str, Any]:
        """From now on rings and answers at once whenever somebody calls."""
        self.answers_calls = True
        return {}

    def hangup(self, call: int, code: int) -> dict[str, Any]:
        if call in self.calls:
            self.calls[call].hangup(_with_code(code))
        return {}

    def play(self, frequency_hz: float, level_dbov: float = TONE_DBOV) -> dict[str, Any]:
        """Replaces what the phone says in all its calls by a tone."""
        tone = pj.ToneDesc()
        tone.freq1 = round(frequency_hz)
        tone.on_msec = FOR_EVER_MS
        tone.volume = amplitude(level_dbov)
        self.tone.stop()
        self.tone.play(pj.ToneDescVector([tone]), True)
        return {}

    def dial(self, call: int, digits: str) -> dict[str, Any]:
        """Sends DTMF digits (RFC 4733)."""
        self.calls[call].dialDtmf(digits)
        return {}

    def counts(self, call: int) -> dict[str, Any]:
        """What the phone itself counted: an independent witness."""
        stat = self.calls[call].getStreamStat(0).rtcp
        return {
            "sent": stat.txStat.pkt,
            "received": stat.rxStat.pkt,
            "lost": stat.rxStat.loss,
            "last_sequence": stat.rtpTxLastSeq,
        }

    def close(self) -> None:
        """Hangs up, unregisters, frees the ports."""
        self._endpoint.hangupAllCalls()
        if self._account is not None and self._account.registered:
            self._account.setRegistration(False)
        for _ in range(FAREWELL_MS // FAREWELL_STEP_MS):
            if not self.calls and not (self._account and self._account.registered):
                break
            self.work(FAREWELL_STEP_MS)
        # All has been said; without this flag pjsua2 waits one more second for nothing.
        self._endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)

    def _who(self) -> _Account:
        if self._account is None:
            raise ValueError("the phone has no account yet")
        return self._account


def _with_code(code: int) -> Any:
    parameters = pj.CallOpParam(True)
    parameters.statusCode = code
    return parameters


def _free_even_port(address: str) -> int:
    """An even port that is free now; pjsua2 takes the next ones when somebody else is faster."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
        if port % 2 == 0 and port < 65_000:
            return port
