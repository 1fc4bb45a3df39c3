"""Serves a model.tar.gz with AWS's own code, sagemaker-containers, and prints what it answers. Run by `.clients`.

    python aws_serving.py MODEL_TAR_GZ FOLDER < requests.json > answers.json

FOLDER stands for /opt/ml (SAGEMAKER_BASE_DIR); the environment is the container's, and CONTAINER_PACKAGES the folder
of flask, numpy and xgboost in the image's versions. It does what the image does around that package: the same two
patches, the transformer made of the script's functions, the Flask application called by a WSGI server. It must never
import anything of the stand-in.
"""

import base64
import collections
import collections.abc
import importlib
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

HANDLERS = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")


def main(archive: str, folder: str) -> None:
    """Answer every request of the standard input, in turn."""
    sys.path.append(os.environ["CONTAINER_PACKAGES"])
    collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined] # the image's Dockerfile replaces it too
    with tarfile.open(archive) as tar:
        tar.extractall(Path(folder) / "model", filter="data")
    requests, answers = json.load(sys.stdin), sys.stdout
    sys.stdout = sys.stderr
    application = _application()
    json.dump([_answer(application, request) for request in requests], answers)


def _application() -> Any:
    """The worker that serves the script, its model loaded: by AWS's code, in the order of the image's entry point."""
    from sagemaker_containers.beta.framework import env, files, transformer, worker

    serving = env.ServingEnv()
    files.download_and_extract(serving.module_dir, env.code_dir)
    sys.path.insert(0, env.code_dir)
    module = importlib.import_module(serving.module_name)
    functions = {name: getattr(module, name) for name in HANDLERS if hasattr(module, name)}
    if "transform_fn" not in functions:
        # The image names the functions that a script lacks, which wraps them too: what they cannot write is a 500.
        functions.setdefault("output_fn", transformer.default_output_fn)
    made = transformer.Transformer(**functions)
    made.initialize()
    return worker.Worker(transform_fn=made.transform, module_name=serving.module_name)


def _answer(application: Any, request: dict[str, Any]) -> dict[str, Any]:
    body = base64.b64decode(request["body"])
    answer = application.test_client().open(
        request["path"], method=request["method"], data=body, headers=list(request["headers"].items())
    )
    data = base64.b64encode(answer.get_data()).decode()
    return {"status": answer.status_code, "content_type": answer.headers.get("Content-Type", ""), "body": data}


if __name__ == "__main__":
    main(*sys.argv[1:])
