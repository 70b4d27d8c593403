"""What Spark means by a cast or a text, where DuckDB means something else: macros of the connection.

Each is Spark 3.5's rule for the type that stands in its name, in ANSI's mode of try_cast: null where Spark has null.
"""

from __future__ import annotations

from typing import Any

# UTF8String.trimAll: blanks and control characters of ASCII, at both ends.
_TRIM = "regexp_replace(x, '^[\\x00-\\x20\\x7F]+|[\\x00-\\x20\\x7F]+$', '', 'g')"
# java.lang.Double.valueOf, without hexadecimal ones: a suffix of Java's literals belongs to it.
_DOUBLE = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# SparkDateTimeUtils.parseTimestampString; what follows seconds and begins with no digit is a time zone.
_TIME = r"([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?([^0-9.].*)?)?)?"
_DAY = rf"^([+-]?[0-9]{{4,6}})(?:-([0-9]{{1,2}})(?:-([0-9]{{1,2}})(?:[ T]{_TIME})?)?)?$"
_TODAY = rf"^(?:T{_TIME}|([0-9]{{1,2}}):([0-9]{{1,2}})(?::([0-9]{{1,2}})(?:\.([0-9]*))?([^0-9.].*)?)?)$"
_PARTS = "['y', 'mo', 'd', 'h', 'mi', 's', 'f', 'z']"
_TODAYS = "['h', 'mi', 's', 'f', 'z', 'h2', 'mi2', 's2', 'f2', 'z2']"
# java.time.ZoneOffset.of, at most 18 hours, alone or behind one of three names.
_OFFSET = r"^(?:UTC|GMT|UT)?([+-])([0-9]{1,2})(?::?([0-9]{2})(?::?([0-9]{2}))?)?$"
# java.time.ZoneId.SHORT_IDS that are offsets; the others are regions.
_SHORT = {
    "EST": "-05:00", "MST": "-07:00", "HST": "-10:00", "ACT": "Australia/Darwin", "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires", "ART": "Africa/Cairo", "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka", "CAT": "Africa/Harare", "CNT": "America/St_Johns",
    "CST": "America/Chicago", "CTT": "Asia/Shanghai", "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan", "NST": "Pacific/Auckland", "PLT": "Asia/Karachi", "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh", "Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "UT": "+00:00",
}  # fmt: skip
_YEAR = (
    "CASE WHEN y > 9999 THEN '+' || y WHEN y < 0 THEN '-' || lpad(CAST(-y AS VARCHAR), 4, '0')"
    " ELSE lpad(CAST(y AS VARCHAR), 4, '0') END"
)
_MACROS = {
    "spark_trim(x)": _TRIM,
    "spark_whole(x)": "nullif(regexp_extract(spark_trim(x), '^[+-]?[0-9]+$'), '')",
    "spark_double(x)": f"TRY_CAST(nullif(regexp_extract(spark_trim(x), '^({_DOUBLE})[fFdD]?$', 1), '') AS DOUBLE)",
    "spark_boolean(x)": (
        "CASE WHEN lower(spark_trim(x)) IN ('t', 'true', 'y', 'yes', '1') THEN true "
        "WHEN lower(spark_trim(x)) IN ('f', 'false', 'n', 'no', '0') THEN false END"
    ),
    # Whole seconds below a moment, before 1970 too.
    "spark_seconds(x)": "(epoch_us(x) - ((epoch_us(x) % 1000000) + 1000000) % 1000000) // 1000000",
    "spark_millis(x)": "(epoch_us(x) - ((epoch_us(x) % 1000) + 1000) % 1000) // 1000",
    "spark_year(y)": _YEAR,
    "spark_fraction(x)": "rtrim(rtrim(strftime(x, '.%f'), '0'), '.')",
    # A cast counts years astronomically, a pattern's yyyy from the era's beginning.
    "spark_time(x)": "spark_year(year(x)) || strftime(x, '-%m-%d %H:%M:%S') || spark_fraction(x)",
    "spark_formatted(x)": (
        "spark_year(CASE WHEN year(x) <= 0 THEN 1 - year(x) ELSE year(x) END)"
        " || strftime(x, '-%m-%d %H:%M:%S')"
    ),
    "spark_scientific(digits, exponent)": (
        "digits[1] || '.' || CASE WHEN rtrim(digits[2:], '0') = '' THEN '0' ELSE rtrim(digits[2:], '0') END"
        " || 'E' || exponent"
    ),
    # `t` is DuckDB's shortest text of a number that is not zero, without its sign.
    "spark_parts(t)": (
        "regexp_extract(t, '^([0-9]+)(?:\\.([0-9]+))?(?:e([+-][0-9]+))?$', ['whole', 'rest', 'power'])"
    ),
    "spark_exponent(p)": (
        "coalesce(TRY_CAST(p.power AS INTEGER), 0) + CASE WHEN p.whole <> '0' THEN length(p.whole) - 1"
        " ELSE length(ltrim(p.rest, '0')) - length(p.rest) - 1 END"
    ),
    "spark_far(t)": (
        "list_transform([spark_parts(t)], lambda p: spark_scientific(ltrim(p.whole || p.rest, '0'),"
        " CAST(spark_exponent(p) AS VARCHAR)))[1]"
    ),
    # java.lang.Double.toString
    "spark_double_text(x)": (
        "CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END"
        " WHEN x = 0 OR (abs(x) >= 0.001 AND abs(x) < 10000000) THEN CAST(x AS VARCHAR)"
        " ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || spark_far(CAST(abs(x) AS VARCHAR)) END"
    ),
    # java.math.BigDecimal.toString, of the digits behind the point that `scale` says
    "spark_digits(t)": "ltrim(replace(ltrim(t, '-'), '.', ''), '0')",
    "spark_decimal_text(t, scale)": (
        "CASE WHEN spark_digits(t) = '' THEN CASE WHEN scale > 6 THEN '0E-' || scale ELSE t END"
        " WHEN length(spark_digits(t)) - 1 - scale >= -6 THEN t"
        " ELSE CASE WHEN t[1] = '-' THEN '-' ELSE '' END || spark_digits(t)[1]"
        " || CASE WHEN length(spark_digits(t)) > 1 THEN '.' || spark_digits(t)[2:] ELSE '' END"
        " || 'E' || (length(spark_digits(t)) - 1 - scale) END"
    ),
    "spark_offset(o)": (
        "CASE WHEN TRY_CAST(o.h AS INTEGER) * 3600 + coalesce(TRY_CAST(o.m AS INTEGER), 0) * 60"
        " + coalesce(TRY_CAST(o.s AS INTEGER), 0) <= 64800"
        " AND coalesce(TRY_CAST(o.m AS INTEGER), 0) < 60 AND coalesce(TRY_CAST(o.s AS INTEGER), 0) < 60"
        " THEN (CASE WHEN o.sign = '-' THEN -1 ELSE 1 END) * (TRY_CAST(o.h AS INTEGER) * 3600"
        " + coalesce(TRY_CAST(o.m AS INTEGER), 0) * 60 + coalesce(TRY_CAST(o.s AS INTEGER), 0)) END"
    ),
    # A moment in a zone, as Spark's getZoneId has it: single digits are completed. A list of one binds a value once.
    "spark_completed(z)": (
        "regexp_replace(regexp_replace(trim(z), '([+-])([0-9]):', '\\10\\2:'),"
        " '([+-][0-9][0-9]):([0-9])$', '\\1:0\\2')"
    ),
    "spark_in_zone(t, zone)": (
        "list_transform([zone], lambda z: CASE"
        " WHEN list_contains(getvariable('spark_zones'), z) THEN timezone(z, t)"
        f" ELSE list_transform([regexp_extract(z, '{_OFFSET}', ['sign', 'h', 'm', 's'])],"
        " lambda o: timezone('UTC', t) - to_seconds(spark_offset(o)))[1] END)[1]"
    ),
    "spark_zoned(moment, z)": (
        "list_transform([moment], lambda t: CASE WHEN z = '' THEN timezone('UTC', t)"
        " ELSE spark_in_zone(t, coalesce(getvariable('spark_short')[trim(z)], spark_completed(z))) END)[1]"
    ),
    "spark_micros(f)": "TRY_CAST(rpad(left(f, 6), 6, '0') AS BIGINT)",
    "spark_number(x, missing)": "CASE WHEN x = '' THEN missing ELSE TRY_CAST(x AS BIGINT) END",
    "spark_moment(y, mo, d, h, mi, s, f)": (
        "list_transform([{'h': h, 'mi': mi, 's': s, 'mo': mo, 'd': d}], lambda q:"
        " CASE WHEN q.h < 24 AND q.mi < 60 AND q.s < 60 AND q.mo BETWEEN 1 AND 12 AND q.d BETWEEN 1 AND 31"
        " THEN TRY(make_timestamp(y, q.mo, q.d, q.h, q.mi, CAST(q.s AS DOUBLE)))"
        " + to_microseconds(spark_micros(f)) END)[1]"
    ),
    "spark_of_day(p)": (
        "spark_zoned(spark_moment(TRY_CAST(p.y AS BIGINT), spark_number(p.mo, 1), spark_number(p.d, 1),"
        " spark_number(p.h, 0), spark_number(p.mi, 0), spark_number(p.s, 0), p.f), p.z)"
    ),
    "spark_of_today(p)": (
        "spark_zoned(spark_moment(year(today()), month(today()), day(today()),"
        " spark_number(p.h || p.h2, 0), spark_number(p.mi || p.mi2, 0), spark_number(p.s || p.s2, 0),"
        " p.f || p.f2), p.z || p.z2)"
    ),
    "spark_timestamp(x)": (
        f"coalesce(list_transform([regexp_extract(spark_trim(x), '{_DAY}', {_PARTS})],"
        " lambda p: CASE WHEN p.y <> '' THEN spark_of_day(p) END)[1],"
        f" list_transform([regexp_extract(spark_trim(x), '{_TODAY}', {_TODAYS})],"
        " lambda p: CASE WHEN p.h || p.h2 <> '' THEN spark_of_today(p) END)[1])"
    ),
}  # fmt: skip


def install(connection: Any) -> None:
    """Sets the time zone that Spark's sessions have here, and makes the macros."""
    connection.execute("SET TimeZone = 'UTC'")
    pairs = ", ".join(f"'{short}': '{zone}'" for short, zone in _SHORT.items())
    connection.execute(f"SET VARIABLE spark_short = MAP {{{pairs}}}")
    connection.execute("SET VARIABLE spark_zones = (SELECT list(name) FROM pg_timezone_names())")
    for head, body in _MACROS.items():
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {head} AS {body}")
