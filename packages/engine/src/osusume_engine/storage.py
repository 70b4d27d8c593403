"""Saves dataclasses of arrays, sparse matrices, boosters and plain values without pickle.

scipy and LightGBM are imported when a model is loaded: what only describes models starts without them.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

FORMAT = 6  # count up when what a saved model holds, or the features it was trained on, change
_CLASSES: dict[str, type] = {}
T = TypeVar("T")


class FormatChanged(ValueError):
    """A model that another version of this library saved."""


def storable(cls: type[T]) -> type[T]:
    """Only classes registered here are ever built by `load`."""
    _CLASSES[cls.__name__] = cls
    return cls


def save(value: object, folder: Path) -> None:
    """Atomic: the folder appears complete or not at all; an existing folder is replaced."""
    arrays: dict[str, np.ndarray] = {}
    tree = _pack(value, arrays)
    _write(tree, arrays, folder)


def _write(tree: Any, arrays: dict[str, np.ndarray], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        np.savez(temporary / "arrays.npz", **arrays)  # type: ignore[arg-type]
        (temporary / "model.json").write_text(json.dumps({"format": FORMAT, "model": tree}), encoding="utf-8")
        _replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load(folder: Path) -> Any:
    """Raises FormatChanged; FileNotFoundError when nothing was saved there."""
    tree = _tree(folder)
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return _unpack(tree, arrays)


def rename(folder: Path, renamed: Callable[[np.ndarray], np.ndarray], *, fields: Collection[str]) -> None:
    """Changes the texts of what is saved in fields of these names, `<class>.<field>`, without building it.

    `renamed` gives an array of the same length. Raises FormatChanged; FileNotFoundError.
    """
    tree = _tree(folder)
    with np.load(folder / "arrays.npz", allow_pickle=False) as saved:
        arrays = {name: saved[name] for name in saved.files}
    changed = False
    for text, lengths in list(_texts(tree, fields)):
        before = _unpack_text(arrays[text], arrays[lengths])
        after = renamed(before)
        if not np.array_equal(before, after):
            arrays[text], arrays[lengths] = _encoded(after)
            changed = True
    if changed:
        _write(tree, arrays, folder)


def _texts(tree: Any, fields: Collection[str], *, inside: bool = False) -> Iterator[tuple[str, str]]:
    """Names of the arrays (bytes, lengths) of the texts below fields of these names."""
    if not isinstance(tree, dict):
        return
    if tree["kind"] == "text" and inside:
        text, lengths = tree["parts"]
        yield text, lengths
    elif tree["kind"] == "object":
        for name, value in tree["fields"].items():
            yield from _texts(value, fields, inside=inside or f"{tree['class']}.{name}" in fields)
    elif tree["kind"] == "dict":
        for _, value in tree["items"]:
            yield from _texts(value, fields, inside=inside)
    elif tree["kind"] in ("list", "tuple"):
        for value in tree["items"]:
            yield from _texts(value, fields, inside=inside)


def _tree(folder: Path) -> Any:
    saved = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if saved.get("format") != FORMAT:
        raise FormatChanged(
            f"The model in {folder} has format {saved.get('format', 1)}, this version reads {FORMAT}: "
            "train it again (a new solution version)"
        )
    return saved["model"]


def _replace(temporary: Path, folder: Path) -> None:
    if folder.exists():
        retired = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent)) / "old"
        folder.rename(retired)
        temporary.rename(folder)
        shutil.rmtree(retired.parent)
    else:
        temporary.rename(folder)


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if dataclasses.is_dataclass(value) and type(value).__name__ in _CLASSES:
        fields = {f.name: _pack(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"kind": "object", "class": type(value).__name__, "fields": fields}
    if isinstance(value, np.ndarray):
        return _pack_array(value, arrays)
    if type(value).__name__ == "csr_matrix":
        parts = [_pack(x, arrays) for x in (value.data, value.indices, value.indptr)]
        return {"kind": "csr", "shape": list(value.shape), "parts": parts}
    if type(value).__name__ == "Booster":
        return {"kind": "booster", "text": value.model_to_string()}
    if isinstance(value, dict):
        return {"kind": "dict", "items": [[key, _pack(x, arrays)] for key, x in value.items()]}
    if isinstance(value, list | tuple):
        return {"kind": type(value).__name__, "items": [_pack(x, arrays) for x in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} can't be saved: mark its dataclass @storable")


def _pack_array(value: np.ndarray, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if value.dtype.kind in "OU":
        return {"kind": "text", "parts": [_keep(part, arrays) for part in _encoded(value)]}
    return {"kind": "array", "name": _keep(value, arrays)}


def _encoded(texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bytes of all of them, length of each)."""
    encoded = [str(text).encode() for text in texts]
    lengths = np.array([len(text) for text in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), lengths


def _keep(value: np.ndarray, arrays: dict[str, np.ndarray]) -> str:
    name = f"a{len(arrays)}"
    arrays[name] = value
    return name


def _unpack(tree: Any, arrays: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    kind = tree["kind"]
    if kind == "object":
        fields = {name: _unpack(x, arrays) for name, x in tree["fields"].items()}
        return _CLASSES[tree["class"]](**fields)
    if kind == "array":
        return arrays[tree["name"]]
    if kind == "text":
        return _unpack_text(*(arrays[name] for name in tree["parts"]))
    if kind == "csr":
        import scipy.sparse as sp

        return sp.csr_matrix(tuple(_unpack(x, arrays) for x in tree["parts"]), shape=tuple(tree["shape"]))
    if kind == "booster":
        import lightgbm

        return lightgbm.Booster(model_str=tree["text"])
    if kind == "dict":
        return {key: _unpack(x, arrays) for key, x in tree["items"]}
    items = [_unpack(x, arrays) for x in tree["items"]]
    return tuple(items) if kind == "tuple" else items


def _unpack_text(text: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    blob = text.tobytes()
    ends = np.cumsum(lengths).tolist()
    starts = [0, *ends[:-1]] if ends else []
    values = np.empty(len(ends), dtype=object)
    values[:] = [blob[a:b].decode() for a, b in zip(starts, ends, strict=True)]
    return values
