"""The part of PySpark that these jobs use, on DuckDB: a zip that names this package `pyspark` runs the same jobs.

Whatever a job calls has Spark's name, arguments and meaning; what no job calls is not there, and fails by its name.
"""

from __future__ import annotations


class StorageLevel:
    MEMORY_AND_DISK = "MEMORY_AND_DISK"
