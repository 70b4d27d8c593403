"""What every section of the file is, and types that several share."""

from __future__ import annotations

from typing import Annotated, Any
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from config import kinds


def one_line(text: str) -> str:
    """Text that is more than blanks, without a line break or another control character. Raises ValueError."""
    if not text.strip() or any(category(one) in ("Cc", "Zl", "Zp") for one in text):
        raise ValueError(
            f"{text!r} is blank, or has a line break or another control character, which no record keeps: write what "
            "the application has"
        )
    return text


# Personalize's ITEM_ID (developer guide, "Schemas"): text of at most 256 characters.
ItemId = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(one_line)]
# Of interactions, as the log or the configuration names them.
EventType = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(one_line)]
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?_{|}~^-]+"
# RFC 5321: 254 characters, and no dots side by side or at an end.
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=rf"^{_ATOM}(\.{_ATOM})*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{{2,}}$",
    ),
]

# KMS developer guide, "Key identifiers (KeyId)": a key of several regions has the prefix mrk-.
KmsKey = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$"
    ),
]


class Section(BaseModel):
    """A part of the file: frozen, and a key it does not know is an error."""

    # What is no finite number compares with nothing, so that each bound would let it through.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _each_is_of_its_kind(cls, given: Any) -> Any:
        if isinstance(given, dict):
            told = [
                (name, kinds.problem(field.annotation, given.get(name)))
                for name, field in cls.model_fields.items()
            ]
            wrong: list[InitErrorDetails] = [
                {
                    "type": PydanticCustomError("kind", "{why}", {"why": why}),
                    "loc": (name,),
                    "input": given[name],
                }
                for name, why in told
                if why is not None
            ]
            if wrong:
                raise ValidationError.from_exception_data(cls.__name__, wrong)
        return given
