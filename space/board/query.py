"""What a visitor asks of the board, to and from a permalink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from space.board.columns import COLUMNS, DEFAULT_COLUMNS, DEFAULT_SORT, FACETS, MAX_COLUMNS, PARTS

#: Longest text that is searched for.
MAX_SEARCH = 200


@dataclass(frozen=True)
class BoardQuery:
    """State of the board page.

    Attributes:
        facets: chosen names per facet; an absent facet lets every row pass.
        parts: parts whose score stands as a column of its own, for instance `country:DEU`.
        search: words that must all occur in name, model, family or method.
        sort: key of a column, `-` before it for falling order.
        columns: keys of the columns shown, parts left out.
        page: from 1.
        synthetic: whether rows scored on made-up people are listed too.
    """

    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    search: str = ""
    sort: str = DEFAULT_SORT
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    page: int = 1
    synthetic: bool = False

    @property
    def sort_key(self) -> str:
        """Key of the column that sorts."""
        return self.sort.lstrip("-")

    @property
    def falling(self) -> bool:
        """Whether the highest comes first."""
        return self.sort.startswith("-")

    def shown_columns(self) -> tuple[str, ...]:
        """Keys of all columns shown: rank and name, the parts, then the others, cut to 12."""
        lead = tuple(key for key in ("rank", "name") if key in self.columns)
        rest = tuple(key for key in self.columns if key not in lead)
        return (*lead, *self.parts, *rest)[:MAX_COLUMNS]

    def permalink(self) -> str:
        """The query string that restores this state; what is default is left out."""
        pairs: list[tuple[str, str]] = []
        for facet in FACETS:
            pairs += [(facet, name) for name in self.facets.get(facet, ())]
        pairs += [tuple(part.split(":", 1)) for part in self.parts]  # type: ignore[misc]
        if self.search:
            pairs.append(("q", self.search))
        if self.sort != DEFAULT_SORT:
            pairs.append(("sort", self.sort))
        if self.columns != DEFAULT_COLUMNS:
            pairs.append(("columns", ",".join(self.columns)))
        if self.synthetic:
            pairs.append(("synthetic", "1"))
        if self.page > 1:
            pairs.append(("page", str(self.page)))
        return urlencode(pairs)


def parse_query(
    params: str | Iterable[tuple[str, str]], *, known: Mapping[str, Sequence[str]]
) -> BoardQuery:
    """Read a permalink; what the board does not know is left out.

    Args:
        params: a query string, or its (key, text) pairs.
        known: names there are, per facet and per kind of part; `score` lists further columns.
    """
    pairs = parse_qsl(params.lstrip("?")) if isinstance(params, str) else list(params)
    params_by_key: dict[str, list[str]] = {}
    for key, text in pairs:
        params_by_key.setdefault(key, []).append(text)
    columns = _columns(params_by_key.get("columns", [""])[-1], extra=known.get("score", ()))
    parts = [
        f"{kind}:{name}"
        for kind in PARTS
        for name in params_by_key.get(kind, ())
        if name in known[kind]
    ]
    return BoardQuery(
        facets={
            facet: names
            for facet in FACETS
            if (
                names := tuple(n for n in params_by_key.get(facet, ()) if n in known.get(facet, ()))
            )
        },
        parts=tuple(dict.fromkeys(parts)),
        search=params_by_key.get("q", [""])[-1].strip()[:MAX_SEARCH],
        sort=_sort(params_by_key.get("sort", [""])[-1], parts=parts, extra=known.get("score", ())),
        columns=columns,
        synthetic=params_by_key.get("synthetic", [""])[-1] == "1",
        page=_page(params_by_key.get("page", ["1"])[-1]),
    )


def _columns(text: str, *, extra: Sequence[str]) -> tuple[str, ...]:
    keys = [key for key in text.split(",") if key in COLUMNS or key in extra]
    return tuple(dict.fromkeys(keys)) or DEFAULT_COLUMNS


def _sort(text: str, *, parts: Sequence[str], extra: Sequence[str]) -> str:
    key = text.lstrip("-")
    known = key in COLUMNS or key in parts or key in extra
    return text if known and not text.startswith("--") else DEFAULT_SORT


def _page(text: str) -> int:
    return min(max(int(text), 1), 10_000) if text.isascii() and text.isdigit() else 1
