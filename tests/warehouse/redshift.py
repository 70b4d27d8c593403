"""What PostgreSQL runs and Redshift does not, found in SQL text.

Source: Redshift developer guide, "Unsupported PostgreSQL features / data types / functions". A list of
patterns, not a parser: it knows the traps that a model written against PostgreSQL falls into.
"""

from __future__ import annotations

import re

FORBIDDEN: dict[str, str] = {
    r"\bfilter\s*\(\s*where\b": "FILTER is not in Redshift: use sum(case when ...)",
    r"\bdistinct\s+on\b": "DISTINCT ON is not in Redshift: use row_number()",
    r"\blateral\b": "LATERAL is not in Redshift: use a join",
    r"\b(string_agg|array_agg)\s*\(": "use listagg()",
    r"\bon\s+conflict\b": "ON CONFLICT is not in Redshift: delete and insert",
    r"\breturning\b": "RETURNING is not in Redshift",
    r"\bcreate\s+(unique\s+)?index\b": "Redshift has no indexes: use sortkey and distkey",
    r"\b(generate_series|date_bin|make_interval|make_date|unnest)\s*\(": "the function is not in Redshift",
    r"(::|\bas\s+)jsonb?\b": "Redshift keeps JSON in varchar or super",
    r"\b(jsonb?|row)_\w*agg\w*\s*\(": "the function is not in Redshift",
    r"->>?|#>>?": "JSON operators are not in Redshift: use json_extract_path_text()",
    r"\b(uuid|bytea|serial|bigserial)\b": "the type is not in Redshift",
    r"::\s*text\b|\bas\s+text\s*\)": "text is varchar(256) in Redshift: give a length",
    r"(::|\bas\s+)(varchar|character varying)\b(?!\s*\()": "varchar alone is varchar(256): give a length",
    r"\btablesample\b": "TABLESAMPLE is not in Redshift",
    r"\bfetch\s+first\b": "FETCH FIRST is not in Redshift: use limit",
    r"\b(except|intersect)\s+all\b": "set operations with ALL are not in Redshift",
    r"\bnulls\s+not\s+distinct\b": "not in Redshift",
    r"\bcount\s*\(\s*distinct\s+\w[\w.]*\s*,": "count(distinct a, b) is not in Redshift",
    r"\brange\s+between\s+interval\b": "RANGE with an offset is not in Redshift",
    r"\badd\s+column\s+if\s+not\s+exists\b": "ADD COLUMN takes no IF NOT EXISTS in Redshift",
    r"\bavg\s*\(\s*(?!cast\b)": "avg(integer) is an integer in Redshift: avg(cast(... as double precision))",
    r"(?<!as double precision\)) / ": "integer / integer drops the rest: cast to double precision first",
}


def findings(sql: str) -> list[str]:
    """`<cure> (<text>)` for each trap in it; comments and strings do not count."""
    text = _code_only(sql)
    return [
        f"{cure} ({match.group().strip()})"
        for pattern, cure in FORBIDDEN.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def _code_only(sql: str) -> str:
    """Without comments and strings, on one line."""
    sql = re.sub(r"--.*", " ", sql)
    sql = re.sub(r"/\*.*?\*/", " ", sql, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"'(?:[^']|'')*'", "''", sql))
