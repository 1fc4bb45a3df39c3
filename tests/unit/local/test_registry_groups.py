"""Package groups: their policies, their tags, their end."""

import pytest

from local.errors import AwsError
from local.tags import Tags
from tests.unit.local.registry_rig import GROUP, GROUP_ARN, made, registered


@pytest.fixture
def registry(tmp_path):
    return made(tmp_path, [])


@pytest.mark.aws(
    "Model registry", "A group's resource policy is put, got and deleted", "API: PutModelPackageGroupPolicy"
)
def test_a_groups_policy_is_kept_until_it_is_deleted(registry):
    policy = '{"Version": "2012-10-17", "Statement": []}'
    put = registry.put_model_package_group_policy({**GROUP, "ResourcePolicy": policy})
    assert put == {"ModelPackageGroupArn": GROUP_ARN}
    assert registry.get_model_package_group_policy(GROUP) == {"ResourcePolicy": policy}
    registry.delete_model_package_group_policy(GROUP)
    with pytest.raises(AwsError, match=f"Cannot find resource policy for: {GROUP_ARN}"):
        registry.get_model_package_group_policy(GROUP)


@pytest.mark.aws("Model registry", "A group that has packages cannot be deleted", "API: DeleteModelPackageGroup")
def test_a_group_is_deleted_when_it_is_empty_only(registry):
    arn = registered(registry)
    with pytest.raises(AwsError, match="it has model packages") as caught:
        registry.delete_model_package_group(GROUP)
    assert caught.value.code == "ConflictException"
    registry.delete_model_package({"ModelPackageName": arn})
    registry.delete_model_package_group({"ModelPackageGroupName": GROUP_ARN})
    with pytest.raises(AwsError, match="does not exist"):
        registry.describe_model_package_group(GROUP)


@pytest.mark.aws("Model registry", "A version has no tags of its own: it uses its group's", "API: CreateModelPackage")
def test_a_version_takes_no_tags_and_a_group_does(registry):
    tags, tag = Tags(), [{"Key": "team", "Value": "flights"}]
    with pytest.raises(AwsError, match="tag that"):
        tags.add_tags({"ResourceArn": registered(registry), "Tags": tag})
    assert tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": tag}) == {"Tags": tag}


def test_tags_are_at_most_fifty_and_none_of_awss(registry):
    tags = Tags()
    tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": [{"Key": str(i), "Value": ""} for i in range(50)]})
    for key, said in (("more", "51 tags"), ("aws:own", "reserved for AWS")):
        with pytest.raises(AwsError, match=said):
            tags.add_tags({"ResourceArn": GROUP_ARN, "Tags": [{"Key": key, "Value": ""}]})
    assert len(tags.list_tags({"ResourceArn": GROUP_ARN})["Tags"]) == 50
