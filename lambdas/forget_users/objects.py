"""Every version of every object of a bucket, without the rows of some users."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.forget_users import rewriting
from lambdas.forget_users.contents import Content, Users
from lambdas.forget_users.rewriting import UnreadableRow

AT_ONCE = 8  # keys

Version = Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """`content` says of a key what it is; `late` whether it is time to stop, and be called again."""

    s3: Any
    bucket: str
    content: Callable[[str], Content | None]
    users: Users
    late: Callable[[], bool]

    def run(self, *, after: str = "") -> tuple[str | None, Counter[str]]:
        """The key after which to go on (None: the bucket is done), and what was removed: rows, versions."""
        removed: Counter[str] = Counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for batch in _batched(self._keys(after), AT_ONCE):
                for counts in pool.map(self._clean, (versions for _, versions in batch)):
                    removed += counts
                if self.late():
                    return batch[-1][0], removed
        return None, removed

    def _keys(self, after: str) -> Iterator[tuple[str, list[Version]]]:
        """Keys that may hold rows of users, with their versions, newest first."""
        pages = self.s3.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, **({"KeyMarker": after} if after else {})
        )
        versions = (version for page in pages for version in page.get("Versions", []))
        for key, found in itertools.groupby(versions, key=lambda version: str(version["Key"])):
            if key > after and self.content(key):
                yield key, list(found)

    def _clean(self, versions: list[Version]) -> Counter[str]:
        """The newest version is written again before the old one goes, so that no reader finds nothing."""
        removed: Counter[str] = Counter()
        for version in versions:
            removed += self._clean_version(version)
        return removed

    def _clean_version(self, version: Version) -> Counter[str]:
        key, number = version["Key"], version["VersionId"]
        content = self.content(key)
        assert content is not None
        with tempfile.TemporaryDirectory() as scratch:
            source, target = Path(scratch, "old"), Path(scratch, "new")
            self._download(key, number, source)
            try:
                rows = rewriting.rewrite(source, target, content=content, users=self.users)
            except UnreadableRow as error:
                raise UnreadableRow(f"s3://{self.bucket}/{key}, version {number}: {error}") from None
            if not rows:
                return Counter()
            if version["IsLatest"]:
                self.s3.upload_file(str(target), self.bucket, key)
        self.s3.delete_object(Bucket=self.bucket, Key=key, VersionId=number)
        return Counter(rows=rows, versions=1)

    def _download(self, key: str, number: str, target: Path) -> None:
        """One request: most files are small, and a managed transfer asks for the size first."""
        answer = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=number)
        with target.open("wb") as file:
            shutil.copyfileobj(answer["Body"], file)


def _batched(
    keys: Iterator[tuple[str, list[Version]]], size: int
) -> Iterator[list[tuple[str, list[Version]]]]:
    while batch := list(itertools.islice(keys, size)):
        yield batch
