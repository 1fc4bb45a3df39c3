"""`python -m pipelines` refuses what it cannot do in a sentence, with the exit code that says whose turn it is."""

import pytest

from pipelines.__main__ import main


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No AWS settings, no credentials, and nothing to ask for them."""
    for name in ("AWS_REGION", "ARTIFACT_BUCKET", "SAGEMAKER_PIPELINE_ROLE_ARN", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upsert"], "no --region given and AWS_REGION is not set"),
        (["upsert", "--region", "us-east-1"], "SAGEMAKER_PIPELINE_ROLE_ARN is not set"),
        (["upsert", "--region", "us-east-1", "--role", "r"], "ARTIFACT_BUCKET is not set"),
        (["run", "--region", "us-east-1", "--set", "MinAuc"], "write PARAMETER=VALUE"),
    ],
)
def test_what_is_missing_is_a_usage_error_that_says_how_to_give_it(capsys, arguments, said):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_missing_credentials_are_a_sentence(capsys):
    assert main(["run", "--region", "us-east-1"]) == 1
    assert "credentials" in capsys.readouterr().err


def test_flights_can_be_written_to_a_folder(tmp_path, capsys):
    assert main(["flights", "--to", str(tmp_path / "raw")]) == 0
    assert (tmp_path / "raw" / "flights" / "flights-2013-10.csv").read_text().startswith("year,month,day,")


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["flights", "--to", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err
