"""Lists, played with any items, any page size and any order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.listing import page

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.lists(st.text("abAB-", min_size=1, max_size=4), max_size=25)


def things(names):
    return [
        {
            "ThingName": name,
            "ThingStatus": "Ready" if index % 2 else "Creating",
            "CreationTime": START + timedelta(seconds=index // 3),
            "LastModifiedTime": START + timedelta(seconds=100 - index),
            "Number": index,
            "Secret": True,
        }
        for index, name in enumerate(names)
    ]


def numbers(items, **request):
    """Every page's numbers, by asking until there is no NextToken."""
    found, token = [], {}
    while True:
        members = ("ThingName", "Number")
        answer = page(items, {**request, **token}, kind="Thing", members=members, result="Things")
        assert len(answer["Things"]) <= request.get("MaxResults", 10)
        found += [thing["Number"] for thing in answer["Things"]]
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


@given(NAMES, st.integers(1, 30))
def test_the_pages_of_a_list_are_the_list_newest_first(names, size):
    assert numbers(things(names), MaxResults=size) == list(range(len(names)))[::-1]


@given(NAMES, st.sampled_from(["Name", "CreationTime", "LastModifiedTime", "Status"]))
def test_descending_is_ascending_backwards(names, by):
    items = things(names)
    ascending = numbers(items, SortBy=by, SortOrder="Ascending")
    assert numbers(items, SortBy=by, SortOrder="Descending") == ascending[::-1]


@given(NAMES, st.text("abAB-", min_size=1, max_size=2))
def test_a_name_is_looked_for_whatever_its_case(names, wanted):
    found = numbers(things(names), NameContains=wanted, SortOrder="Ascending")
    assert found == [index for index, name in enumerate(names) if wanted.lower() in name.lower()]


@given(NAMES, st.integers(-1, 10), st.integers(-1, 10))
def test_times_are_bounds_that_are_not_included(names, after, before):
    bounds = {
        "CreationTimeAfter": START + timedelta(seconds=after),
        "CreationTimeBefore": START + timedelta(seconds=before),
    }
    expected = [index for index in range(len(names)) if after < index // 3 < before]
    assert numbers(things(names), SortOrder="Ascending", **bounds) == expected


def test_a_status_is_looked_for():
    assert numbers(things("abcd"), StatusEquals="Ready") == [3, 1]


def test_a_summary_shows_its_members_only():
    answer = page(things("a"), {}, kind="Thing", members=("ThingName",), result="Things")
    assert answer == {"Things": [{"ThingName": "a"}]}


def test_a_list_may_be_oldest_first_by_default():
    answer = page(things("ab"), {}, kind="Thing", members=("Number",), result="Things", order="Ascending")
    assert answer["Things"] == [{"Number": 0}, {"Number": 1}]


@pytest.mark.parametrize("token", ["no", "-1", "²"])
def test_a_token_that_nobody_was_given_is_refused(token):
    with pytest.raises(AwsError, match="NextToken"):
        page([], {"NextToken": token}, kind="Thing", members=(), result="Things")
