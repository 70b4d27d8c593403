"""What every section of the file is, and types that several share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Personalize's ITEM_ID (developer guide, "Schemas"): text of at most 256 characters.
ItemId = Annotated[str, Field(min_length=1, max_length=256)]


class Section(BaseModel):
    """A part of the file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
