"""The whole loop in small: data, pipeline, approval, event, canary, promotion, rollback; real processes and HTTP."""

import json

import pytest


@pytest.fixture(scope="module")
def report(told) -> dict:
    return json.loads((told[0] / "report.json").read_text())


def test_every_act_ends_as_the_story_tells(report):
    assert [act["outcome"] for act in report["acts"]] == ["created", "promoted", "rolled_back"]


def test_the_reason_of_a_rollback_is_the_alarm_on_the_new_fleets_errors(report):
    assert "error-rate fired: Threshold Crossed" in report["acts"][-1]["reasons"][0]


def test_only_the_bad_new_fleet_failed_requests(report):
    failed = [(act["requests"]["failed"], act["requests"]["failed_green"]) for act in report["acts"]]
    assert failed[:2] == [(0, 0), (0, 0)]
    assert failed[2][0] == failed[2][1] > 0


def test_the_new_fleet_took_traffic_before_any_verdict(report):
    for act in report["acts"][1:]:
        assert act["requests"]["green"] > 0
        assert act["verdict_seconds"] > 0


def test_a_rollback_is_quicker_than_the_bake(report):
    promoted, rolled_back = report["acts"][1:]
    assert rolled_back["verdict_seconds"] < 600 < promoted["verdict_seconds"]


def test_the_rejected_package_is_on_record_and_the_promoted_one_is_live(report):
    packages = [(package["approval_status"], package["lifecycle"]) for package in report["packages"]]
    assert packages == [("Approved", "Staging Archived"), ("Approved", "Staging Live"), ("Rejected", "")]


def test_preprocessing_ran_once_and_was_cached_after(report):
    cached = [execution["steps"][0]["cached"] for execution in report["pipeline_executions"]]
    assert cached == [False, True, True]


def test_an_evaluation_report_of_each_version_lies_beside_the_report(told, report):
    for package in report["packages"]:
        assert f"{package['auc']:.4f}" in (told[0] / package["evaluation_report"]).read_text()


def test_a_good_release_on_a_bad_day_is_promoted_and_every_fault_happened(told, report):
    assert report["acts"][1]["fault"].split(",")[:2] == ["job:Train:capacity-error", "duplicates"]
    assert "the event came again: as before" in told[1]
    assert told[1].count("the rehearsal gives") == 7
    assert "never happened" not in told[1]


def test_the_terminal_tells_the_outcomes(told):
    assert "staging: promoted" in told[1]
    assert "staging: rolled back" in told[1]
