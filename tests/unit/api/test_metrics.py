"""What Prometheus gets: the counters of the services and the distribution of what ended, in its own format."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import Tally
from api.services import ServiceView
from shared.broker import WorkerStatus
from shared.events import StreamEnded
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of


def scraped(tally, *services, workers=()):
    families = text_string_to_metric_families(tally.page(services, workers).decode())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def service(name="sip-proxy", *, alive=True, **counters):
    return ServiceView(name, "one", alive, AT, AT - 60, counters)


def ended_stream(codec):
    one = slice_of(codec=codec, total=measures(1000, 50))
    shared = {name: getattr(one, name) for name in ("call_id", "media_id", "direction", "ssrc", "codec", "total")}
    return StreamEnded(at=AT, worker="w", call_id=one.call_id, report={**shared, "started_at": AT, "ended_at": AT + 20})


def test_counters_of_a_service_are_totals_and_what_goes_down_is_a_gauge():
    found = scraped(Tally(), service(requests_received=7, calls=2))

    labels = (("instance", "one"),)
    assert found["vqm_sip_proxy_requests_received_total", labels] == 7
    assert found["vqm_sip_proxy_calls", labels] == 2
    assert found["vqm_service_up", (("instance", "one"), ("service", "sip-proxy"))] == 1


def test_the_figures_of_a_dead_service_are_not_repeated():
    found = scraped(Tally(), service(alive=False, calls=2))

    assert found["vqm_service_up", (("instance", "one"), ("service", "sip-proxy"))] == 0
    assert not any(name.startswith("vqm_sip_proxy_") for name, _ in found)


def test_streams_that_end_are_counted_by_codec_and_direction():
    tally = Tally()

    tally.observe(ended_stream("PCMA"))

    labels = (("codec", "PCMA"), ("direction", "caller"))
    found = scraped(tally)
    assert found["vqm_stream_loss_ratio_sum", labels] == pytest.approx(0.05)
    assert found["vqm_stream_loss_ratio_bucket", (*labels, ("le", "0.03"))] == 0
    assert found["vqm_stream_loss_ratio_bucket", (*labels, ("le", "0.05"))] == 1


def test_strangers_cannot_multiply_the_labels():
    tally = Tally()

    for number in range(50):
        tally.observe(ended_stream(f"X{number}"))

    codecs = {dict(labels)["codec"] for name, labels in scraped(tally) if name == "vqm_stream_loss_ratio_count"}
    assert codecs == {"other"}


def test_calls_are_counted_by_how_they_ended():
    tally = Tally()

    for event in (call_started(), call_answered(), call_ended(final_code=200), call_ended(final_code=None)):
        tally.observe(event)

    found = scraped(tally)
    assert found["vqm_call_attempts_total", ()] == 1
    assert found["vqm_calls_answered_total", ()] == 1
    assert found["vqm_calls_ended_total", (("response", "2xx"),)] == 1
    assert found["vqm_calls_ended_total", (("response", "none"),)] == 1


def test_how_long_packets_wait_in_a_worker_is_in_seconds_and_unknown_is_absent():
    at_work = {"at": AT, "address": "192.0.2.1", "port_min": 20000, "port_max": 29999, "capacity": 500}
    busy = WorkerStatus(worker="busy", load=3, delay_p50_ms=0.1, delay_p99_ms=2.5, **at_work)
    idle = WorkerStatus(worker="idle", load=0, **at_work)

    found = scraped(Tally(), workers=(busy, idle))

    assert found["vqm_worker_delay_seconds", (("quantile", "0.99"), ("worker", "busy"))] == 0.0025
    assert found["vqm_worker_media", (("worker", "idle"),)] == 0
    assert not any(name == "vqm_worker_delay_seconds" and ("worker", "idle") in labels for name, labels in found)
