"""Where a script's folder is: in the archive of the model, or in a sourcedir.tar.gz on S3 as the SDK uploads one.

Source: aws/sagemaker-containers (files.download_and_extract, env.ServingEnv). It must never write outside /opt/ml/code.
"""

from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.serving.archive import ArchiveError, extract
from local.serving.problems import LoadError


def code_folder(environment: Mapping[str, str], model_dir: Path) -> Path:
    """The folder of SAGEMAKER_SUBMIT_DIRECTORY, /opt/ml/code unless it is given. Raises LoadError."""
    default = model_dir.parent / "code"
    where = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", str(default))
    if not where.startswith("s3://"):
        return Path(where)
    bucket, _, key = where.removeprefix("s3://").partition("/")
    archive = model_dir.parent / "sourcedir.tar.gz"
    try:
        boto3.client("s3").download_file(bucket, key, str(archive))
    except (ClientError, BotoCoreError) as error:
        raise LoadError(f"SAGEMAKER_SUBMIT_DIRECTORY {where} cannot be downloaded: {error}") from error
    try:
        extract(archive, default)
    except ArchiveError as error:
        raise LoadError(f"SAGEMAKER_SUBMIT_DIRECTORY {where} cannot be unpacked: {error}") from error
    return default
