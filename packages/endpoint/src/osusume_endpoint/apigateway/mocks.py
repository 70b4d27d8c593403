"""Mock integrations: their mapping templates, which ministack hands out as they are written.

CDK answers preflights of several origins by a template that overrides a header of the response.
"""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from osusume_endpoint.apigateway import templates
from osusume_endpoint.apigateway.templates import Parameters, TemplateUnsupported
from osusume_endpoint.replacements import replaces

_JSON = "application/json"
# As lenient as the service, which takes CDK's `{ statusCode: 200 }`.
_STATUS = re.compile(r"""["']?statusCode["']?\s*:\s*["']?(\d{3})""")
_EMPTY = (204, 304)
_parameters: contextvars.ContextVar[Parameters] = contextvars.ContextVar("osusume_api_parameters")

Answer = tuple[int, dict[str, Any], bytes]


def note(headers: Mapping[str, Any], query: Mapping[str, Any]) -> None:
    """What templates may ask of the request that is being answered."""
    _parameters.set(
        Parameters(
            querystring={name: _one(value) for name, value in (query or {}).items()},
            header={name.lower(): _one(value) for name, value in (headers or {}).items()},
        )
    )


def _one(value: Any) -> str:
    """The last value of a parameter that is given several times (developer guide, as for `headers` of a proxy)."""
    return str(value[-1] if value else "") if isinstance(value, (list, tuple)) else str(value)


def check(properties: Mapping[str, Any]) -> None:
    """`properties` of an AWS::ApiGateway::Method. Raises ValueError naming what a mock's template has too much."""
    integration = properties.get("Integration") or {}
    if integration.get("Type") != "MOCK":
        return
    for template in _written(integration):
        try:
            templates.check(template)
        except TemplateUnsupported as error:
            raise ValueError(
                f"The mapping template of {properties.get('HttpMethod')} has {error}, which this endpoint does not "
                "render: leave it out, or answer by a function"
            ) from None


def _written(integration: Mapping[str, Any]) -> Iterator[str]:
    yield from (integration.get("RequestTemplates") or {}).values()
    for response in integration.get("IntegrationResponses") or []:
        yield from (response.get("ResponseTemplates") or {}).values()


@replaces("ministack.services.apigateway_v1:_invoke_mock_v1", takes="integration")
def _rendering(inner: Callable[..., Answer]) -> Callable[..., Any]:
    def invoke_mock(integration: dict[str, Any]) -> Any:
        from ministack.services import apigateway_v1

        try:
            return _answered(inner, integration, _parameters.get(Parameters()))
        except TemplateUnsupported as error:
            # What the API itself was given past CloudFormation, and AWS would render.
            message = f"This endpoint does not render {error} in a mapping template"
            return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", message)

    return invoke_mock


def _answered(inner: Callable[..., Answer], integration: dict[str, Any], parameters: Parameters) -> Answer:
    asked = templates.render((integration.get("requestTemplates") or {}).get(_JSON) or "", parameters)
    found = _STATUS.search(asked.text)
    told = {**integration, "requestTemplates": {_JSON: f'{{"statusCode": {found[1] if found else 200}}}'}}
    status, headers, body = inner(told)
    made = templates.render(body.decode(), parameters)
    status = made.status or status
    lowered = {name.lower() for name in made.headers}
    kept = {name: value for name, value in headers.items() if name.lower() not in lowered}
    return status, {**kept, **made.headers}, b"" if status in _EMPTY else made.text.encode()
