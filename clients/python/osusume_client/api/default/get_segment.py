from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.problem import Problem
from ...models.segment import Segment
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    segment: str,
    *,
    solution: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["solution"] = solution

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/segments/{segment}".format(
            segment=quote(str(segment), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | Segment | None:
    if response.status_code == 200:
        response_200 = Segment.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 405:
        response_405 = Problem.from_dict(response.json())

        return response_405

    if response.status_code == 410:
        response_410 = Problem.from_dict(response.json())

        return response_410

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = Problem.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | Segment]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    segment: str,
    *,
    client: AuthenticatedClient | Client,
    solution: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[Problem | Segment]:
    """Users of a segment, best first, page by page; for callers that act for no user

    Args:
        segment (str):
        solution (str | Unset):
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Segment]
    """

    kwargs = _get_kwargs(
        segment=segment,
        solution=solution,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    segment: str,
    *,
    client: AuthenticatedClient | Client,
    solution: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Problem | Segment | None:
    """Users of a segment, best first, page by page; for callers that act for no user

    Args:
        segment (str):
        solution (str | Unset):
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Segment
    """

    return sync_detailed(
        segment=segment,
        client=client,
        solution=solution,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    segment: str,
    *,
    client: AuthenticatedClient | Client,
    solution: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[Problem | Segment]:
    """Users of a segment, best first, page by page; for callers that act for no user

    Args:
        segment (str):
        solution (str | Unset):
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Segment]
    """

    kwargs = _get_kwargs(
        segment=segment,
        solution=solution,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    segment: str,
    *,
    client: AuthenticatedClient | Client,
    solution: str | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Problem | Segment | None:
    """Users of a segment, best first, page by page; for callers that act for no user

    Args:
        segment (str):
        solution (str | Unset):
        cursor (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Segment
    """

    return (
        await asyncio_detailed(
            segment=segment,
            client=client,
            solution=solution,
            cursor=cursor,
        )
    ).parsed
