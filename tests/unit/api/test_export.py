"""Exports hold what the list shows; nothing in them runs."""

import csv
import io
import json

from api.export import COLUMNS, csv_head, csv_rows, json_items
from shared.testing import AT, call_answered, call_ended, call_started, slice_of, slices_measured
from tests.unit.api.test_views import view


def test_each_call_is_a_line_with_a_cell_for_each_column():
    shown = view(call_started(), call_answered(), slices_measured(slice_of()), call_ended(), now=AT + 20)

    (row,) = csv.DictReader(io.StringIO(csv_head() + csv_rows([shown])))

    assert tuple(row) == COLUMNS
    assert (row["call_id"], row["started_at"], row["duration_s"]) == ("call-1", "2023-11-14T22:13:20.000Z", "10.0")
    assert (row["caller_mos"], row["caller_loss_percent"]) == ("4.41", "0.0")
    assert (row["callee_mos"], row["caller_delay_ms"]) == ("", "")


def test_a_name_that_looks_like_a_formula_is_a_text():
    shown = view(call_started(caller='=HYPERLINK("http://evil.example")', callee="+3905512345@h\r\nx,y"))

    (row,) = csv.DictReader(io.StringIO(csv_head() + csv_rows([shown]), newline=""))

    assert row["caller"].startswith("'=")
    assert row["callee"].startswith("'+39")


def test_json_items_are_those_of_the_list():
    shown = view(call_started(), call_answered(), slices_measured(slice_of()))

    items = json.loads("[" + json_items([shown, shown]) + "]")

    assert [item["call_id"] for item in items] == ["call-1", "call-1"]
    assert items[0]["directions"]["caller"]["mos"] == 4.41
