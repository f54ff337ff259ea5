"""When a session is refreshed and when it is hung up (RFC 4028 10)."""

from sip_proxy.calls.session_timer import SessionTimer

NOW = 1000.0


def test_who_waits_for_a_refresh_hangs_up_a_little_before_the_end() -> None:
    short = SessionTimer.started(90, NOW, we_refresh=False)
    long = SessionTimer.started(1800, NOW, we_refresh=False)

    assert (short.refresh_at, short.deadline) == (None, NOW + 60)
    assert (long.refresh_at, long.deadline) == (None, NOW + 1800 - 32)


def test_who_refreshes_does_so_after_half_and_tries_again_until_the_end() -> None:
    timer = SessionTimer.started(1800, NOW, we_refresh=True)

    tries = [timer.deadline]
    while timer.deadline < timer.hang_up_at:
        timer = timer.attempted(timer.deadline)
        tries.append(timer.deadline)

    assert tries[:4] == [NOW + 900, NOW + 1334, NOW + 1551, NOW + 1659.5]
    assert tries[-1] == NOW + 1768
    assert len(tries) < 12
