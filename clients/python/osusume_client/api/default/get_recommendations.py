from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...models.recommendations import Recommendations
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    user_id: str,
    *,
    num_results: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    exclude: list[str] | Unset = UNSET,
    fields: list[str] | Unset = UNSET,
    run_id: str | Unset = UNSET,
    placement: str | Unset = UNSET,
    explain: bool | Unset = False,
    context: list[str] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["numResults"] = num_results

    params["cursor"] = cursor

    json_exclude: list[str] | Unset = UNSET
    if not isinstance(exclude, Unset):
        json_exclude = exclude

    params["exclude"] = json_exclude

    json_fields: list[str] | Unset = UNSET
    if not isinstance(fields, Unset):
        json_fields = fields

    params["fields"] = json_fields

    params["runId"] = run_id

    params["placement"] = placement

    params["explain"] = explain

    json_context: list[str] | Unset = UNSET
    if not isinstance(context, Unset):
        json_context = context

    params["context"] = json_context

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/users/{user_id}/recommendations".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Problem | Recommendations | None:
    if response.status_code == 200:
        response_200 = Recommendations.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 405:
        response_405 = Problem.from_dict(response.json())

        return response_405

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 504:
        response_504 = Problem.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | Problem | Recommendations]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient | Client,
    num_results: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    exclude: list[str] | Unset = UNSET,
    fields: list[str] | Unset = UNSET,
    run_id: str | Unset = UNSET,
    placement: str | Unset = UNSET,
    explain: bool | Unset = False,
    context: list[str] | Unset = UNSET,
) -> Response[Any | Problem | Recommendations]:
    """What a user may want next; popular items for a user without a list

    Args:
        user_id (str):
        num_results (int | Unset):
        cursor (str | Unset):
        exclude (list[str] | Unset):
        fields (list[str] | Unset):
        run_id (str | Unset):
        placement (str | Unset):
        explain (bool | Unset):  Default: False.
        context (list[str] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | Recommendations]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        num_results=num_results,
        cursor=cursor,
        exclude=exclude,
        fields=fields,
        run_id=run_id,
        placement=placement,
        explain=explain,
        context=context,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient | Client,
    num_results: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    exclude: list[str] | Unset = UNSET,
    fields: list[str] | Unset = UNSET,
    run_id: str | Unset = UNSET,
    placement: str | Unset = UNSET,
    explain: bool | Unset = False,
    context: list[str] | Unset = UNSET,
) -> Any | Problem | Recommendations | None:
    """What a user may want next; popular items for a user without a list

    Args:
        user_id (str):
        num_results (int | Unset):
        cursor (str | Unset):
        exclude (list[str] | Unset):
        fields (list[str] | Unset):
        run_id (str | Unset):
        placement (str | Unset):
        explain (bool | Unset):  Default: False.
        context (list[str] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | Recommendations
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        num_results=num_results,
        cursor=cursor,
        exclude=exclude,
        fields=fields,
        run_id=run_id,
        placement=placement,
        explain=explain,
        context=context,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient | Client,
    num_results: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    exclude: list[str] | Unset = UNSET,
    fields: list[str] | Unset = UNSET,
    run_id: str | Unset = UNSET,
    placement: str | Unset = UNSET,
    explain: bool | Unset = False,
    context: list[str] | Unset = UNSET,
) -> Response[Any | Problem | Recommendations]:
    """What a user may want next; popular items for a user without a list

    Args:
        user_id (str):
        num_results (int | Unset):
        cursor (str | Unset):
        exclude (list[str] | Unset):
        fields (list[str] | Unset):
        run_id (str | Unset):
        placement (str | Unset):
        explain (bool | Unset):  Default: False.
        context (list[str] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Problem | Recommendations]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        num_results=num_results,
        cursor=cursor,
        exclude=exclude,
        fields=fields,
        run_id=run_id,
        placement=placement,
        explain=explain,
        context=context,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient | Client,
    num_results: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    exclude: list[str] | Unset = UNSET,
    fields: list[str] | Unset = UNSET,
    run_id: str | Unset = UNSET,
    placement: str | Unset = UNSET,
    explain: bool | Unset = False,
    context: list[str] | Unset = UNSET,
) -> Any | Problem | Recommendations | None:
    """What a user may want next; popular items for a user without a list

    Args:
        user_id (str):
        num_results (int | Unset):
        cursor (str | Unset):
        exclude (list[str] | Unset):
        fields (list[str] | Unset):
        run_id (str | Unset):
        placement (str | Unset):
        explain (bool | Unset):  Default: False.
        context (list[str] | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Problem | Recommendations
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            num_results=num_results,
            cursor=cursor,
            exclude=exclude,
            fields=fields,
            run_id=run_id,
            placement=placement,
            explain=explain,
            context=context,
        )
    ).parsed
