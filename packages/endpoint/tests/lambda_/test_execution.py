from __future__ import annotations

import time

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.lambda_ import archive
from osusume_endpoint.testing.running import (
    allow,
    caller,
    error_of,
    invoke,
    make_function,
    make_role,
    name,
    zipped,
)

LAMBDA = "lambda.amazonaws.com"

ENVIRONMENT = "import os\ndef handler(event, context): return dict(os.environ)\n"


def test_an_error_carries_the_class_message_and_stack_of_the_exception(cloud: Endpoint) -> None:
    code = "class NoStock(Exception): pass\ndef handler(event, context):\n    raise NoStock('sold out')\n"
    payload, kind = invoke(cloud, make_function(cloud, code))
    assert kind == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("NoStock", "sold out")
    assert "index.py" in payload["stackTrace"][0]


def test_the_environment_is_lambdas_and_the_functions_only(cloud: Endpoint) -> None:
    function = make_function(cloud, ENVIRONMENT, Environment={"Variables": {"TABLE": "t"}}, MemorySize=256)
    seen, _ = invoke(cloud, function)
    assert seen["TABLE"] == "t"
    assert seen["AWS_REGION"] == cloud.region
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["AWS_ENDPOINT_URL"] == cloud.url
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    for ours in ("HOME", "OSUSUME_HOME", "PYTHONPATH", "MINISTACK_REGION", "VIRTUAL_ENV"):
        assert ours not in seen


def test_a_function_acts_with_its_role(cloud: Endpoint) -> None:
    code = (
        "import boto3\ndef handler(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Arn'], "
        "boto3.client('dynamodb').list_tables()['TableNames']\n"
    )
    allowed = make_role(cloud, allow("dynamodb:ListTables"), service=LAMBDA)
    payload, kind = invoke(cloud, make_function(cloud, code, role=allowed, Timeout=30))
    assert kind is None
    assert payload[0].startswith(f"arn:aws:sts::{cloud.account}:assumed-role/{allowed.rpartition('/')[2]}/")
    payload, kind = invoke(cloud, make_function(cloud, code, Timeout=30))
    assert kind == "Unhandled"
    assert "dynamodb:ListTables" in payload["errorMessage"]


def test_the_timeout_ends_the_invocation_and_the_next_one_works(cloud: Endpoint) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    function = make_function(cloud, code, Timeout=1)
    assert invoke(cloud, function, 0) == ("done", None)
    started = time.monotonic()
    payload, _ = invoke(cloud, function, 30)
    assert time.monotonic() - started < 5
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert invoke(cloud, function, 0) == ("done", None)


def test_a_module_that_does_not_import_says_so(cloud: Endpoint) -> None:
    payload, _ = invoke(cloud, make_function(cloud, "import nowhere_to_be_found\n"))
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert "nowhere_to_be_found" in payload["errorMessage"]


def test_a_process_that_exits_is_reported(cloud: Endpoint) -> None:
    payload, _ = invoke(cloud, make_function(cloud, "import os\ndef handler(e, c): os._exit(3)\n"))
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("exit status 3")


def test_what_json_cannot_hold_is_a_marshal_error(cloud: Endpoint) -> None:
    payload, _ = invoke(cloud, make_function(cloud, "def handler(e, c): return {1, 2}\n"))
    assert payload["errorType"] == "Runtime.MarshalError"


def test_bytes_are_the_answers_body(cloud: Endpoint) -> None:
    """As AWS's runtime did: localstack's services/test_lambda_task.py::test_invoke_bytes_payload, recorded."""
    payload, kind = invoke(cloud, make_function(cloud, "def handler(e, c): return b'\"Hello\"'\n"))
    assert (payload, kind) == ("Hello", None)


def test_first_party_code_comes_from_the_zip_and_installed_packages_from_the_venv(cloud: Endpoint) -> None:
    files = {
        "index.py": "import ours, boto3\ndef handler(e, c): return [ours.WHO, boto3.__file__]\n",
        "ours.py": "WHO = 'zip'\n",
        "boto3/__init__.py": "raise ImportError('made for arm64')\n",
    }
    payload, kind = invoke(cloud, make_function(cloud, files, Timeout=30))
    assert kind is None
    assert payload[0] == "zip"
    assert "site-packages" in payload[1]


def test_a_layers_own_modules_are_importable(cloud: Endpoint) -> None:
    layer = cloud.client("lambda").publish_layer_version(
        LayerName=name("layer"), Content={"ZipFile": zipped({"python/from_layer.py": "X = 7\n"})}
    )
    code = "import from_layer\ndef handler(e, c): return from_layer.X\n"
    function = make_function(cloud, code, Layers=[layer["LayerVersionArn"]])
    assert invoke(cloud, function) == (7, None)


def test_a_role_that_stops_trusting_lambda_stops_the_function(cloud: Endpoint) -> None:
    role = make_role(cloud, service=LAMBDA)
    function = make_function(cloud, "def handler(e, c): return 1\n", role=role)
    cloud.client("iam").update_assume_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
        '"Principal":{"Service":"glue.amazonaws.com"}}]}',
    )
    payload, _ = invoke(cloud, function)
    assert payload["errorMessage"] == "The role defined for the function cannot be assumed by Lambda."


def test_printed_lines_reach_the_log_group(cloud: Endpoint) -> None:
    code = "import logging\ndef handler(e, c):\n    print('printed')\n    logging.warning('logged')\n"
    function = make_function(cloud, code)
    invoke(cloud, function)
    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    text = "\n".join(e["message"] for e in events)
    assert "printed" in text
    assert "[WARNING]" in text


def test_an_invocation_needs_permission(cloud: Endpoint) -> None:
    function = make_function(cloud, "def handler(e, c): return 1\n")
    client = caller(cloud, allow("lambda:InvokeFunction", resource="arn:aws:lambda:*:*:function:other"))
    code, message = error_of(lambda: client("lambda").invoke(FunctionName=function))
    assert code == "AccessDeniedException"
    assert function in message


def test_layer_members_are_sorted_by_their_top_level_name() -> None:
    assert archive.is_third_party("python/boto3/session.py", layer=True)
    assert archive.is_third_party("python/lib/python3.13/site-packages/botocore/x.py", layer=True)
    assert archive.is_third_party("python/whatever-1.0.dist-info/RECORD", layer=True)
    assert not archive.is_third_party("python/lambdas/shared/clock.py", layer=True)
    assert not archive.is_third_party("lambdas/shared/boto3.py", layer=False)


def test_more_calls_than_processes_wait_for_one(cloud: Endpoint) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from osusume_endpoint.lambda_.plugin import MAX_WORKERS

    code = "import os, time\ndef handler(e, c):\n    time.sleep(0.2)\n    return os.getpid()\n"
    function = make_function(cloud, code, Timeout=30)
    with ThreadPoolExecutor(3 * MAX_WORKERS) as pool:
        answers = list(pool.map(lambda _: invoke(cloud, function), range(3 * MAX_WORKERS)))
    assert {kind for _, kind in answers} == {None}
    assert 1 < len({pid for pid, _ in answers}) <= MAX_WORKERS
