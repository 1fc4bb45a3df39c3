"""An update of a package, played with any package and any request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.registry.changes import updated

KEYS = st.text("abcdef", min_size=1, max_size=2)
METADATA = st.dictionaries(KEYS, st.text("xy", min_size=1, max_size=2), max_size=6)
LIFE_CYCLES = st.fixed_dictionaries({"Stage": st.sampled_from(["QA", "Production"]), "StageStatus": st.just("Live")})
APPROVALS = st.sampled_from(["Approved", "Rejected", "PendingManualApproval"])
SPECIFICATIONS = st.lists(st.fixed_dictionaries({"Name": KEYS}), min_size=1, max_size=4)
PACKAGES = st.fixed_dictionaries(
    {"ModelPackageArn": st.just("arn"), "ModelApprovalStatus": APPROVALS},
    optional={
        "CustomerMetadataProperties": METADATA,
        "ModelLifeCycle": LIFE_CYCLES,
        "AdditionalInferenceSpecifications": SPECIFICATIONS,
        "ModelMetrics": st.just({"ModelQuality": {}}),
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "ModelApprovalStatus": APPROVALS,
        "ApprovalDescription": st.sampled_from(["", "good"]),
        "CustomerMetadataProperties": METADATA.filter(bool),
        "CustomerMetadataPropertiesToRemove": st.lists(KEYS, max_size=3),
        "ModelLifeCycle": LIFE_CYCLES,
        "AdditionalInferenceSpecificationsToAdd": SPECIFICATIONS,
    },
)


def merged(package, **request):
    return updated(package, request, replace_metadata=False)


@given(PACKAGES, REQUESTS, st.booleans())
def test_the_members_that_differ_are_the_members_said_to_be_changed(package, request, replace):
    after, changed = updated(package, request, replace_metadata=replace)
    members = set(package) | set(after)
    assert {m for m in members if package.get(m) != after.get(m)} == set(changed)


@given(PACKAGES, REQUESTS, st.booleans())
def test_a_member_that_a_request_does_not_name_stays(package, request, replace):
    after, _ = updated(package, request, replace_metadata=replace)
    named = {name.removesuffix("ToRemove").removesuffix("ToAdd") for name in request}
    assert all(after[member] == value for member, value in package.items() if not member.startswith(tuple(named)))


@given(PACKAGES, REQUESTS)
def test_an_update_without_additions_says_nothing_new_when_it_comes_again(package, request):
    request.pop("AdditionalInferenceSpecificationsToAdd", None)
    once, _ = merged(package, **request)
    assert merged(once, **request) == (once, [])


@given(PACKAGES, METADATA.filter(bool))
def test_metadata_is_merged_or_replaced_as_the_switch_says(package, given_):
    there = package.get("CustomerMetadataProperties", {})
    request = {"CustomerMetadataProperties": given_}
    merged_, _ = updated(package, request, replace_metadata=False)
    replaced, _ = updated(package, request, replace_metadata=True)
    assert merged_["CustomerMetadataProperties"] == {**there, **given_}
    assert replaced["CustomerMetadataProperties"] == given_


@pytest.mark.aws("Model registry", "A package has at most 50 customer metadata keys", "API: UpdateModelPackage")
def test_a_fifty_first_metadata_key_is_refused_until_another_is_removed():
    package = {"CustomerMetadataProperties": {f"k{i}": "v" for i in range(50)}}
    with pytest.raises(AwsError, match="51 keys, of at most 50"):
        merged(package, CustomerMetadataProperties={"new": "v"})
    after, _ = merged(
        package, CustomerMetadataProperties={"new": "v"}, CustomerMetadataPropertiesToRemove=["k0", "unknown"]
    )
    assert len(after["CustomerMetadataProperties"]) == 50


@pytest.mark.aws(
    "Model registry",
    "Additional inference specifications are added to those there are, 15 in all",
    "API: UpdateModelPackage",
)
def test_additional_inference_specifications_add_up_to_fifteen():
    package = {"AdditionalInferenceSpecifications": [{"Name": str(i)} for i in range(14)]}
    after, changed = merged(package, AdditionalInferenceSpecificationsToAdd=[{"Name": "last"}])
    assert after["AdditionalInferenceSpecifications"][-1] == {"Name": "last"}
    assert changed == ["AdditionalInferenceSpecifications"]
    with pytest.raises(AwsError, match="at most 15"):
        merged(after, AdditionalInferenceSpecificationsToAdd=[{"Name": "one more"}])


@pytest.mark.aws(
    "Model registry",
    "The content of a model card that is Archived can no longer be updated",
    "API: ModelPackageModelCard",
)
def test_an_archived_model_card_keeps_its_content():
    archived, _ = merged({"ModelCard": {"ModelCardContent": "{}"}}, ModelCard={"ModelCardStatus": "Archived"})
    assert archived["ModelCard"] == {"ModelCardContent": "{}", "ModelCardStatus": "Archived"}
    with pytest.raises(AwsError, match="Model Card is in Archived state"):
        merged(archived, ModelCard={"ModelCardContent": '{"a": 1}', "ModelCardStatus": "Draft"})


def test_a_model_card_that_is_not_json_is_refused():
    with pytest.raises(AwsError, match="ModelCardContent is not JSON"):
        merged({}, ModelCard={"ModelCardContent": "once upon a time"})
