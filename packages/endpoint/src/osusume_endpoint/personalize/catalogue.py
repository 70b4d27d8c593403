"""What real-time requests look at: loaded models and the facts that filters and metadata need."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osusume_endpoint.personalize.sources import source_of

if TYPE_CHECKING:
    from osusume_endpoint.personalize.service import Personalize
    from osusume_endpoint.personalize.store import Record
    from osusume_engine.filters.evaluation import Evaluator
    from osusume_engine.filters.facts import Events, Table
    from osusume_engine.reordering import Reordering
    from osusume_engine.training import TrainedModel

MODELS_KEPT = 4
EVALUATORS_KEPT = 64
REORDERINGS_KEPT = 8
_EVENTS = {"INTERACTIONS": "ITEM_ID", "ACTION_INTERACTIONS": "ACTION_ID"}


@dataclass
class _Cached:
    version: Any
    value: Any
    position: int = 0


class Catalogue:
    def __init__(self, service: Personalize) -> None:
        self._service = service
        self._lock = threading.RLock()
        self._models: OrderedDict[str, TrainedModel] = OrderedDict()
        self._facts: dict[str, _Cached] = {}
        self._evaluators: OrderedDict[Any, Evaluator] = OrderedDict()
        self._reorderings: OrderedDict[Any, tuple[Reordering | None, object]] = OrderedDict()

    def model(self, version_arn: str) -> TrainedModel:
        """The trained model of a solution version or recommender."""
        from osusume_engine.training import TrainedModel

        with self._lock:
            if version_arn not in self._models:
                self._models[version_arn] = TrainedModel.load(self._service.folder("models", version_arn))
            self._models.move_to_end(version_arn)
            while len(self._models) > MODELS_KEPT:
                self._models.popitem(last=False)
            return self._models[version_arn]

    def forget(self, version_arn: str) -> None:
        with self._lock:
            self._models.pop(version_arn, None)

    def table(self, dataset: Record) -> Table:
        """Metadata as it is now, streamed records included."""
        return self._fact(dataset, _load_table)

    def events(self, dataset: Record) -> Events:
        with self._lock:
            events: Events = self._fact(dataset, _load_events)
            cached = self._facts[dataset.arn]
            for user, target, kind in self._service.streams.touched(dataset.arn, after=cached.position):
                events.add(user, target, kind)
                cached.position += 1
            return events

    def evaluator(self, expression: str, datasets: Iterable[Record]) -> Evaluator:
        """An evaluator over the datasets that the expression names."""
        from osusume_engine.filters import parse_filter
        from osusume_engine.filters.evaluation import Evaluator
        from osusume_engine.filters.facts import Facts

        with self._lock:
            parsed = parse_filter(expression)
            tables, events = {}, {}
            for dataset in datasets:
                kind = dataset.fields["datasetType"]
                if kind in _EVENTS and parsed.uses(kind):
                    events[kind] = self.events(dataset)
                elif kind not in _EVENTS:
                    tables[kind] = self.table(dataset)
            key = (expression, *(id(value) for value in (*tables.values(), *events.values())))
            if key not in self._evaluators:
                self._evaluators[key] = Evaluator(parsed, Facts(tables, events))
            self._evaluators.move_to_end(key)
            while len(self._evaluators) > EVALUATORS_KEPT:
                self._evaluators.popitem(last=False)
            return self._evaluators[key]

    def reordering(
        self,
        version_arn: str,
        datasets: Mapping[str, Record],
        *,
        influence: Mapping[str, float],
        exploration: Mapping[str, float],
    ) -> Reordering | None:
        """What a configuration does to lists of the model; None for nothing."""
        from osusume_engine.reordering import Reordering

        if not any(influence.values()) and not exploration.get("explorationWeight"):
            return None
        with self._lock:
            model = self.model(version_arn)
            table = self.table(datasets["ITEMS"]) if "ITEMS" in datasets else None
            key = (id(model), id(table), json.dumps([dict(influence), dict(exploration)], sort_keys=True))
            if key not in self._reorderings:
                events = datasets.get("INTERACTIONS")
                value = Reordering.of(
                    model,
                    items=None if table is None else table.frame,
                    influence=influence,
                    exploration=exploration,
                    impressions=self._service.streams.impressions(events.arn) if events else None,
                )
                # The model and table are kept too, so that nothing else gets their ids.
                self._reorderings[key] = (value, (model, table))
            self._reorderings.move_to_end(key)
            while len(self._reorderings) > REORDERINGS_KEPT:
                self._reorderings.popitem(last=False)
            return self._reorderings[key][0]

    def _fact(self, dataset: Record, load: Any) -> Any:
        with self._lock:
            version = _version(self._service, dataset)
            cached = self._facts.get(dataset.arn)
            if cached is None or cached.version != version:
                count = self._service.streams.count(dataset.arn)
                cached = _Cached(version, load(self._service, dataset), position=count)
                self._facts[dataset.arn] = cached
            return cached.value


def _version(service: Personalize, dataset: Record) -> Any:
    bulk = (tuple(dataset.private["parts"]), dataset.fields["schemaArn"], dataset.private.get("deleted"))
    if dataset.fields["datasetType"] in _EVENTS:
        return bulk  # streamed events are added to what is cached
    return (*bulk, service.streams.count(dataset.arn))


def _load_table(service: Personalize, dataset: Record) -> Table:
    from osusume_engine.filters.facts import Facts

    kind = dataset.fields["datasetType"]
    return Facts.of_frames({kind: _frame(service, dataset)}).tables[kind]


def _load_events(service: Personalize, dataset: Record) -> Events:
    from osusume_engine.filters.facts import Facts

    kind = dataset.fields["datasetType"]
    return Facts.of_frames({kind: _frame(service, dataset)}).events[kind]


def _frame(service: Personalize, dataset: Record) -> Any:
    from osusume_endpoint.personalize import datasets as reading

    try:
        return reading.read_frame(source_of(service, dataset))
    except FileNotFoundError:  # replaced by an import this very moment
        return reading.read_frame(source_of(service, dataset))
