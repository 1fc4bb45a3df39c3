"""Requests are rows of real data, one each, named by their header; faults change how many there are, and which."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.faults import FaultError, Faults, parse
from local.faults.traffic import DAY
from local.rehearsal.traffic import Traffic, rows_of

TABLE = "late,carrier,hour\n" + "".join(f"{int(n % 4 == 0)},{'UA' if n % 5 else 'DL'},{n}\n" for n in range(100))
LATE = {row.body for row in rows_of(TABLE, ["late"]) if row.values["late"] == "1"}


def _bodies(table: str, drop: list[str]) -> list[bytes]:
    return [row.body for row in rows_of(table, drop)]


def test_a_request_is_the_header_and_one_row_without_the_dropped_columns():
    assert _bodies("late,carrier,hour\n1,UA,5\n0,DL,6\n", ["late"]) == [
        b"carrier,hour\nUA,5\n",
        b"carrier,hour\nDL,6\n",
    ]


def test_a_last_row_that_was_cut_off_is_left_out():
    assert _bodies("a,b\n1,2\n3,", []) == [b"a,b\n1,2\n"]


@given(st.lists(st.tuples(st.integers(), st.integers()), min_size=1))
def test_every_whole_row_becomes_one_request(rows):
    table = "a,b\n" + "".join(f"{a},{b}\n" for a, b in rows)
    assert _bodies(table, []) == [f"a,b\n{a},{b}\n".encode() for a, b in rows]


class Stepped(Clock):
    """A clock that goes on when somebody waits, once everything that was sent until then has arrived."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.now_is = self.start = start
        self.sent = lambda: 0
        self.arrived: list[tuple[int, bytes]] = []

    def time(self) -> float:
        return self.now_is

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        while len(self.arrived) < self.sent():  # noqa: ASYNC110 - a server's handler is what is waited for
            await asyncio.sleep(0)
        self.now_is += seconds

    def minute(self) -> int:
        return int(self.now_is - self.start) // 60

    async def take(self, request: web.Request) -> web.Response:
        self.arrived.append((self.minute(), await request.read()))
        return web.Response()


def send(*faults: str, minutes: int, start: float = 0.0) -> list[tuple[int, bytes]]:
    """The minute and the body of each request that came in so many minutes at 60 a minute."""
    clock = Stepped(start)

    async def go() -> None:
        application = web.Application()
        application.router.add_post("/endpoints/e/invocations", clock.take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        active = Faults(clock.time)
        for fault in faults:
            active.put(fault, "e")
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with Traffic(url, clock, 60, rows_of(TABLE, ["late"]), active).to("e") as counted:
            clock.sent = lambda: counted.total
            async with asyncio.timeout(30):
                while clock.minute() < minutes:  # noqa: ASYNC110 - the sender's own waits move this clock
                    await asyncio.sleep(0)
        await runner.cleanup()

    asyncio.run(go())
    return [(minute, body) for minute, body in clock.arrived if minute < minutes]


def by_minute(arrived: list[tuple[int, bytes]]) -> dict[int, int]:
    return dict(Counter(minute for minute, _ in arrived))


def test_without_a_fault_the_rate_is_steady_and_the_rows_come_in_turn():
    arrived = send(minutes=2)
    assert by_minute(arrived) == {0: pytest.approx(60, abs=1), 1: pytest.approx(60, abs=1)}
    bodies = _bodies(TABLE, ["late"])
    assert [body for _, body in arrived] == (bodies * 2)[: len(arrived)]


def test_no_traffic_is_nothing_at_all_or_nothing_from_a_moment_on():
    assert send("no-traffic", minutes=2) == []
    assert len(send("no-traffic:60", minutes=3)) == pytest.approx(60, abs=1)


def test_bursts_multiply_the_traffic_for_a_while_again_and_again():
    counted = by_minute(send("bursts:5:60:120", minutes=4))
    assert [counted[minute] for minute in range(4)] == pytest.approx([300, 60, 300, 60], abs=2)


def test_diurnal_traffic_follows_the_hour_of_awss_clock():
    night, evening, day = (
        sum(by_minute(send("diurnal:0.2", minutes=5, start=DAY * 20000 + hour * 3600)).values()) for hour in (4, 10, 16)
    )
    assert [night, evening, day] == pytest.approx([60, 180, 300], abs=5)


def test_label_shift_is_by_a_column_that_is_not_sent():
    usual, shifted = (send(*faults, minutes=5) for faults in ((), ("shift:late=1:0.8",)))
    shares = [sum(body in LATE for _, body in arrived) / len(arrived) for arrived in (usual, shifted)]
    assert shares == pytest.approx([0.25, 0.8], abs=0.08)


def test_covariate_shift_is_by_a_column_that_is_sent():
    assert all(b"\nDL," in body for _, body in send("shift:carrier=DL", minutes=2))


def test_a_shift_with_the_same_seed_sends_the_same_rows():
    assert send("shift:late=1:0.5:7", minutes=1) == send("shift:late=1:0.5:7", minutes=1)


def test_faults_of_the_traffic_add_up():
    arrived = send("bursts:2:60", "shift:carrier=DL", minutes=1)
    assert len(arrived) == pytest.approx(120, abs=2)
    assert all(b"\nDL," in body for _, body in arrived)


@pytest.mark.parametrize(
    ("fault", "said"),
    [("shift:carrier=AA", "carrier is DL, UA"), ("shift:weather=fog", "weather is in none of the rows")],
)
def test_a_shift_to_rows_that_are_not_there_is_refused_with_what_there_is(fault, said):
    with pytest.raises(FaultError, match=said):
        parse(fault).fit(rows_of(TABLE, []))
