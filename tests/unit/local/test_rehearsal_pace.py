"""A machine that does not keep up with AWS's clock is noticed, and said where the verdict is read."""

import asyncio
import json

from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.faults import Faults
from local.rehearsal.pace import Pace, advice, delay, held
from local.rehearsal.page import page
from local.rehearsal.report import Report
from local.rehearsal.traffic import Counted, Row, Traffic


def test_requests_that_left_in_time_say_nothing():
    assert delay("staging", Pace(1000, 50, 70.0)) is None


def test_requests_that_left_late_say_how_many_and_how_late():
    said = delay("staging", Pace(1000, 930, 1260.0))
    assert said == "93% of the requests to staging left more than an AWS minute late, the latest 21 minutes"


def test_no_traffic_is_not_late():
    assert Pace().kept_up


@given(st.lists(st.floats(0, 1e5)))
def test_a_request_is_late_when_it_leaves_more_than_an_aws_minute_after_it_was_due(behind):
    counted = Counted()
    for seconds in behind:
        counted.left(seconds)
    assert counted.pace == Pace(len(behind), sum(s > 60 for s in behind), max(behind, default=0.0))


def test_a_clock_that_stood_still_for_a_moment_is_not_worth_a_line():
    assert held(0.4) is None
    assert "stood still for 12.5 s" in held(12.5)


def test_the_report_and_its_page_say_that_the_machine_did_not_keep_up(tmp_path):
    report = Report("A story", 240, 1)
    report.write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["kept_up"]
    assert "did not keep up" not in page(report)
    report.delays.append("93% late")
    report.write(tmp_path / "report.json")
    assert not json.loads((tmp_path / "report.json").read_text())["kept_up"]
    assert advice(["93% late"], 240) in page(report).replace("&#x27;", "'")
    assert "lower --speed" in advice(["93% late"], 240)


def test_a_server_that_is_too_slow_for_the_speed_makes_requests_late():
    """More requests a real second than can be answered: the sender waits for answers, and falls behind its clock."""

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response()

    async def go() -> Pace:
        application = web.Application()
        application.router.add_post("/endpoints/e/invocations", slow)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url, clock = f"http://127.0.0.1:{runner.addresses[0][1]}", Clock(1000)
        async with Traffic(url, clock, 60, [Row(b"x", {})], Faults(clock.time)).to("e") as counted:
            async with asyncio.timeout(60):
                while counted.pace.kept_up:  # noqa: ASYNC110 - what the sender counts is seen from outside
                    await asyncio.sleep(0.01)
        await runner.cleanup()
        return counted.pace

    assert delay("staging", asyncio.run(go())) is not None
