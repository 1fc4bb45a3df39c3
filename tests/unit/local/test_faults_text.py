"""A fault is a line of text: read, checked, written again, and in force on whom it was put."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.faults import REGISTRY, FaultError, Faults, parse, parse_all
from local.faults.answers import Errors, Slow
from local.faults.container import ContainerFault, RequestFailedError
from local.faults.hosting import Capacity, CommonCause
from local.faults.slices import slice_of
from local.faults.traffic import Shift


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("errors:0.3", Errors(0.3)),
        ("errors:1:7", Errors(1, seed=7)),
        ("errors:rate=0.3:seed=7", Errors(0.3, seed=7)),
        ("errors:0.3:after=60:only=carrier=UA", Errors(0.3, after=60, only="carrier=UA")),
        ("slow:400", Slow(400)),
        ("common-cause:errors:0.3:after=60", CommonCause(Errors(0.3, after=60))),
        ("shift:late=1:0.8", Shift("late=1", 0.8)),
        ("capacity:seconds=60", Capacity(seconds=60)),
    ],
)
def test_values_are_given_by_position_or_by_name(text, fault):
    assert parse(text) == fault


@given(st.floats(0, 1), st.integers(0), st.floats(0, 1e9), st.sampled_from(["", "0.5", "carrier=UA"]))
def test_the_text_of_a_fault_makes_the_same_fault(rate, seed, after, only):
    fault = Errors(rate, seed, after=after, only=only)
    assert parse(str(fault)) == fault
    assert parse(str(CommonCause(fault))) == CommonCause(fault)


def test_several_have_commas_between_them():
    assert parse_all("errors:0.3, slow:400") == (Errors(0.3), Slow(400))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("error:0.3", r"no fault error; did you mean errors:RATE\[:SEED\]"),
        ("gremlins", "There are errors, slow,"),
        ("errors", "errors cannot be: its rate is missing. Write it errors:RATE"),
        ("errors:2", "its rate is 2; it must be between 0 and 1"),
        ("errors:nan", "its rate is nan; it must be between 0 and 1"),
        ("errors:half", "its rate is half; it must be a number"),
        ("errors:0.3:x", "its seed is x; it must be a whole number"),
        ("errors:0.3:only=2", "its only is 2; it must be COLUMN=VALUE or a share"),
        ("slow:-1", "its milliseconds is -1; it must be 0 or more"),
        ("crash:now", "now is one value too many"),
        ("common-cause", "its fault is missing. Write it common-cause:FAULT"),
        ("common-cause:eror:1", "no fault eror; did you mean errors:RATE"),
        ("common-cause:crash", "crash is no fault of a container's answers"),
        ("shift:late", "it says late, not COLUMN=VALUE"),
        ("crash-loop", "neither after how many requests nor"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_how_to_write_it(text, message):
    with pytest.raises(FaultError, match=message):
        parse(text)


@pytest.mark.parametrize("kind", REGISTRY.values(), ids=list(REGISTRY))
def test_every_fault_is_documented_and_says_how_it_is_written(kind):
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}("), "the dataclass wrote it"
    assert kind.form().startswith(kind.name)
    assert kind.scope


def _outcomes(fault: ContainerFault, bodies: list[bytes]) -> list[bool]:
    async def one(body: bytes) -> bool:
        try:
            await fault.before(body)
        except RequestFailedError:
            return False
        return True

    async def go() -> list[bool]:
        return [await one(body) for body in bodies]

    return asyncio.run(go())


@given(st.integers(0))
def test_a_fault_with_the_same_seed_decides_the_same(seed):
    runs = [_outcomes(Errors(0.5, seed), [b"x"] * 50) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_fault_with_a_delay_is_harmless_until_then():
    time = [100.0]
    fault = Errors(1, after=60)
    fault.start(lambda: time[0])
    seen = []
    for time[0] in (100.0, 159.0, 160.0):
        seen += _outcomes(fault, [b"x"])
    assert seen == [True, True, False]


@pytest.mark.parametrize(
    ("only", "inside", "outside"),
    [
        ("carrier=UA", b"hour,carrier\n5,UA\n", b"hour,carrier\n5,DL\n"),
        ("1=UA", b"5,UA\n", b"5,DL\n"),
        ("carrier=UA", json.dumps({"instances": [{"carrier": "UA"}]}).encode(), b'{"instances": [{"carrier": "DL"}]}'),
        ("hour=5", b'[{"hour": 5}]', b'[{"hour": 6}]'),
    ],
)
def test_a_slice_is_the_requests_with_a_value_in_a_column(only, inside, outside):
    assert slice_of(only)(inside)
    assert not slice_of(only)(outside)


def test_a_slice_by_share_is_always_the_same_requests():
    bodies = [f"{number},UA".encode() for number in range(1000)]
    inside = [slice_of("0.2")(body) for body in bodies]
    assert 150 < sum(inside) < 250
    assert inside == [slice_of("0.2")(body) for body in bodies]


@given(st.binary())
def test_a_body_of_any_bytes_is_in_a_slice_or_not(body):
    assert slice_of("carrier=UA")(body) in (True, False)


def test_a_fault_is_about_its_target_and_one_without_is_about_everybody():
    faults = Faults()
    faults.put("slow:1", "one")
    faults.put("slow:2")
    assert [[str(fault) for fault in faults.of(Slow, target)] for target in ("one", "two")] == [
        ["slow:1", "slow:2"],
        ["slow:2"],
    ]


def test_faults_are_ended_by_text_by_target_or_all():
    faults = Faults()
    for text, target in [("slow:1", "one"), ("slow:1", "two"), ("slow:2", "two")]:
        faults.put(text, target)
    faults.clear("slow:1", "two")
    assert [(str(a.fault), a.target) for a in faults.listed()] == [("slow:1", "one"), ("slow:2", "two")]
    faults.clear(target="two")
    assert [a.target for a in faults.listed()] == ["one"]
    faults.clear()
    assert faults.listed() == []


def test_a_fault_that_is_put_again_begins_anew_and_leaves_that_of_another_target():
    faults = Faults()
    other, first = faults.put("errors:0.5", "other"), faults.put("errors:0.5")
    second = faults.put("errors:0.50")
    assert first is not second
    assert faults.listed() == [other, second]


def test_a_fault_is_ended_by_itself():
    faults = Faults()
    kept, ended = faults.put("errors:0.5", "one"), faults.put("errors:0.5", "two")
    for _ in range(2):
        faults.end(ended)
    assert faults.listed() == [kept]
