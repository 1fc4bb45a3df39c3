"""The pipeline: preprocess, train, evaluate, then register for approval, or fail with the number that missed its limit.

`get_pipeline` is spelled as Studio's templates spell it. It describes; it must never call AWS, read a clock, or look at
this machine: the same code gives the same definition everywhere, and a golden file holds it.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pipelines import sdk
from pipelines.parameters import HYPERPARAMETERS, parameters
from pipelines.pieces import cache, metric_definitions, processing_input, processing_output, retries, under
from pipelines.source import Source, pack

XGBOOST = "3.2-0"
JOB_LIMIT_SECONDS = 3600
CODE = "/opt/ml/processing/input/code"
SPLITS = ("train", "validation", "test", "baseline")


class Names(NamedTuple):
    """What a project calls its things."""

    pipeline: str = "flight-delay"
    model_package_group: str = "flight-delay"


def get_pipeline(
    region: str,
    role: str,
    default_bucket: str,
    model_package_group_name: str = Names().model_package_group,
    pipeline_name: str = Names().pipeline,
    sagemaker_session: Any = None,
) -> Any:
    """The pipeline of this project, as the SDK's Pipeline.

    `role` runs its jobs; `default_bucket` holds code and artefacts. Neither is looked up. Without a session, one that
    calls nobody is used while the steps are made.
    """
    if sagemaker_session is None:
        with sdk.offline(region, default_bucket) as session:
            return get_pipeline(
                region, role, default_bucket, model_package_group_name, pipeline_name, sagemaker_session=session
            )
    source = pack()
    build = _Builder(sagemaker_session, region, role, default_bucket, source)
    return build.pipeline(pipeline_name, model_package_group_name)


def definition(region: str, role: str, bucket: str, names: Names) -> str:
    """The compiled definition as JSON text: sorted, indented, the same on every machine."""
    with sdk.offline(region, bucket) as session:
        pipeline = get_pipeline(region, role, bucket, names.model_package_group, names.pipeline, session)
        compiled = json.loads(pipeline.definition())
    return json.dumps(compiled, indent=2, sort_keys=True) + "\n"


class _Builder:
    """The steps of one pipeline, in the order they run."""

    def __init__(self, session: Any, region: str, role: str, bucket: str, source: Source) -> None:
        from sagemaker.core import image_uris
        from sagemaker.core.workflow.execution_variables import ExecutionVariables

        self.session, self.region, self.role, self.bucket, self.source = session, region, role, bucket, source
        self.image = image_uris.retrieve("xgboost", region, version=XGBOOST)
        self.execution = ExecutionVariables
        self.parameters = parameters(bucket)

    def pipeline(self, name: str, group: str) -> Any:
        from sagemaker.mlops.workflow.pipeline import Pipeline

        preprocess = self.preprocess()
        train = self.train(preprocess)
        evaluate, evaluation = self.evaluate(train, preprocess, group)
        register = self.register(train, preprocess, evaluate, group)
        gate = self.gate(evaluate, evaluation, register)
        return Pipeline(
            name=name,
            parameters=list(self.parameters.values()),
            steps=[preprocess, train, evaluate, gate],
            sagemaker_session=self.session,
        )

    def preprocess(self) -> Any:
        """Monthly raw files to train, validation and test by time, with the schema and the baselines."""
        of = self.parameters
        return self.processing_step(
            "Preprocess",
            inputs={"raw": of["InputData"]},
            outputs=SPLITS,
            arguments={
                "--raw": "/opt/ml/processing/input/raw",
                "--train-months": of["TrainMonths"],
                "--validation-months": of["ValidationMonths"],
                "--test-months": of["TestMonths"],
                **{f"--{name}-out": f"/opt/ml/processing/{name}" for name in SPLITS},
            },
            cached=True,
        )

    def train(self, preprocess: Any) -> Any:
        """XGBoost in the container's script mode, on our own content-addressed archive of `steps/`."""
        from sagemaker.core.shapes import OutputDataConfig, StoppingCondition
        from sagemaker.core.training.configs import Compute, InputData
        from sagemaker.mlops.workflow.steps import TrainingStep
        from sagemaker.train import ModelTrainer

        trainer = ModelTrainer(
            training_image=self.image,
            role=self.role,
            sagemaker_session=self.session,
            compute=Compute(
                instance_type=self.parameters["TrainingInstanceType"],
                instance_count=self.parameters["TrainingInstanceCount"],
                volume_size_in_gb=30,
            ),
            hyperparameters={
                **{name: self.parameters[title] for title, (name, _) in HYPERPARAMETERS.items()},
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{self.bucket}/{self.source.prefix}/sourcedir.tar.gz",
            },
            input_data_config=[
                InputData(channel_name=name, data_source=self.output_of(preprocess, name), content_type="text/csv")
                for name in ("train", "validation", "baseline")
            ],
            output_data_config=OutputDataConfig(s3_output_path=self.artefacts("train"), compression_type="GZIP"),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=JOB_LIMIT_SECONDS),
        ).with_metric_definitions(metric_definitions())
        return TrainingStep(
            name="Train",
            step_args=trainer.train(),
            cache_config=cache(),
            retry_policies=retries(job=True),
        )

    def evaluate(self, train: Any, preprocess: Any, group: str) -> tuple[Any, Any]:
        """The challenger, and the champion if there is one, on the test months. Not cached: the champion may change."""
        from sagemaker.core.workflow.properties import PropertyFile

        of = self.parameters
        evaluation = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")
        step = self.processing_step(
            "Evaluate",
            inputs={
                "model": train.properties.ModelArtifacts.S3ModelArtifacts,
                "test": self.output_of(preprocess, "test"),
            },
            outputs=("evaluation",),
            arguments={
                "--model": "/opt/ml/processing/input/model",
                "--test": "/opt/ml/processing/input/test",
                "--model-package-group": group,
                "--min-auc": of["MinAuc"].to_string(),
                "--max-auc-drop": of["MaxAucDrop"].to_string(),
                "--evaluation-out": "/opt/ml/processing/evaluation",
            },
            property_files=[evaluation],
        )
        return step, evaluation

    def gate(self, evaluate: Any, evaluation: Any, register: Any) -> Any:
        """Good enough, and not worse than the champion: register. Otherwise fail, and say which number missed."""
        from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionLessThanOrEqualTo
        from sagemaker.core.workflow.functions import Join, JsonGet
        from sagemaker.mlops.workflow.condition_step import ConditionStep
        from sagemaker.mlops.workflow.fail_step import FailStep

        def measured(path: str) -> Any:
            return JsonGet(step_name=evaluate.name, property_file=evaluation, json_path=path)

        fail = FailStep(
            name="TooWeak",
            error_message=Join(on=" ", values=["Not registered:", measured("gate.reason")]),
        )
        return ConditionStep(
            name="GoodEnough",
            conditions=[
                ConditionGreaterThanOrEqualTo(
                    left=measured("binary_classification_metrics.auc.value"), right=self.parameters["MinAuc"]
                ),
                ConditionLessThanOrEqualTo(
                    left=measured("champion_comparison.auc_drop.value"), right=self.parameters["MaxAucDrop"]
                ),
            ],
            if_steps=[register],
            else_steps=[fail],
        )

    def register(self, train: Any, preprocess: Any, evaluate: Any, group: str) -> Any:
        """A version of the package group, waiting for a person, with what that person and the guardrails need."""
        from sagemaker.core.drift_check_baselines import DriftCheckBaselines
        from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
        from sagemaker.mlops.workflow.model_step import ModelStep
        from sagemaker.serve.model_builder import ModelBuilder

        def written(step: Any, output: str, file: str, content_type: str = "application/json") -> Any:
            return MetricsSource(content_type=content_type, s3_uri=under(self.output_of(step, output), file))

        quality = written(evaluate, "evaluation", "evaluation.json")
        report = written(evaluate, "evaluation", "report.html", "text/html")
        statistics = written(preprocess, "baseline", "statistics.json")
        constraints = written(preprocess, "baseline", "constraints.json")
        builder = ModelBuilder(
            image_uri=self.image,
            s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
            role_arn=self.role,
            sagemaker_session=self.session,
            env_vars={
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        )
        arguments = builder.register(
            model_package_group_name=group,
            content_types=["text/csv", "application/json"],
            response_types=["application/json", "text/csv"],
            inference_instances=["ml.m5.large", "ml.m5.xlarge", "ml.c5.large"],
            transform_instances=["ml.m5.large"],
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(
                model_statistics=quality,
                model_data_statistics=statistics,
                model_data_constraints=constraints,
                explainability=report,
            ),
            drift_check_baselines=DriftCheckBaselines(
                model_statistics=quality, model_data_statistics=statistics, model_data_constraints=constraints
            ),
            customer_metadata_properties={
                "git-commit": self.parameters["GitCommit"],
                "pipeline-execution": self.execution.PIPELINE_EXECUTION_ARN,
                "train-months": self.parameters["TrainMonths"],
                "validation-months": self.parameters["ValidationMonths"],
                "test-months": self.parameters["TestMonths"],
                "report": under(self.output_of(evaluate, "evaluation"), "report.html"),
            },
            skip_model_validation="All",
        )
        return ModelStep(name="Register", step_args=arguments, retry_policies=retries(job=False))

    def processing_step(
        self,
        name: str,
        inputs: dict[str, Any],
        outputs: tuple[str, ...],
        arguments: dict[str, Any],
        *,
        cached: bool = False,
        property_files: Sequence[Any] = (),
    ) -> Any:
        """A script of `steps/` named as the step, in the XGBoost container, with S3 prefixes as its folders."""
        from sagemaker.core.processing import Processor
        from sagemaker.mlops.workflow.steps import ProcessingStep

        processor = Processor(
            role=self.role,
            image_uri=self.image,
            instance_count=self.parameters["ProcessingInstanceCount"],
            instance_type=self.parameters["ProcessingInstanceType"],
            entrypoint=["python3", f"{CODE}/{name.lower()}.py"],
            max_runtime_in_seconds=JOB_LIMIT_SECONDS,
            sagemaker_session=self.session,
            env={"AWS_REGION": self.region},
        )
        code = f"s3://{self.bucket}/{self.source.prefix}/scripts"
        return ProcessingStep(
            name=name,
            step_args=processor.run(
                inputs=[processing_input(title, uri) for title, uri in {**inputs, "code": code}.items()],
                outputs=[processing_output(title, self.artefacts(name.lower(), title)) for title in outputs],
                arguments=[part for pair in arguments.items() for part in pair],
            ),
            property_files=list(property_files),
            cache_config=cache() if cached else None,
            retry_policies=retries(job=True),
        )

    def artefacts(self, *parts: str) -> Any:
        """An S3 URI under this execution's own prefix, so that nothing a package points to is written twice."""
        from sagemaker.core.workflow.functions import Join

        execution = self.execution.PIPELINE_EXECUTION_ID
        return Join(on="/", values=[f"s3://{self.bucket}/executions", execution, *parts])

    @staticmethod
    def output_of(step: Any, name: str) -> Any:
        """Where a processing step wrote an output; an earlier execution's prefix when the step was cached."""
        return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
