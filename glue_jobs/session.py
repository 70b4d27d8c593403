"""The Spark session and the storage layout that the jobs share."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from glue_jobs.transforms.text import for_csv, read_alike

SCHEME = "s3://"

# Quotes doubled as RFC 4180 has it; Spark's own defaults write \" and trim blanks.
CSV = {
    "header": "true",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
    "emptyValue": "",
}


def start(name: str) -> SparkSession:
    spark = configured(SparkSession.builder.appName(name).getOrCreate())
    # `_SUCCESS` files would be read as data by Personalize's imports and Redshift's COPY.
    spark.conf.set("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    # 200 by default: hundreds of tiny files and tasks on a small cluster, too few on a big one.
    spark.conf.set("spark.sql.shuffle.partitions", str(4 * spark.sparkContext.defaultParallelism))
    return spark


def configured(spark: SparkSession) -> SparkSession:
    """Times as they are: in UTC, and not in the calendar that Spark 2 had for days before October 1582.

    An object that is read as text is JSON without blanks, as it is before Spark 4, which keeps the file's own.
    """
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.json.enableExactStringParsing", "false")
    for kind in ("datetime", "int96"):
        for way in ("Read", "Write"):
            spark.conf.set(f"spark.sql.parquet.{kind}RebaseModeIn{way}", "CORRECTED")
    return spark


def write_csv(frame: DataFrame, path: str) -> None:
    for_csv(frame).write.mode("overwrite").options(**CSV).csv(path)


def write_dataset(frame: DataFrame, path: str) -> None:
    """CSV that Personalize imports."""
    write_csv(read_alike(frame), path)


def write_json(frame: DataFrame, path: str, *, compression: str = "gzip") -> None:
    frame.write.mode("overwrite").option("compression", compression).json(path)


def location(bucket: str, key: str) -> str:
    return f"{SCHEME}{bucket}/{key}/"


def raw_table(bucket: str, run_id: str, table: str) -> str:
    return location(bucket, f"aurora/run={run_id}/{table}")


def raw_events(bucket: str, run_id: str) -> str:
    return location(bucket, f"events/run={run_id}")


def published(bucket: str, run_id: str, solution: str) -> str:
    return location(bucket, f"publish/{run_id}/{solution}")


def run_folder(bucket: str, run_id: str, part: str) -> str:
    return location(bucket, f"runs/{run_id}/{part}")
