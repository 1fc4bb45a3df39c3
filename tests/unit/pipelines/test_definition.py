"""The compiled definition: the same bytes anywhere, without network, and nothing in it that a release could regret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "pipeline.json"
OFFLINE = """
import socket, sys
def refuse(*where, **_):
    sys.exit(f"the definition reached for the network: {where}")
socket.socket.connect = socket.getaddrinfo = refuse
from pipelines.__main__ import main
sys.exit(main(["definition"]))
"""


def _compiled(home: Path, seed: str) -> bytes:
    """The definition as a stranger's machine compiles it: no AWS settings, no network, another home."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", OFFLINE], cwd=home, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> tuple[bytes, bytes]:
    """Two compilations by two strangers."""
    homes = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    return _compiled(homes[0], "1"), _compiled(homes[1], "2")


@pytest.fixture(scope="module")
def definition(compiled) -> dict:
    return json.loads(compiled[0])


def _steps(definition: dict) -> dict:
    """Every step by name, those inside the condition too."""
    found = {}
    for step in definition["Steps"]:
        found[step["Name"]] = step
        for branch in ("IfSteps", "ElseSteps"):
            found.update({inner["Name"]: inner for inner in step["Arguments"].get(branch, [])})
    return found


def test_two_compilations_give_the_same_bytes(compiled):
    assert compiled[0] == compiled[1]


def test_the_definition_is_the_golden_one(compiled):
    """After a change of steps or pipeline, `make golden` writes it anew: read the diff."""
    assert compiled[0].decode() == GOLDEN.read_text()


def test_no_step_but_the_condition_can_register(definition):
    outside = {step["Name"]: step["Type"] for step in definition["Steps"]}
    assert outside == {
        "Preprocess": "Processing",
        "Train": "Training",
        "Evaluate": "Processing",
        "GoodEnough": "Condition",
    }


def test_a_package_is_registered_only_when_both_conditions_hold(definition):
    gate = _steps(definition)["GoodEnough"]["Arguments"]
    assert [condition["Type"] for condition in gate["Conditions"]] == ["GreaterThanOrEqualTo", "LessThanOrEqualTo"]
    assert [step["Name"] for step in gate["IfSteps"]] == ["Register"]
    assert [step["Name"] for step in gate["ElseSteps"]] == ["TooWeak"]


def test_the_default_limit_of_the_auc_is_085(definition):
    defaults = {parameter["Name"]: parameter["DefaultValue"] for parameter in definition["Parameters"]}
    assert defaults["MinAuc"] == 0.85


def test_a_package_waits_for_a_person(definition):
    assert _steps(definition)["Register"]["Arguments"]["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.parametrize("name", ["Preprocess", "Train", "Evaluate"])
def test_every_output_is_under_the_executions_own_prefix(definition, name):
    arguments = _steps(definition)[name]["Arguments"]
    outputs = arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    uris = [output["S3Output"]["S3Uri"] for output in outputs] or [arguments["OutputDataConfig"]["S3OutputPath"]]
    for uri in uris:
        assert {"Get": "Execution.PipelineExecutionId"} in uri["Std:Join"]["Values"]


def test_what_depends_on_the_champion_is_never_cached(definition):
    assert "CacheConfig" not in _steps(definition)["Evaluate"]


@pytest.mark.parametrize("name", ["Preprocess", "Train"])
def test_work_that_depends_on_its_inputs_alone_is_cached(definition, name):
    assert _steps(definition)[name]["CacheConfig"]["Enabled"] is True


@pytest.mark.parametrize("name", ["Preprocess", "Train", "Evaluate"])
def test_throttling_and_missing_capacity_are_retried(definition, name):
    retried = [kind for policy in _steps(definition)[name]["RetryPolicies"] for kind in policy["ExceptionType"]]
    assert {"Step.THROTTLING", "SageMaker.CAPACITY_ERROR"} <= set(retried)


def test_the_container_is_the_supported_one(definition):
    assert _steps(definition)["Train"]["Arguments"]["AlgorithmSpecification"]["TrainingImage"].endswith("xgboost:3.2-0")


def test_hyperparameters_are_strings_as_sagemakers_map_of_them_is(definition):
    types = {parameter["Name"]: parameter["Type"] for parameter in definition["Parameters"]}
    values = _steps(definition)["Train"]["Arguments"]["HyperParameters"].values()
    named = [value["Get"].removeprefix("Parameters.") for value in values if isinstance(value, dict)]
    assert {types[name] for name in named} == {"String"}
