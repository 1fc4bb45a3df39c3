"""What is written to the registry, and that nothing is written twice."""

import re
from dataclasses import replace

from fake_aws import package_arn
from hypothesis import given
from hypothesis import strategies as st

from deploy.registry import Package, archived, clean, passed, rejected

PACKAGE = Package(arn=package_arn(2), group="flight-delay", version=2, approval="Approved", metadata={"commit": "abc"})


@given(st.text(max_size=2000))
def test_any_text_becomes_a_value_that_customer_metadata_takes(text: str) -> None:
    assert re.fullmatch(r"[^\W_][\w .:/=+\-@]{0,255}|[\w .:/=+\-@]{1,256}", clean(text))


def test_numbers_survive_the_cleaning() -> None:
    assert clean('{"rate": 42.5%, "limit": > 0.05}') == "rate: 42.5 percent limit: above 0.05"


def test_metadata_of_others_is_sent_along_because_aws_may_replace_the_map() -> None:
    call = passed(PACKAGE, "staging", "Staging", "config", "promoted")
    assert call
    assert call.parameters["CustomerMetadataProperties"]["commit"] == "abc"


def test_what_is_recorded_is_not_recorded_again() -> None:
    metadata = {"staging-outcome": "promoted", "staging-config": "config"}
    recorded = Package(package_arn(2), "g", 2, approval="Approved", lifecycle=("Staging", "Live"), metadata=metadata)
    assert passed(recorded, "staging", "Staging", "config", "promoted") is None
    assert archived(PACKAGE, "Staging", 3) is None


def test_a_rejection_is_recorded_once_per_rollout() -> None:
    metadata = {"staging-outcome": "rolled_back", "staging-config": "config"}
    recorded = Package(package_arn(2), "g", 2, approval="Rejected", metadata=metadata)
    assert rejected(recorded, "staging", "config", "because") is None
    assert rejected(recorded, "staging", "another", "because")


def test_a_long_reason_is_cut_to_what_aws_takes() -> None:
    call = rejected(PACKAGE, "staging", "config", "no\n" * 2000)
    assert call
    assert len(call.parameters["ApprovalDescription"]) <= 1024
    assert "\n" not in call.parameters["ApprovalDescription"]


def test_a_stage_archives_only_what_is_live_in_that_stage() -> None:
    production = Package(package_arn(1), "g", 1, lifecycle=("Production", "Live"))
    assert archived(production, "Staging", 2) is None
    assert archived(production, "Production", 2)


def test_a_package_that_a_person_has_rejected_is_not_rejected_again() -> None:
    call = rejected(replace(PACKAGE, approval="Rejected"), "staging", "config", "because")
    assert call
    assert "ModelApprovalStatus" not in call.parameters
