"""What is written is true: every command, setting, metric and fault is documented, and the README's words run."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def _page(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["reference", "fidelity", "states", "strategies"])
def test_a_generated_page_is_what_the_code_says(name):
    """After a change of commands, settings, or tests marked `aws`: make docs."""
    assert (ROOT / "docs" / f"{name}.md").read_text() == _page(name).page()


def test_every_metric_that_a_guardrail_looks_at_is_in_the_reference():
    code = (ROOT / "deploy" / "guardrails.py").read_text() + (ROOT / "deploy" / "observe.py").read_text()
    named = set(re.findall(r'"(Invocation\w*|ModelLatency|PredictionDistance)"', code))
    assert named == {name for _, name, _ in _page("reference").METRICS}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make (\w+)", README, re.MULTILINE))))
def test_a_make_target_in_the_readme_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", ["rehearse", "test", "check", "bench"])
def test_the_main_targets_are_in_the_readme(target):
    assert f"make {target}" in README


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python -m (\w+ \w+)", README))))
def test_a_command_in_the_readme_exists(command):
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+)\)", README))))
def test_a_link_in_the_readme_leads_somewhere(path):
    assert (ROOT / path).exists()


def test_the_transcript_in_the_readme_tells_the_default_story():
    story = (ROOT / "local" / "rehearsal" / "default.yaml").read_text()
    titles = re.findall(r"- title: (.*)", story)
    told = re.findall(r"^\d\. (.*)$", README, re.MULTILINE)
    assert told == titles


def test_nothing_that_is_committed_names_a_registrys_host():
    listed = subprocess.run(
        ["git", "ls-files", "*requirements*.txt"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split():
        assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "conformance").glob("*.py")), ids=lambda path: path.stem)
def test_the_conformance_suite_knows_nothing_of_the_stand_in(path):
    """It runs unchanged against AWS: boto3 alone, and a stand-in is a process that is started beside it."""
    imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
    assert not {"local", "deploy", "pipelines", "moto"} & set(imported)


def test_the_variables_of_the_conformance_suite_are_explained():
    needed = set(re.findall(r'"(CONFORMANCE_\w+)"', (ROOT / "tests" / "conformance" / "conftest.py").read_text()))
    explained = re.findall(r"^\| `(CONFORMANCE_\w+)`", (ROOT / "docs" / "conformance.md").read_text(), re.MULTILINE)
    assert needed == set(explained) != set()
