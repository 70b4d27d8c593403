"""Mapping templates of mock integrations: what CDK writes for preflights is rendered, what is beyond it is named."""

from __future__ import annotations

from typing import Any

import pytest

from osusume_endpoint.apigateway import templates
from osusume_endpoint.apigateway.templates import Parameters, TemplateUnsupported
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.raw import send
from osusume_endpoint.testing.running import name
from tests.cloudformation.test_types import attribute, deploy, ref, resource

FIRST, SECOND, THIRD = "https://shop.example", "https://app.example", "http://localhost:3000"
HEADER = "Access-Control-Allow-Origin"
# As CDK's addCorsPreflight writes it for three origins.
OF_CDK = f"""#set($origin = $input.params().header.get("Origin"))
#if($origin == "")
  #set($origin = $input.params().header.get("origin"))
#end
#if($origin == "{SECOND}" || $origin == "{THIRD}")
  #set($context.responseOverride.header.{HEADER} = $origin)
#end"""


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        (SECOND, {HEADER: SECOND}),
        (THIRD, {HEADER: THIRD}),
        (FIRST, {}),
        ("", {}),
        ("https://app.example.evil.example", {}),
        ("https://APP.example", {}),
        ('" || "" == "', {}),
        ("$origin", {}),
    ],
)
def test_the_template_of_a_preflight_names_the_origin_that_asks_or_none(
    origin: str, told: dict[str, str]
) -> None:
    rendered = templates.render(OF_CDK, Parameters(header={"origin": origin}))
    assert (rendered.headers, rendered.status, rendered.text.strip()) == (told, None, "")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain, at $5 & #1", "plain, at $5 & #1"),
        ("[$input.params('x')]", "[1]"),
        ("${input.params('x')}0", "10"),
        ('$input.params().querystring.get("x")', "1"),
        ("$none|$!none|$!{none}", "$none||"),
        ("#set($a = 'b')$a", "b"),
        ("#set($a = $none)#if($a == $none)same#{else}null is like nothing#end", "null is like nothing"),
        ("#if(1 == 1 && !(1 == 2))yes#{else}no#{end}.", "yes."),
        ("#if('a' != 'a')1#elseif('a' == 'b')2#elseif('b' == 'b')3#elseif(true)4#{else}5#end", "3"),
        ("#if(false)#if(true)inner#end#{else}outer#end", "outer"),
        ("#if(false)#set($a = 'b')#end$!a", ""),
        ("a## the rest\nb#* more *#c", "abc"),
    ],
)
def test_what_is_known_of_velocity_is_rendered(template: str, text: str) -> None:
    assert templates.render(template, Parameters(querystring={"x": "1"})).text == text


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ("#foreach($x in $y)$x#end", "#foreach"),
        ("#macro(a)b#end", "#macro"),
        ("$util.escapeJavaScript('x')", "$util.escapeJavaScript"),
        ("$input.json('$')", "$input.json"),
        ("$input.body", "$input.body"),
        ("$context.identity.sourceIp", "$context.identity.sourceIp"),
        ("$stageVariables.x", "$stageVariables.x"),
        ("#set($context.identity.x = 1)", "$context.identity.x"),
        ("#set($input.params = 1)", "$input.params"),
        ("#if($context.stage == 'live')#end", "$context.stage"),
        ("#if(1 > 2)#end", "1 > 2"),
        ("#set($a = [1])", "$a = [1]"),
        ("#if(true)", "#if without #end"),
        ("#end", "#end without #if"),
        ("#else", "#else without #if"),
        ("#if(", "#if without its parentheses"),
        ("#set $a", "#set without its parentheses"),
    ],
)
def test_what_is_not_known_is_refused_by_name(template: str, named: str) -> None:
    with pytest.raises(TemplateUnsupported) as refused:
        templates.check(template)
    assert str(refused.value) == named


def api_of(template: str, *, asked: str = "{ statusCode: 200 }") -> dict[str, Any]:
    """An API whose one method is a preflight by CDK."""
    api, header = ref("Api"), f"method.response.header.{HEADER}"
    integration = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": asked},
        "IntegrationResponses": [
            {
                "StatusCode": "204",
                "ResponseParameters": {header: f"'{FIRST}'"},
                "ResponseTemplates": {"application/json": template},
            }
        ],
    }
    return {
        "Api": resource("ApiGateway::RestApi", Name=name("api")),
        "Options": resource(
            "ApiGateway::Method",
            RestApiId=api,
            ResourceId=attribute("Api", "RootResourceId"),
            HttpMethod="OPTIONS",
            AuthorizationType="NONE",
            Integration=integration,
            MethodResponses=[{"StatusCode": "204", "ResponseParameters": {header: True}}],
        ),
        "Deployment": {**resource("ApiGateway::Deployment", RestApiId=api), "DependsOn": ["Options"]},
        "Stage": resource(
            "ApiGateway::Stage", RestApiId=api, DeploymentId=ref("Deployment"), StageName="live"
        ),
    }


def test_a_deployed_preflight_answers_each_of_its_origins_by_name(cloud: Endpoint) -> None:
    made = deploy(cloud, name("preflight"), api_of(OF_CDK), outputs={"Api": ref("Api")})
    target = f"/_aws/execute-api/{made['Api']}/live/"
    for origin in (FIRST, SECOND, THIRD):
        answer = send(cloud, "OPTIONS", target, headers={"Origin": origin})
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, origin)
        assert answer.body == b""
    assert send(cloud, "OPTIONS", target, headers={"Origin": "https://evil.example"}).status == 403
    nobody = send(cloud, "OPTIONS", target)
    assert (nobody.status, nobody.headers["access-control-allow-origin"]) == (204, FIRST)


@pytest.mark.parametrize("which", ["response", "request"])
def test_a_method_with_a_template_that_is_not_rendered_fails_its_stack_by_name(
    cloud: Endpoint, which: str
) -> None:
    unknown = "#foreach($x in $input.params())$x#end"
    resources = api_of(unknown) if which == "response" else api_of(OF_CDK, asked=unknown)
    with pytest.raises(
        AssertionError, match=r"The mapping template of OPTIONS has #foreach.*answer by a function"
    ):
        deploy(cloud, name("beyond"), resources)
