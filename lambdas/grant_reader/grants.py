"""What makes a user of the application's database that may read some tables and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# The Data API takes no parameter in DDL; a setting of the transaction carries the value there.
SETTING = "extraction.verifier"
REMEMBER = f"select set_config('{SETTING}', :verifier, true)"


def statements(*, user: str, database: str, tables: Iterable[str]) -> Iterator[str]:
    """Statements to be run in one transaction after REMEMBER. Run again, they change nothing.

    `tables` are `schema.table`; the configuration allows letters, digits and underscores only.
    """
    role = _quoted(user)
    yield (
        f"do $$ begin if not exists (select from pg_roles where rolname = '{user}') "
        f"then create role {role}; end if; "
        f"execute format('alter role {role} login password %L', current_setting('{SETTING}')); end $$"
    )
    yield f"grant connect on database {_quoted(database)} to {role}"
    names = [table.split(".") for table in tables]
    for schema in dict.fromkeys(schema for schema, _ in names):
        yield f"grant usage on schema {_quoted(schema)} to {role}"
    for schema, table in names:
        yield f"grant select on {_quoted(schema)}.{_quoted(table)} to {role}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
