"""What a recipe learned, by what it answers: one shape for all recipes (ADR 21).

`Model` is what callers know. A recipe's model inherits `Answers` and overrides what it can answer; all else raises
Unanswered, or says that there is nothing to know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, Protocol

import numpy as np

from osusume_engine.data import ActionEvent
from osusume_engine.histories import Histories
from osusume_engine.models.ranking import Lists, Mask

if TYPE_CHECKING:
    from osusume_engine.models.contexts import Contexts
    from osusume_engine.models.newcomers import Newcomers
    from osusume_engine.models.personalization import Personalizer

IdMask = Callable[[np.ndarray], np.ndarray]  # ids -> bool, which may be recommended


class Unanswered(ValueError):
    """The model's recipe has no answer to this kind of question."""


class Personal(Protocol):
    """A model of personal lists, and what steers it."""

    @property
    def base(self) -> Personalizer: ...

    @property
    def contexts(self) -> Contexts | None: ...

    @property
    def newcomers(self) -> Newcomers | None: ...


class Model(Protocol):
    """Codes in, codes out: ids are TrainedModel's matter, but for those of actions."""

    def recommend(
        self,
        queries: Histories,
        k: int,
        *,
        allowed: Mask | None = None,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> Lists:
        """A list for each history; context, traits: what `moment` and `traits` gave for these queries."""
        ...

    def rank(
        self,
        query: Histories,
        items: np.ndarray,
        *,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> np.ndarray:
        """A score for each of the item codes."""
        ...

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        """A list for each item code, which is -1 where the item is unknown."""
        ...

    def segment(
        self, items: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes and scores of the users whom the set of items suits; allowed: bool per user."""
        ...

    def matching(self, attributes: Mapping[str, Collection[str]]) -> np.ndarray:
        """Codes of the items that have one of the values in every column."""
        ...

    def act(
        self, user_id: str, k: int, *, allowed: IdMask | None = None, recent: Sequence[ActionEvent] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ids and chances of the actions that the user is likely to take."""
        ...

    def moment(self, context: Mapping[str, str] | None) -> np.ndarray | None:
        """The codes of a request's context; None where it can't matter."""
        ...

    def traits(self, users: Sequence[str]) -> np.ndarray | None:
        """The codes of users without events; None where they say nothing about any of them."""
        ...

    @property
    def imitable(self) -> Personalizer | None:
        """What lists of less quality can be made from; None where lists have one quality."""
        ...

    @property
    def personal(self) -> Personal | None:
        """The same model, where it can be updated."""
        ...


class Answers:
    """A model that answers nothing yet."""

    def recommend(
        self,
        queries: Histories,
        k: int,
        *,
        allowed: Mask | None = None,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> Lists:
        self._refuse("recommend")

    def rank(
        self,
        query: Histories,
        items: np.ndarray,
        *,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> np.ndarray:
        self._refuse("rank")

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        self._refuse("related")

    def segment(
        self, items: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        self._refuse("segment")

    def matching(self, attributes: Mapping[str, Collection[str]]) -> np.ndarray:
        self._refuse("matching")

    def act(
        self, user_id: str, k: int, *, allowed: IdMask | None = None, recent: Sequence[ActionEvent] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        self._refuse("act")

    def moment(self, context: Mapping[str, str] | None) -> np.ndarray | None:
        return None

    def traits(self, users: Sequence[str]) -> np.ndarray | None:
        return None

    @property
    def imitable(self) -> Personalizer | None:
        return None

    @property
    def personal(self) -> Personal | None:
        return None

    def _refuse(self, question: str) -> NoReturn:
        raise Unanswered(
            f"{type(self).__name__} has no answer to {question!r}: ask a model of another recipe"
        )
