"""Requests are rows of real data, one each, named by their header."""

from hypothesis import given
from hypothesis import strategies as st

from local.rehearsal.traffic import payloads


def test_a_request_is_the_header_and_one_row_without_the_dropped_columns():
    assert payloads("late,carrier,hour\n1,UA,5\n0,DL,6\n", ["late"]) == [
        b"carrier,hour\nUA,5\n",
        b"carrier,hour\nDL,6\n",
    ]


def test_a_last_row_that_was_cut_off_is_left_out():
    assert payloads("a,b\n1,2\n3,", []) == [b"a,b\n1,2\n"]


@given(st.lists(st.tuples(st.integers(), st.integers()), min_size=1))
def test_every_whole_row_becomes_one_request(rows):
    table = "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)
    assert payloads(table, []) == [f"a,b\n{a},{b}\n".encode() for a, b in rows]
