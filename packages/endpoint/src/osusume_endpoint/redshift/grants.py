"""CREATE USER, GRANT and REVOKE with Redshift's roles, in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Sequence

from osusume_endpoint.redshift.tokens import Token, scan, words


def rewritten(tokens: Sequence[Token]) -> list[Token]:
    """`role x` after TO, FROM or GRANT is `x`; a disabled password is none."""
    kind = words(tokens, 2)
    if kind[:1] in (("GRANT",), ("REVOKE",)):
        return _without(tokens, "ROLE", after=("GRANT", "REVOKE", "TO", "FROM", ","))
    if kind in (("CREATE", "USER"), ("ALTER", "USER")):
        return [scan("NULL")[0] if token.upper == "DISABLE" else token for token in tokens]
    return list(tokens)


def _without(tokens: Sequence[Token], word: str, *, after: Sequence[str]) -> list[Token]:
    kept: list[Token] = []
    before = ""
    for token in tokens:
        if token.upper == word and before in after:
            continue
        kept.append(token)
        before = token.upper if token.kind != "space" else before
    return kept
