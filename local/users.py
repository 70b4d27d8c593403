"""The operator: the role a person at the laptop works with, so that even the demo is subject to IAM."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from botocore.exceptions import ClientError

from osusume_endpoint.endpoint import Credentials, Endpoint

SESSION_SECONDS = 12 * 3600

# What a person running the product needs: run and watch workflows, read results, call the API, see data.
STATEMENTS: list[dict[str, Any]] = [
    {
        "Sid": "RunWorkflows",
        "Effect": "Allow",
        "Action": [
            "osusume:FireSchedule",
            "osusume:InjectFaults",
            "states:Describe*",
            "states:GetExecutionHistory",
            "states:List*",
            "states:StartExecution",
            "states:StopExecution",
            "scheduler:Get*",
            "scheduler:List*",
        ],
        "Resource": "*",
    },
    {"Sid": "CallApi", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"},
    {
        "Sid": "Read",
        "Effect": "Allow",
        "Action": [
            "cloudformation:Describe*",
            "cloudformation:Get*",
            "cloudformation:List*",
            "cloudwatch:Describe*",
            "cloudwatch:Get*",
            "cloudwatch:List*",
            "dynamodb:BatchGetItem",
            "dynamodb:Describe*",
            "dynamodb:GetItem",
            "dynamodb:List*",
            "dynamodb:Query",
            "dynamodb:Scan",
            "glue:Get*",
            "glue:List*",
            "iam:Get*",
            "iam:List*",
            "lambda:Get*",
            "lambda:List*",
            "logs:Describe*",
            "logs:FilterLogEvents",
            "logs:Get*",
            "personalize:Describe*",
            "personalize:Get*",
            "personalize:List*",
            "quicksight:Describe*",
            "quicksight:List*",
            "redshift-serverless:Get*",
            "redshift-serverless:List*",
            "s3:GetObject",
            "s3:GetBucket*",
            "s3:List*",
            "sns:Get*",
            "sns:List*",
            "sqs:Get*",
            "sqs:List*",
            "ssm:Describe*",
            "ssm:Get*",
            "sts:GetCallerIdentity",
        ],
        "Resource": "*",
    },
    {
        "Sid": "LoadDemoData",
        "Effect": "Allow",
        "Action": [
            "appconfig:*",
            "appconfigdata:*",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ListAliases",
            "kms:ReEncrypt*",
            "lambda:InvokeFunction",
            "rds-data:*",
            "rds:Describe*",
            "redshift-data:*",
            "redshift-serverless:GetCredentials",
            "s3:PutObject",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:ListSecrets",
            "ssm:PutParameter",
        ],
        "Resource": "*",
    },
]


def operator_name(environment: str) -> str:
    return f"{environment}-operator"


def ensure_operator(endpoint: Endpoint, *, environment: str) -> str:
    """Creates the operator role, or brings its policy up to date. Returns its ARN."""
    iam, name = endpoint.client("iam"), operator_name(environment)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{endpoint.account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            MaxSessionDuration=SESSION_SECONDS,
            Description="The person at the laptop; made by the local runtime",
        )
    policy = {"Version": "2012-10-17", "Statement": STATEMENTS}
    iam.put_role_policy(RoleName=name, PolicyName="operator", PolicyDocument=json.dumps(policy))
    return f"arn:aws:iam::{endpoint.account}:role/{name}"


def operator_credentials(endpoint: Endpoint, *, environment: str) -> Credentials:
    role = ensure_operator(endpoint, environment=environment)
    try:
        issued = endpoint.client("sts").assume_role(
            RoleArn=role, RoleSessionName="operator", DurationSeconds=SESSION_SECONDS
        )["Credentials"]
    except ClientError as error:
        raise RuntimeError(f"The operator role {role} can't be assumed: {error}") from error
    return Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
