"""What a rehearsal measured is told, drawn and written without being changed."""

import io
import json

import pytest

from local.rehearsal.narrator import Narrator, rollout_line
from local.rehearsal.page import page
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import ActReport, Report, Requests
from local.rehearsal.watch import Look, Seen

ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/flights/3"
MINUTES = [
    {"minute": 0, "requests": 90.0, "green": 0.0, "error_rate": None, "p99_ms": None},
    {"minute": 1, "requests": 80.0, "green": 40.0, "error_rate": 0.25, "p99_ms": 11.0},
]
FIRED = {"minute": 1.5, "status": "Updating", "phase": "Baking", "alarms": {"error-rate": "ALARM"}}


def _report(**changes) -> Report:
    act = {
        "name": "A <bad> release",
        "stage": "staging",
        "strategy": "canary",
        "fault": "errors:0.3",
        "model_package_arn": ARN,
        "outcome": "rolled_back",
        "expected": "rolled_back",
        "reasons": ["the alarm fired"],
        "rollout_seconds": 300.0,
        "verdict_seconds": 180.0,
        "requests": Requests(170, 40, 10, 10),
        "minutes": MINUTES,
        "moments": [FIRED],
    }
    return Report("A story", 90.0, 1, acts=[ActReport(**{**act, **changes})], wall_seconds=12.0)


def test_the_report_has_the_contracts_keys(tmp_path):
    _report().write(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert {"acts", "packages", "pipeline_executions", "wall_seconds"} <= written.keys()
    contract = {"name", "stage", "strategy", "fault", "model_package_arn", "outcome", "reasons"}
    assert contract | {"rollout_seconds", "verdict_seconds", "requests"} <= written["acts"][0].keys()
    assert written["acts"][0]["requests"] == {"total": 170, "green": 40, "failed": 10, "failed_green": 10}


def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    _report().write(tmp_path / "report.json")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_is_a_sentence_and_the_old_one_stays(tmp_path):
    _report().write(tmp_path / "report.json")
    (tmp_path / "report.json.part").mkdir()
    with pytest.raises(RehearsalError, match=r"report\.json cannot be written: Is a directory"):
        _report(name="another").write(tmp_path / "report.json")
    assert "A <bad> release" in (tmp_path / "report.json").read_text()


def test_a_rehearsal_with_a_surprise_did_not_go_as_told():
    report = _report()
    report.surprises.append("it was promoted")
    assert not report.as_told
    assert "not as the story tells: it was promoted" in page(report)


@pytest.mark.parametrize("number", ["170", "40", "5.0 AWS minutes", "3.0 AWS minutes", "the alarm fired"])
def test_the_page_shows_the_reports_numbers(number):
    assert number in page(_report())


def test_the_page_escapes_what_it_shows():
    assert "A &lt;bad&gt; release" in page(_report())


def test_the_picture_marks_when_the_alarm_fired():
    assert "alarm fires: error-rate" in page(_report())


def test_a_rollout_without_an_alarm_has_no_mark():
    assert "alarm fires" not in page(_report(moments=[]))


SEEN = Seen("flight-delay-staging", "AllTraffic", 0.0, "old")
LOOK = Look(250.0, "Updating", "old", "new", "Baking", 0.5, 0.031, 12.4, {"error-rate": "OK", "latency-p99": "ALARM"})


def test_the_live_line_shows_share_errors_latency_and_alarms():
    assert rollout_line("staging", SEEN, LOOK) == (
        "staging 04:10  Baking             new fleet █████░░░░░ 50%"
        "  errors  3%  p99 12 ms  latency-p99 ALARM  1 alarm ok"
    )


def test_off_a_terminal_the_live_line_is_left_out():
    stream = io.StringIO()
    narrator = Narrator(stream)
    narrator.looking("staging", SEEN, LOOK)
    narrator.say("staging: promoted", good=True)
    assert stream.getvalue() == "   ✔ staging: promoted\n"
