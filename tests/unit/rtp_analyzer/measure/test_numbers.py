"""Numbers as JSON: every reader gets back what was there, to the sixth decimal."""

import json
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.measure.numbers import members


def written(*values: float) -> str:
    return ",".join(row.removeprefix('"n":') for row in members({"n": np.array(values)}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (-0.0000001, "0"),
        (50, "50"),
        (-21, "-21"),
        (0.5, "0.5"),
        (-0.05, "-0.05"),
        (33.333333333, "33.333333"),
        (99.9999999, "100"),
        (0.000001, "0.000001"),
        (1_700_000_000.123456, "1700000000.123456"),
        (2**53 - 1, "9007199254740991"),
        (nan, "null"),
        (inf, "null"),
        (-inf, "null"),
        (1e300, "null"),
    ],
)
def test_a_number_is_written_as_json(value, text):
    assert written(value) == text


@given(st.lists(st.floats(min_value=-1e15, max_value=1e15), min_size=1, max_size=20))
def test_what_is_read_is_what_was_written(values):
    read = json.loads(f"[{written(*values)}]")

    assert read == pytest.approx(values, rel=1e-12, abs=6e-7)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
def test_whole_numbers_are_exact(values):
    assert json.loads(f"[{written(*values)}]") == values


def test_rows_are_the_members_of_one_object_each():
    rows = members({"lost": np.array([1, 2]), "jitter_ms": np.array([nan, 0.25])})

    assert [json.loads(f"{{{row}}}") for row in rows] == [
        {"lost": 1, "jitter_ms": None},
        {"lost": 2, "jitter_ms": 0.25},
    ]


def test_no_rows_make_no_text():
    assert members({"lost": np.zeros(0)}) == []
