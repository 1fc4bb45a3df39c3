"""The worked example of docs/extend.md works: one file and one line make a strategy."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "extend.md").read_text()
PLANNED = """
import json
from deploy import stage_files
from deploy.plan import deployment_config
policy = stage_files.load("staging", [
    "rollout.strategy=halves", "rollout.halves={bake_minutes: 10}", "endpoint.instance_count=5",
], {"SAGEMAKER_EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/serving"})
print(json.dumps(deployment_config(policy, 5, ["alarm"])))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of deploy/ with the example in it."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    strategies = tmp_path / "deploy" / "strategies"
    file, line = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (strategies / "halves.py").write_text(file)
    listed = (strategies / "__init__.py").read_text()
    listed = listed.replace("SHIFTS: dict", "from deploy.strategies.halves import Halves\n\nSHIFTS: dict", 1)
    (strategies / "__init__.py").write_text(
        listed.replace('    "rolling": Rolling,\n', f'    "rolling": Rolling,\n{line}')
    )
    return tmp_path


def test_one_file_and_one_line_make_a_strategy(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLANNED], cwd=project, capture_output=True, text=True, check=False, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr
    routing = json.loads(done.stdout)["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {
        "Type": "CANARY",
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 2},
        "WaitIntervalInSeconds": 600,
    }
