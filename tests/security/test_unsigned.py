"""What AWS answers without a signature is answered, and nothing beside it."""

from __future__ import annotations

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.raw import send, sign
from osusume_endpoint.testing.running import make_function, make_role
from osusume_endpoint.testing.security import SECRET
from tests.security.test_nobody import KEYS, Call, header, refused


def test_what_aws_answers_unsigned_is_answered(cloud: Endpoint) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::222222222222:role/none"
    answer = send(
        cloud, "POST", "/", headers=form, body=body + b"&RoleSessionName=name&WebIdentityToken=token"
    )
    assert "MissingAuthenticationToken" not in answer.text and b"<Error>" in answer.body
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
    answer = send(
        cloud, "POST", "/", headers=target, body=b'{"ClientId": "none", "AuthFlow": "USER_PASSWORD_AUTH"}'
    )
    assert "ResourceNotFoundException" in answer.text
    target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools"}
    assert refused(send(cloud, "POST", "/", headers=target, body=b'{"MaxResults": 1}'))


def test_a_public_object_is_read_unsigned_and_no_other(cloud: Endpoint) -> None:
    s3, bucket = cloud.client("s3"), "for-everybody"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/open/*"}}]}}',
    )
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"open")
    s3.put_object(Bucket=bucket, Key="closed/a", Body=SECRET)
    assert send(cloud, "GET", f"/{bucket}/open/a").body == b"open"
    host = {"Host": f"{bucket}.s3.localhost:{cloud.port}"}
    assert send(cloud, "GET", "/open/a", headers=host).body == b"open"
    for target, headers in (
        (f"/{bucket}/closed/a", {}),
        ("/closed/a", host),
        (f"/{bucket}", {}),
        ("/", host),
    ):
        assert send(cloud, "GET", target, headers=headers).status == 403
    assert send(cloud, "PUT", f"/{bucket}/open/a", body=b"x").status == 403
    assert send(cloud, "GET", "/v20180820/configuration", headers=host).status == 403


def test_a_function_url_of_iam_wants_a_signature_and_a_public_one_none(cloud: Endpoint) -> None:
    code = "def handler(event, context): return {'statusCode': 200, 'body': 'ran'}"
    for kind, status in (("AWS_IAM", 403), ("NONE", 200)):
        function = make_function(cloud, code, role=make_role(cloud, service="lambda.amazonaws.com"))
        client = cloud.client("lambda")
        url = client.create_function_url_config(FunctionName=function, AuthType=kind)["FunctionUrl"]
        client.add_permission(
            FunctionName=function,
            StatementId="all",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=kind,
        )
        target = f"/_aws/lambda-url/{url.split('//')[1].split('.')[0]}/"
        assert send(cloud, "GET", target).status == status
        for key in KEYS:
            assert (
                send(cloud, "GET", target, headers=header(key, Call("lambda", "GET", target))).status == 403
            )
        assert send(cloud, "GET", target, headers={"Authorization": "Bearer x"}).status == status
        signed = sign(cloud, "lambda", "GET", target)
        assert send(cloud, "GET", target, headers=dict(signed.headers)).body == b"ran"
