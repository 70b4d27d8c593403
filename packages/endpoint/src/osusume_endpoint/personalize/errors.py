"""Amazon Personalize's errors: facts that carry their wire code."""

from __future__ import annotations

from osusume_endpoint.errors import ApiError


def already_exists(arn: str) -> ApiError:
    return ApiError("ResourceAlreadyExistsException", f"Another resource with Arn {arn} already exists.")


def not_found(arn: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.")


def in_use(message: str) -> ApiError:
    return ApiError("ResourceInUseException", message)


def invalid(message: str) -> ApiError:
    return ApiError("InvalidInputException", message)


def limit_exceeded(message: str) -> ApiError:
    return ApiError("LimitExceededException", message)


def invalid_token() -> ApiError:
    return ApiError("InvalidNextTokenException", "The token is not valid.")


def too_many_tags(count: int, limit: int) -> ApiError:
    return ApiError(
        "TooManyTagsException", f"The resource would have {count} tags: at most {limit} are allowed."
    )


class JobFailure(Exception):
    """An asynchronous operation ends in CREATE FAILED; the text is its failureReason."""
