from __future__ import annotations

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, make_role, name, zipped

GLUE, LAMBDA = "glue.amazonaws.com", "lambda.amazonaws.com"


def create_job(client: object, role: str) -> None:
    client("glue").create_job(Name=name("job"), Role=role, Command={"Name": "glueetl"})  # type: ignore[operator]


def test_creating_a_glue_job_without_pass_role_is_denied_in_the_words_of_aws(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)
    client = caller(cloud, allow("glue:CreateJob"))
    code, message = error_of(lambda: create_job(client, role))
    assert code == "AccessDeniedException"
    assert message.startswith(f"User: arn:aws:sts::{cloud.account}:assumed-role/role-")
    assert message.endswith(
        f"is not authorized to perform: iam:PassRole on resource: {role} "
        "because no identity-based policy allows the iam:PassRole action"
    )


def test_pass_role_on_this_very_role_is_enough(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)
    create_job(caller(cloud, allow("glue:CreateJob"), allow("iam:PassRole", resource=role)), role)


def test_pass_role_on_another_role_is_not(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)
    client = caller(cloud, allow("glue:CreateJob"), allow("iam:PassRole", resource=f"{role}-other"))
    assert error_of(lambda: create_job(client, role))[0] == "AccessDeniedException"


def test_passed_to_service_limits_the_service_a_role_goes_to(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)

    def passing_to(service: str) -> object:
        condition = {"StringEquals": {"iam:PassedToService": service}}
        return caller(cloud, allow("glue:CreateJob"), allow("iam:PassRole", resource=role, **condition))

    create_job(passing_to(GLUE), role)
    assert "iam:PassRole" in error_of(lambda: create_job(passing_to(LAMBDA), role))[1]


def test_a_role_named_without_its_arn_is_checked_too(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)
    client = caller(cloud, allow("glue:CreateJob"))
    assert role in error_of(lambda: create_job(client, role.rpartition("/")[2]))[1]


def test_lambda_scheduler_and_step_functions_check_the_roles_they_are_given(cloud: Endpoint) -> None:
    client = caller(cloud, allow("lambda:*", "scheduler:*", "states:*"))
    role = make_role(cloud, service=LAMBDA)
    machine = '{"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}'
    target = {"Arn": f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:f", "RoleArn": role}
    calls = {
        "lambda": lambda: client("lambda").create_function(
            FunctionName=name(), Role=role, Runtime="python3.13", Handler="i.h", Code={"ZipFile": zipped({})}
        ),
        "scheduler": lambda: client("scheduler").create_schedule(
            Name=name(),
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        ),
        "states": lambda: client("stepfunctions").create_state_machine(
            name=name(), definition=machine, roleArn=role
        ),
    }
    for service, call in calls.items():
        code, message = error_of(call)
        assert (service, code) == (service, "AccessDeniedException")
        assert f"iam:PassRole on resource: {role}" in message


def test_a_function_is_refused_a_role_that_does_not_trust_lambda(cloud: Endpoint) -> None:
    role = make_role(cloud, service=GLUE)
    code, message = error_of(
        lambda: cloud.client("lambda").create_function(
            FunctionName=name(), Role=role, Runtime="python3.13", Handler="i.h", Code={"ZipFile": zipped({})}
        )
    )
    assert code == "InvalidParameterValueException"
    assert message == "The role defined for the function cannot be assumed by Lambda."
