"""Percentiles of how long packets waited, from their histogram."""

from rtp_analyzer.taps.delay import percentile_ms
from rtp_analyzer.taps.legs import DELAY_BUCKETS


def counts(**packets: int) -> list[int]:
    """`b4=2`: two packets in bucket 4."""
    histogram = [0] * DELAY_BUCKETS
    for bucket, count in packets.items():
        histogram[int(bucket[1:])] = count
    return histogram


def test_without_packets_there_is_no_delay():
    assert percentile_ms(counts(), 0.5) is None


def test_a_percentile_is_the_upper_end_of_its_bucket():
    histogram = counts(b0=98, b39=1, b59=1)

    assert percentile_ms(histogram, 0.5) == 2**0.25 / 1000
    assert percentile_ms(histogram, 0.99) == 1.024
    assert percentile_ms(histogram, 1.0) == 32.768
