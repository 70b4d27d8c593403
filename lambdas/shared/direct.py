"""The two calls of each read, by botocore's signer and connections and without its client: half the CPU.

A client's middle (its events, its rules of endpoints, its words about itself, its parser's walk over the model) costs
more than signing, sending and reading together, and a read needs nothing of it (docs/adr/0067).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, HeadersDict
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from lambdas.shared import core

ERRORS_FROM = 300
# A request is two packets: without the first, the second waits for an acknowledgement, 40 ms.
SOCKET = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


class Direct:
    """Calls of a service of the JSON protocol: one attempt each, no validation.

    Address, region and names are those of a client of botocore, so that its configuration holds here, too.
    """

    def __init__(self, service: str, *, timeout_ms: int) -> None:
        client, session = core.client(service), core.session()
        meta, names = client.meta, client.meta.service_model.metadata
        self._credentials = session.get_credentials()
        self._signed_for = client.meta.service_model.signing_name, meta.region_name
        self._url = meta.endpoint_url.rstrip("/") + "/"
        self._target = names["targetPrefix"]
        self._type = f"application/x-amz-json-{names['jsonVersion']}"
        session_of: Any = URLLib3Session  # its stub knows whole seconds only
        self._http = session_of(
            verify=session.get_config_variable("ca_bundle") or True,
            timeout=(timeout_ms / 1000, timeout_ms / 1000),
            socket_options=SOCKET,
        )

    def batch_get_item(self, **members: Any) -> dict[str, Any]:
        """DynamoDB's BatchGetItem. Raises as `_call` does."""
        return self._call("BatchGetItem", members)

    def send_message(self, **members: Any) -> dict[str, Any]:
        """SQS's SendMessage. Raises as `_call` does."""
        return self._call("SendMessage", members)

    def _call(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as its JSON has it.

        Raises botocore's ClientError for a refusal, its HTTPClientError or ConnectionError for a connection's trouble,
        ValueError for an answer that is not an object of JSON.
        """
        response = self._http.send(self._signed(operation, json.dumps(members).encode()))
        if response.status_code >= ERRORS_FROM:
            raise _refusal(operation, response)
        answer = json.loads(response.content)
        if not isinstance(answer, dict):
            raise ValueError(f"{operation} was answered by {type(answer).__name__}, not an object")
        return answer

    def _signed(self, operation: str, body: bytes) -> Any:
        headers = {"X-Amz-Target": f"{self._target}.{operation}", "Content-Type": self._type}
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers)
        # Frozen: they may be renewed while a request is signed.
        SigV4Auth(self._credentials.get_frozen_credentials(), *self._signed_for).add_auth(request)
        signed: Any = HeadersDict({**dict(request.headers.items()), "Content-Length": str(len(body))})
        return AWSPreparedRequest("POST", self._url, signed, body, stream_output=False)


def _refusal(operation: str, response: Any) -> Exception:
    try:
        told = json.loads(response.content)
    except ValueError:  # a balancer's page, or nothing
        told = {}
    told = told if isinstance(told, dict) else {}
    code = str(told.get("__type", response.status_code)).rsplit("#", 1)[-1]
    error = {"Code": code, "Message": str(told.get("message", told.get("Message", "")))}
    response_of: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": response.status_code}}
    return ClientError(response_of, operation)
