"""What `make why` says of denials: recorded lines, and those of a running endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import cli, why
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing import running

ROLE = "arn:aws:sts::111111111111:assumed-role/reader/session"
OBJECT = "arn:aws:s3:::data/raw/users.csv"


def call(**changes: Any) -> dict[str, Any]:
    line = {
        "time": 1_800_000_000.0,
        "service": "s3",
        "action": "s3:GetObject",
        "caller": ROLE,
        "resource": OBJECT,
        "status": 403,
        "code": "AccessDenied",
        "stub": False,
    }
    return {**line, **changes}


def denied(reason: str, *, action: str = "s3:GetObject", resource: str = OBJECT) -> why.Denial:
    message = f"User: {ROLE} is not authorized to perform: {action} on resource: {resource} {reason}"
    [found] = why.denials([call(message=message)])
    return found


def implicit(action: str = "s3:GetObject", resource: str = OBJECT) -> why.Denial:
    return denied(
        f"because no identity-based policy allows the {action} action", action=action, resource=resource
    )


def allow(*actions: str, resource: str | list[str] = "*", **more: Any) -> why.Statement:
    return why.Statement("p", {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more})


def test_what_the_message_names_goes_before_the_call_s_own_action() -> None:
    message = (
        f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k "
        "with an explicit deny in an identity-based policy"
    )
    [found] = why.denials([call(message=message)])
    assert (found.action, found.resource, found.kind) == ("kms:Decrypt", "arn:aws:kms:k", "explicit")


def test_an_answer_without_a_body_is_told_by_its_line() -> None:
    [found] = why.denials([call(code="", action="s3:HeadObject")])
    assert (found.action, found.resource, found.kind) == ("s3:HeadObject", OBJECT, "implicit")


@pytest.mark.parametrize(
    "line",
    [
        call(status=200, code=""),
        call(status=404, code="NoSuchKey"),
        call(code="SignatureDoesNotMatch"),
        call(caller="anonymous"),
    ],
)
def test_other_lines_are_no_denials(line: dict[str, Any]) -> None:
    assert list(why.denials([line])) == []


ACTION = allow("s3:getobject*", resource="arn:aws:s3:::data/marts/*")
RESOURCE = allow("s3:PutObject", resource="arn:aws:s3:::data/raw/*")
FAR = allow("s3:ListBucket", resource="arn:aws:s3:::other")
CONDITIONAL = allow("s3:*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
OTHER_SERVICE = allow("sqs:*")


@pytest.mark.parametrize(
    ("statements", "nearest", "said"),
    [
        ([OTHER_SERVICE, FAR, RESOURCE, ACTION, CONDITIONAL], CONDITIONAL, "Condition (aws:SourceVpce)"),
        ([OTHER_SERVICE, FAR, RESOURCE, ACTION], ACTION, f"add {OBJECT} to its Resource"),
        ([OTHER_SERVICE, FAR, RESOURCE], RESOURCE, "add s3:GetObject to its Action"),
        ([OTHER_SERVICE, FAR], FAR, f"add a statement that allows s3:GetObject on {OBJECT}"),
        ([OTHER_SERVICE], None, f"add a statement that allows s3:GetObject on {OBJECT}"),
        ([], None, f"add a statement that allows s3:GetObject on {OBJECT}"),
    ],
)
def test_the_nearest_statement_is_found_and_its_cure(
    statements: list[why.Statement], nearest: why.Statement | None, said: str
) -> None:
    found = why.nearest(statements, implicit())
    assert found is nearest
    cure = why.cure(implicit(), found, place="statements of stacks/pipeline.py")
    assert said in cure
    assert cure.endswith("the statements of stacks/pipeline.py")


def test_of_an_explicit_deny_the_deny_is_the_nearest() -> None:
    deny = why.Statement("p", {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})
    denial = denied("with an explicit deny in an identity-based policy")
    assert why.nearest([allow("s3:*"), deny], denial) is deny
    assert "no Allow overrules it" in why.cure(denial, deny, place="policies of reader")


def test_a_resource_s_own_policy_is_the_cure_where_that_refuses() -> None:
    denial = denied("because no resource-based policy allows the s3:GetObject action")
    assert why.cure(denial, allow("s3:*"), place="x").startswith(f"let the policy of {OBJECT} itself allow")


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        ("osusume-dev-pipeline", "statements of stacks/pipeline.py"),
        ("somebody-else", "policies of r"),
        ("", "policies of r"),
    ],
)
def test_the_file_of_a_stack_is_named_where_there_is_one(stack: str, place: str) -> None:
    assert why.place_of("r", stack) == place


@pytest.mark.parametrize("last", ["0", "-1", "many", ""])
def test_a_number_that_is_none_is_refused(last: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["why", "--last", last])
    assert "give 1 or more" in capsys.readouterr().err


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running.running(tmp_path_factory.mktemp("why"), plugins="iam,cloudformation,s3,guard") as endpoint:
        yield endpoint


def said(cloud: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setenv("OSUSUME_HOME", str(Path(cloud.home)))
    assert cli.main(["why", "--last", "1"]) == 0
    return capsys.readouterr().out.splitlines()


TEMPLATE = """
Resources:
  Reader1A2B3C4D:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: {Effect: Allow, Principal: {AWS: "222222222222"}, Action: "sts:AssumeRole"}
      Policies:
        - PolicyName: bucket
          PolicyDocument:
            Version: "2012-10-17"
            Statement: {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::why-data/marts/*"}
Outputs:
  Role: {Value: !GetAtt Reader1A2B3C4D.Arn}
"""


def deployed_role(cloud: Endpoint) -> str:
    formation = cloud.client("cloudformation")
    formation.create_stack(
        StackName="osusume-dev-pipeline", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"]
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName="osusume-dev-pipeline", WaiterConfig={"Delay": 1}
    )
    [stack] = formation.describe_stacks(StackName="osusume-dev-pipeline")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def test_a_denial_of_a_deployed_role_is_told_with_its_logical_id_statement_and_file(
    cloud: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(cloud, monkeypatch, capsys) == ["nothing was denied"]
    cloud.client("s3").create_bucket(
        Bucket="why-data", CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    s3 = cloud.client("s3", running.session_of(cloud, deployed_role(cloud)))
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket="why-data", Key="raw/users.csv")
    [made] = cloud.client("cloudformation").describe_stack_resources(StackName="osusume-dev-pipeline")[
        "StackResources"
    ]
    assert (made["LogicalResourceId"], made["ResourceType"]) == ("Reader1A2B3C4D", "AWS::IAM::Role")
    head, nearest, cure = said(cloud, monkeypatch, capsys)
    assert head.endswith(
        "Reader (osusume-dev-pipeline): s3:GetObject on arn:aws:s3:::why-data/raw/users.csv: "
        "no statement allows it"
    )
    assert nearest.startswith('  nearest: bucket: {"Action": "s3:GetObject"')
    assert cure == (
        "  cure: add arn:aws:s3:::why-data/raw/users.csv to its Resource, "
        "among the statements of stacks/pipeline.py"
    )


def test_an_explicit_deny_of_an_attached_policy_is_told(
    cloud: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    iam, role = cloud.client("iam"), running.make_role(cloud, running.allow("s3:*"))
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:List*","Resource":"*"}]}'
    policy = iam.create_policy(PolicyName="no-lists", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=role.rsplit("/", 1)[-1], PolicyArn=policy)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"] == "v1"
    version = iam.get_policy_version(PolicyArn=policy, VersionId="v1")["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Effect"] == "Deny"
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("s3", running.session_of(cloud, role)).list_buckets()
    head, nearest, _ = said(cloud, monkeypatch, capsys)
    assert head.endswith(": explicit deny")
    assert nearest.startswith('  nearest: no-lists: {"Action": "s3:List*", "Effect": "Deny"')
