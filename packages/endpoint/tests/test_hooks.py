"""Contracts of the places where we reach into ministack: a new version that moves one fails here, by name."""

from __future__ import annotations

import contextvars
import importlib
import inspect
import re
from importlib.metadata import version
from typing import Any

import pytest

FUNCTIONS = {
    "app._credential_failure": ["service", "iam_action", "request_id", "denied", "headers"],
    "app._extract_s3_vhost_bucket": ["host"],
    "app._is_ecr_registry_path": ["path"],
    "app._is_potential_alb_request": ["host", "path"],
    "app._parse_cloudfront_dataplane_host": ["host"],
    "app._parse_execute_api_url": ["host", "path"],
    "app._parse_lambda_url": ["host", "path"],
    "app._resolve_custom_domain_request": ["host", "path"],
    "app._resolve_stage_and_path": ["api_id", "tentative_stage", "execute_path"],
    "app.pin_signed_request": ["method", "raw_path", "query_params", "raw_headers"],
    "core.iam_evaluator._invalid_session_token": [],
    "core.iam_evaluator._served_unsigned": ["service", "iam_action"],
    "core.iam_evaluator.find_iam_access_key_account": ["access_key_id"],
    "core.iam_evaluator.is_root_access_key": ["access_key_id"],
    "core.responses._account_from_sts_session": ["access_key_id"],
    "core.responses.set_request_account_id": ["access_key_id"],
    "core.sigv4.request_time_failure": ["signature"],
    "services.apigateway.find_api_scope": ["api_id"],
    "services.apigateway.route_authorization_type": ["api_id", "stage", "method", "path"],
    "services.apigateway_v1._match_resource_tree": ["api_id", "segments"],
    "services.apigateway_v1.authentication_error_response": [
        "api_id",
        "stage_name",
        "error",
        "headers",
        "query_params",
    ],
    "services.apigateway_v1.find_api_scope": ["api_id"],
    "services.apigateway_v1.method_authorization_type": ["api_id", "stage_name", "method", "path"],
    "services.cognito._get_pool_unscoped": ["pool_id"],
    "services.lambda_svc.resolve_function_url": ["url_id"],
    "services.s3._bucket_owner_account": ["name"],
    "services.s3._error": ["code", "message", "status"],
    "app._build_persistence_save_dict": [],
    "app._dispatch_service_request": ["method", "path", "headers", "body", "query_params", "request_id"],
    "app._handle_post_body_shortcuts": ["method", "path", "headers", "body", "query_params", "request_id"],
    "app._handle_special_data_plane_request": ["method", "path", "headers", "body", "query_params"],
    "app._routing_params": ["method", "path", "headers", "body", "query_params"],
    "app.detect_service": ["method", "path", "headers", "query_params"],
    "app.pin_request_origin": ["source_ip", "secure_transport"],
    "app.save_all": ["services"],
    "core.concurrency.run_reentrant": ["fn"],
    "core.iam_actions.access_denied_response": ["service", "action", "principal_arn", "request_id"],
    "core.iam_actions.dynamodb_service_context": ["body"],
    "core.iam_actions.extract_iam_action": ["service", "method", "path", "headers", "body", "query_params"],
    "core.iam_actions.extract_resource_arn": ["service", "method", "path", "headers", "body", "query_params"],
    "core.iam_actions.identity_denial_message": ["action", "principal_arn", "resource", "explicit_deny"],
    "core.iam_evaluator._conditions_met": ["conditions", "ctx"],
    "core.iam_evaluator._fnmatch_compile": ["pattern", "ignore_case"],
    "core.iam_evaluator._gather_role_policies": ["role_name", "account_id"],
    "core.iam_evaluator._gather_user_policies": ["user_name", "account_id"],
    "core.iam_evaluator._permissions_boundary": ["store", "name", "account_id"],
    "core.iam_evaluator._resource_policy": ["service", "resource_arn"],
    "core.iam_evaluator.combine_resource_policy": ["identity", "ctx", "policy", "owner_account"],
    "core.iam_evaluator.enforce": ["access_key_id", "iam_action", "service", "region"],
    "core.iam_evaluator.evaluate": ["ctx", "policies"],
    "core.iam_evaluator.evaluate_resource_policy": ["doc", "ctx", "service"],
    "core.iam_evaluator.pin_request_caller": ["headers", "query_params"],
    "core.iam_evaluator.resolve_credential": ["access_key_id", "account_id"],
    "core.iam_evaluator.resolve_principal": ["access_key_id", "account_id"],
    "core.lambda_runtime._worker_class_for": ["config"],
    "core.lambda_runtime.acquire_worker": [
        *("func_name", "config", "code_zip", "qualifier", "max_concurrency")
    ],
    "core.lambda_runtime.release_worker": ["worker"],
    "core.responses.request_scope": ["account_id", "region"],
    "core.router.extract_access_key_id": ["headers", "query_params"],
    "core.router.extract_region": ["headers", "query_params"],
    "services.apigateway_v1._extract_lambda_ref_from_integration_uri": ["uri"],
    "services.apigateway_v1._gw_error": ["response_type", "message"],
    "services.apigateway_v1._invoke_lambda_custom_v1": [
        *("integration", "api_id", "stage_name", "stage", "resource", "request_path", "method")
    ],
    "services.apigateway_v1._invoke_lambda_proxy_v1": [
        *("integration", "api_id", "stage_name", "stage", "resource", "request_path", "method")
    ],
    "services.apigateway_v1._lambda_proxy_response": ["result"],
    "services.cloudformation.provisioners._cw_metric_alarm_record": ["name", "props"],
    "services.cloudformation.changesets._find_change_set": ["cs_name", "stack_name"],
    "services.cloudformation.engine._evaluate_conditions": ["template", "params"],
    "services.cloudformation.engine._resolve_refs": [
        *("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id")
    ],
    "services.cloudformation.stacks._runs_on_worker_thread": ["resource_type"],
    "services.cloudwatch._calc_stats": ["points"],
    "services.cloudwatch._dims_from_list": ["dimensions"],
    "services.cloudwatch._dims_key": ["dims"],
    "services.cloudwatch._dispatch_alarm_actions": ["alarm", "old_state", "new_state", "reason"],
    "services.cloudwatch._evaluate_alarm": ["alarm"],
    "services.cloudwatch._evaluate_all_alarms": [],
    "services.cloudwatch._evaluate_parent_alarms": ["child"],
    "services.cloudwatch._record_history": ["alarm_name", "old_state", "new_state", "reason"],
    "services.cloudwatch._stat_value": ["stats", "stat_name", "points"],
    "services.dynamodb._emit_stream_event": ["table_name", "event_name", "old_item", "new_item"],
    "services.dynamodb._normalize_table_name": ["value"],
    "services.dynamodb._sse_description_from_spec": ["spec"],
    "services.dynamodb._update_continuous_backups": ["data"],
    "services.eventbridge._invoke_target": ["target", "event", "rule"],
    "services.kms._resolve_key": ["key_id_or_arn"],
    "services.lambda_svc._ensure_reaper_thread": [],
    "services.lambda_svc._execute_function_warm": ["func", "event", "request_id"],
    "services.lambda_svc._resolve_layer_zip": ["attachment"],
    "services.lambda_svc._xray_trace_id_for_invocation": ["config"],
    "services.s3._delete_bucket_encryption": ["name"],
    "services.s3._delete_bucket_lifecycle": ["name"],
    "services.s3._put_bucket_encryption": ["name", "body"],
    "services.s3._put_bucket_lifecycle": ["name", "body"],
    "services.s3._resolve_sse_write_headers": ["headers", "bucket_name"],
    "services.s3._stored_sse_headers": ["obj"],
    "services.scheduler._create_schedule": ["name", "body"],
    "services.scheduler._error": ["status", "code", "message"],
    "services.scheduler._tick_schedules": [],
    "services.scheduler._update_schedule": ["name", "body"],
    "services.sns._deliver_to_lambda": ["endpoint", "envelope", "topic_arn"],
    "services.sts.register_session": ["access_key", "session"],
}

VALUES = {
    "app._AOSS_COLLECTION_HOST_RE": re.Pattern,
    "app._NON_S3_VHOST_NAMES": frozenset,
    "app._RDS_DATA_PATHS": tuple,
    "app._S3_CONTROL_PREFIX": str,
    "app._S3_VHOST_EXCLUDE_RE": re.Pattern,
    "app._SES_V2_PREFIX": str,
    "core.iam_actions._BOTOCORE_SERVICE_MAP": dict,
    "core.iam_evaluator._anonymous": contextvars.ContextVar,
    "core.iam_evaluator._signed_request": contextvars.ContextVar,
    "core.iam_evaluator._verified_key": contextvars.ContextVar,
    "services.apigateway._apis": object,
    "app.SERVICE_HANDLERS": dict,
    "core.iam_actions.SERVICE_TO_IAM_NAMESPACE": dict,
    "core.iam_evaluator._POLICY_REQUIRED": frozenset,
    "services.apigateway_v1._resources": object,
    "services.cloudformation.provisioners._REPLACING_PROPERTIES": dict,
    "services.cloudformation.provisioners._RESOURCE_HANDLERS": dict,
    "services.cloudformation.provisioners._S3_BUCKET_CONFIGURATIONS": tuple,
    "services.cloudwatch._metrics": object,
    "services.dynamodb._pitr_settings": object,
    "services.dynamodb._tables": object,
    "services.iam._roles": object,
    "services.s3._bucket_encryption": object,
    "services.s3._buckets": object,
    "services.scheduler._SCHEDULE_TICK_INTERVAL": int,
    "services.scheduler._schedules": object,
    "services.secretsmanager._secrets": object,
    "services.sns._topics": object,
    "services.sqs._queues": object,
    "services.sts._sessions": dict,
}


def resolve(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"ministack.{module}"), name)


def test_ministack_is_the_version_the_hooks_were_written_for() -> None:
    assert version("ministack") == "1.5.33"


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_hooked_function_takes_the_parameters_we_pass(path: str) -> None:
    function = inspect.unwrap(resolve(path))
    parameters = list(inspect.signature(function).parameters)
    assert parameters[: len(FUNCTIONS[path])] == FUNCTIONS[path]


@pytest.mark.parametrize("path", VALUES)
def test_a_hooked_value_has_the_type_we_use(path: str) -> None:
    assert isinstance(resolve(path), VALUES[path])


def test_resource_handlers_have_the_shape_we_wrap() -> None:
    handlers = resolve("services.cloudformation.provisioners._RESOURCE_HANDLERS")
    wrapped = {
        "AWS::ApiGateway::Method",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::VPC",
        "AWS::SNS::Topic",
        "AWS::SecretsManager::Secret",
    }
    for resource_type in wrapped:
        assert callable(handlers[resource_type]["create"])
        assert callable(handlers[resource_type]["delete"])


def test_every_evaluation_context_field_we_set_exists() -> None:
    fields = resolve("core.iam_evaluator.EvalContext").__dataclass_fields__
    assert {
        "principal_arn",
        "principal_type",
        "principal_account",
        "action",
        "resource_arn",
        "region",
    } <= set(fields)
    assert {"source_ip", "secure_transport", "service_context", "principal_keys"} <= set(fields)
