"""SageMaker's hosting operations on this machine, by their names.

It must never hold a rule of its own: `models`, `configs` and `endpoints` do.
"""

from collections.abc import Callable, Mapping
from typing import Any

from local.cloudwatch import CloudWatch
from local.context import Context, Request, Response
from local.errors import validation
from local.faults import Faults
from local.hosting.configs import EndpointConfigs, variants_of
from local.hosting.endpoints import Endpoints
from local.hosting.experiments import Experiments
from local.hosting.invocation import InvokeResponse
from local.hosting.launcher import Fetch, Launcher, fetch_from_s3
from local.hosting.models import DescribeModelPackage, Models
from local.serving import warm_up


class Hosting:
    """Models, endpoint configs and endpoints; `experiments` answers for inference experiments on them.

    `tags` is the table, by ARN, that creation tags are written into; `fetch` downloads model data (from this stand-in's
    S3 unless given); `faults` are put in force by whoever wants them; `seed` makes routing repeatable. Whoever depends
    on endpoints adds to `before_update` (it may refuse an UpdateEndpoint by raising AwsError) and `after_delete` (told
    the name of an endpoint that is going).
    """

    def __init__(
        self,
        context: Context,
        cloudwatch: CloudWatch,
        describe_model_package: DescribeModelPackage,
        *,
        tags: dict[str, Any] | None = None,
        fetch: Fetch | None = None,
        faults: Faults | None = None,
        seed: int | None = None,
    ) -> None:
        self.tags: dict[str, Any] = {} if tags is None else tags
        self.before_update: list[Callable[[Request], None]] = []
        self.after_delete: list[Callable[[str], None]] = []
        self.faults = faults or Faults(context.clock.time)
        self._launcher = Launcher(context, fetch or fetch_from_s3(context), self.faults)
        self._models = Models(context, self.tags, describe_model_package)
        self._configs = EndpointConfigs(context, self.tags)
        self._endpoints = Endpoints(context, cloudwatch, self._models, self._configs, self._launcher, self.tags, seed)
        self.experiments = Experiments(context, self._models, self._configs, self._endpoints, self.tags)

    async def close(self) -> None:
        """Give up every experiment and deployment, and end every process."""
        await self.experiments.close()
        await self._endpoints.close()

    def create_model(self, request: Request) -> Response:
        """A model of one container, given directly or by an approved model package."""
        created = self._models.create(request)
        warm_up()
        return created

    def describe_model(self, request: Request) -> Response:
        """The model as it was created."""
        return self._models.describe(request["ModelName"])

    def list_models(self, request: Request) -> Response:
        """Summaries of models."""
        return self._models.summaries(request)

    def delete_model(self, request: Request) -> Response:
        """Delete a model that no endpoint runs."""
        name = request["ModelName"]
        arn = self._models.describe(name)["ModelArn"]
        for config in self._endpoints.configs_in_use() | self.experiments.configs_in_use():
            if name in (variant["ModelName"] for variant in variants_of(self._configs.describe(config))):
                raise validation(
                    f'Cannot delete model "{arn}": endpoint configuration {config}, which is in use, has it.'
                )
        self._models.delete(name)
        return {}

    def create_endpoint_config(self, request: Request) -> Response:
        """An endpoint config of models that exist."""
        return self._configs.create(request, self._models.container)

    def describe_endpoint_config(self, request: Request) -> Response:
        """The endpoint config as it was created."""
        return self._configs.describe(request["EndpointConfigName"])

    def list_endpoint_configs(self, request: Request) -> Response:
        """Summaries of endpoint configs."""
        return self._configs.summaries(request)

    def delete_endpoint_config(self, request: Request) -> Response:
        """Delete an endpoint config that no endpoint runs or is about to run."""
        name = request["EndpointConfigName"]
        arn = self._configs.describe(name)["EndpointConfigArn"]
        if name in self._endpoints.configs_in_use() | self.experiments.configs_in_use():
            raise validation(f'Cannot delete endpoint configuration "{arn}" while an endpoint uses it.')
        self._configs.delete(name)
        return {}

    def create_endpoint(self, request: Request) -> Response:
        """Start an endpoint."""
        return self._endpoints.create(request)

    def update_endpoint(self, request: Request) -> Response:
        """Start a blue/green deployment of another endpoint config."""
        self.experiments.check_endpoint(request["EndpointName"])
        for check in self.before_update:
            check(request)
        return self._endpoints.update(request)

    def update_endpoint_weights_and_capacities(self, request: Request) -> Response:
        """Change weights and instance counts of the variants that serve."""
        self.experiments.check_endpoint(request["EndpointName"])
        return self._endpoints.rescale(request)

    def describe_endpoint(self, request: Request) -> Response:
        """The endpoint: what serves, and what is pending."""
        return self._endpoints.describe(request)

    def list_endpoints(self, request: Request) -> Response:
        """Summaries of endpoints."""
        return self._endpoints.summaries(request)

    def delete_endpoint(self, request: Request) -> Response:
        """Start to delete an endpoint."""
        self.experiments.check_endpoint(request["EndpointName"])
        deleted = self._endpoints.delete(request)
        for tell in self.after_delete:
            tell(request["EndpointName"])
        return deleted

    async def invoke_endpoint(self, name: str, body: bytes, headers: Mapping[str, str]) -> InvokeResponse:
        """Answer a request of sagemaker-runtime; `headers` are the HTTP request's, found whatever their case.

        Raises AwsError ValidationError when the endpoint is not there, serves nothing yet, or the request is too large.
        """
        return await self._endpoints.invoke(name, body, headers)
