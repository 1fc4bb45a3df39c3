"""What compiling the pipeline costs beyond importing the SDK's parts it uses. Limit: 1.3 times the import."""

from collections.abc import Iterator

from benchmarks.timing import alternating

IMPORTS = """
import os
os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none")
import sagemaker.core.image_uris, sagemaker.core.processing, sagemaker.core.workflow.pipeline_context
import sagemaker.mlops.workflow.condition_step, sagemaker.mlops.workflow.fail_step
import sagemaker.mlops.workflow.model_step, sagemaker.mlops.workflow.pipeline, sagemaker.mlops.workflow.steps
import sagemaker.serve.model_builder, sagemaker.train
"""
RUNS = 5


def measure() -> Iterator[str]:
    """Both as whole processes."""
    whole, imports = alternating(["-m", "pipelines", "definition"], ["-c", IMPORTS], RUNS)
    yield f"{whole:.2f} s against {imports:.2f} s for the SDK's import alone: {whole / imports:.2f} x"
