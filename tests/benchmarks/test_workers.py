"""Tests of benchmarks.workers: the model of a step's time, by hand."""

import pytest

from benchmarks.workers import bits_per_second, fit, terms


def test_the_terms_of_a_ring():
    """Two workers: two messages of half of 1 MB, each after a round trip of 10 ms; 8 Mbit take 80 ms at 100 Mbit/s."""
    assert terms(2, "100mbit", 0.005, 1_000_000) == pytest.approx((0.02, 0.08))
    assert terms(4, "", 0.005, 1_000_000) == pytest.approx((0.06, 0.0))
    assert terms(4, "1gbit", 0.0, 1_000_000) == pytest.approx((0.0, 0.012))
    assert terms(1, "1gbit", 0.005, 1_000_000) == (0.0, 0.0)
    assert (bits_per_second("2gbit"), bits_per_second("")) == (2e9, float("inf"))


def test_factors_are_found_in_times_that_follow_the_model():
    rows = []
    for hosts, compute in ((1, 0.4), (2, 0.2)):
        for rate, delay in (("", 0.0), ("100mbit", 0.0), ("1gbit", 0.01)):
            latency, transfer = terms(hosts, rate, delay, 10**6)
            seconds = compute + 1.5 * latency + 0.9 * transfer
            rows.append({"hosts": hosts, "rate": rate, "delay": delay, "bytes": 10**6, "seconds": seconds})
    assert fit(rows) == pytest.approx((1.5, 0.9))
