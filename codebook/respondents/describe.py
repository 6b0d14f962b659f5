"""A described person as text: a list of questions and answers, a sentence, or a country.

Columns hold raw codes under the names of the file (`Q260`) or categories under the names of
`codebook.respondents.harmonised` (`sex`). Texts are made once for every distinct combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from codebook.countries import countries
from codebook.questions import MissingKind
from codebook.resources import read_toml, resource
from codebook.respondents.demographics import demographic, demographics, texts
from codebook.respondents.harmonised import HARMONISED, ON_REQUEST_VARIABLES
from codebook.wordings.fill import fill
from codebook.wordings.wording import wording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Form = Literal["list", "sentence", "country"]
Frame = Literal["you", "person", "group"]
DemographicSet = Literal["main", "all", "remote"]

#: The named sets: for each question the columns that may answer it, the first there is counts.
#: `remote` is what the WorldValuesBench construction tells a model about a person.
DEMOGRAPHIC_SETS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "remote": (("B_COUNTRY", "country"), ("H_URBRURAL", "settlement"), ("Q275", "education")),
    "main": (
        ("B_COUNTRY", "country"),
        ("H_URBRURAL", "settlement"),
        ("Q260", "sex"),
        ("Q262", "age_years", "age"),
        ("Q275", "education"),
        ("Q273", "marital_status"),
        ("Q279", "employment"),
        ("Q288", "income_third"),
    ),
}

#: Columns that hold what is given out on request only, by name of the request.
ON_REQUEST_COLUMNS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "religion": (("Q289", "religion"), ("Q289CS9",)),
    "ethnicity": (("Q290", "ethnicity"),),
    "party": (("Q223", "party"),),
}


def person_texts(
    columns: Mapping[str, Any],
    *,
    form: Form = "list",
    demographics: DemographicSet = "main",
    on_request: Iterable[str] = (),
    frame: Frame = "you",
    language: str = "en",
) -> NDArray[np.object_]:
    """One text for every person; what a person did not answer is left out.

    Args:
        columns: raw codes by variable, or categories by harmonised variable, each of shape
            (n,): numpy, Arrow, pandas, polars or list. Columns outside the chosen set are left
            alone; where raw codes and categories answer the same question, the codes count.
        form: `list` is numbered questions and answers; `sentence` is one sentence; `country`
            names the country alone, as the wording's persona does.
        demographics: `main`, `all` (the 42 questions) or `remote` (country, settlement and
            education), without what `on_request` names.
        on_request: sensitive answers to add: religion, ethnicity, party.
        frame: whether a sentence speaks to the person (`you`), about the `person`, or says that
            all that follows is about people like this (`group`).
        language: language of the texts.

    Returns:
        Array of str (dtype object), shape (n,); "" where nothing is known of a person.

    Raises:
        PersonError: no column fits, lengths differ, or a category or option is unknown.
        KeyError: there are no texts in this language.
    """
    import numpy as np

    names = _chosen(columns, form, demographics, tuple(on_request))
    read = [person_column(name, columns[name]) for name in names]
    if len({len(column.entry_index) for column in read}) != 1:
        sizes = ", ".join(f"{column.name} {len(column.entry_index)}" for column in read)
        raise PersonError(f"columns differ in length: {sizes}")
    check_categories(read)
    first, place = combinations(read)
    render = _renderer(read, form, frame, language)
    rendered = [render([int(column.entry_index[row]) for column in read]) for row in first]
    return np.array(rendered, dtype=object)[place]


def person_languages() -> tuple[str, ...]:
    """Codes of the languages in which persons can be described."""
    file_names = (entry.name for entry in resource("data").iterdir())
    prefix, suffix = "demographics_persons_", ".toml"
    return tuple(sorted(n[len(prefix) : -len(suffix)] for n in file_names if n.startswith(prefix)))


def _chosen(
    columns: Mapping[str, Any], form: Form, chosen: str, on_request: tuple[str, ...]
) -> list[str]:
    _check_options(form, chosen, on_request)
    if form == "country":
        wanted: Sequence[tuple[str, ...]] = (("B_COUNTRY", "country"),)
    else:
        wanted = [*_set(chosen), *(c for name in on_request for c in ON_REQUEST_COLUMNS[name])]
    column_names = [
        name for names in wanted if (name := next((n for n in names if n in columns), ""))
    ]
    if not column_names:
        needed = ", ".join(" or ".join(names) for names in wanted)
        raise PersonError(
            f"no column of the demographics {chosen!r} among {', '.join(columns) or 'none'}; "
            f"give at least one of: {needed}"
        )
    return column_names


def _check_options(form: str, chosen: str, on_request: tuple[str, ...]) -> None:
    allowed: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("form", form, ("list", "sentence", "country")),
        ("demographics", chosen, (*DEMOGRAPHIC_SETS, "all")),
        *(("on_request", name, ON_REQUEST_VARIABLES) for name in on_request),
    )
    problems = [
        f"{option}={given!r} is unknown; there are: {', '.join(known)}"
        for option, given, known in allowed
        if given not in known
    ]
    if problems:
        raise PersonError("; ".join(problems))


def _set(chosen: str) -> Sequence[tuple[str, ...]]:
    if chosen != "all":
        return DEMOGRAPHIC_SETS[chosen]
    known = [d for d in demographics().values() if not d.sensitive]
    return [(d.variable, *sorted(set(d.harmonised) - {"continent"}, reverse=True)) for d in known]


_Renderer = Callable[[Sequence[int]], str]


def _renderer(read: Sequence[PersonColumn], form: Form, frame: Frame, language: str) -> _Renderer:
    if form == "list":
        return _list_renderer(read, language)
    if form == "country":
        return _country_renderer(read[0], language)
    return _sentence_renderer(read, frame, language)


@cache
def _words(language: str) -> Mapping[str, Any]:
    if language not in person_languages():
        raise KeyError(
            f"persons cannot be described in language {language!r}; there are: "
            f"{', '.join(person_languages())}. "
            f"Add codebook/data/demographics_persons_{language}.toml to have it"
        )
    return read_toml(f"data/demographics_persons_{language}.toml")


def _list_renderer(read: Sequence[PersonColumn], language: str) -> _Renderer:
    known = wording(language)
    asked = [_question(column.name, language) for column in read]
    answers = [_answers(column, language) for column in read]

    def render(entries: Sequence[int]) -> str:
        pairs = [
            (question, answer_texts[entry])
            for question, answer_texts, entry in zip(asked, answers, entries, strict=True)
            if entry >= 0 and answer_texts[entry]
        ]
        return "\n".join(
            fill(known, "rating_person_line", number=i, question=question, answer=answer)
            for i, (question, answer) in enumerate(pairs, start=1)
        )

    return render


def _question(name: str, language: str) -> str:
    if name not in HARMONISED:
        return demographic(name, language).question
    return _words(language)["question"].get(name) or (
        demographic(HARMONISED[name].variable, language).question
    )


def _answers(column: PersonColumn, language: str) -> list[str]:
    """The text of each distinct entry in a list, "" where it is no answer."""
    name = column.name
    if name not in HARMONISED:
        return texts(name, column.distinct, language=language, missing="", no_label="").tolist()
    entries = [str(entry) for entry in column.distinct]
    if name in ("country", "age_years"):
        known = countries()
        numbers = [known[e].wvs_code if name == "country" else int(e) for e in entries if e]
        answer_texts = iter(texts(HARMONISED[name].variable, numbers, language=language))
        return [next(answer_texts) if entry else "" for entry in entries]
    if HARMONISED[name].open_list:
        return entries
    listed = _words(language)["category"][name]
    return [listed[entry]["list"] if entry else "" for entry in entries]


def _country_renderer(column: PersonColumn, language: str) -> _Renderer:
    known = wording(language)
    names = [known.countries.get(code, "") for code in _categories(column)[1]]

    def render(entries: Sequence[int]) -> str:
        name = names[entries[0]] if entries[0] >= 0 else ""
        return fill(known, "persona", country=name) if name else ""

    return render


def _categories(column: PersonColumn) -> tuple[str, list[str]]:
    """Harmonised variable of a column, and the category of each distinct entry ("" for none)."""
    name = column.name
    if name in HARMONISED:
        return name, ["" if entry is None else str(entry) for entry in column.distinct]
    variable = _HARMONISED_OF[name]
    harmonised = HARMONISED[variable]
    if harmonised.open_list:
        return variable, texts(name, column.distinct, missing="", no_label="").tolist()
    index = harmonised.recode(column.distinct)
    return variable, [harmonised.categories[i] if i >= 0 else "" for i in index]


#: Raw variable -> the harmonised variable that a sentence speaks of.
_HARMONISED_OF: Mapping[str, str] = {
    h.variable: name for name, h in HARMONISED.items() if name not in ("age", "continent")
}


def _sentence_renderer(read: Sequence[PersonColumn], frame: Frame, language: str) -> _Renderer:
    words = _words(language)
    names = wording(language).countries
    usable = [
        (i, *_categories(column))
        for i, column in enumerate(read)
        if column.name in HARMONISED or column.name in _HARMONISED_OF
    ]

    def render(entries: Sequence[int]) -> str:
        known = {
            name: categories[entries[i]]
            for i, name, categories in usable
            if entries[i] >= 0 and categories[entries[i]]
        }
        parts = [
            part for key in words["sentence"]["order"] if (part := _part(key, known, words, names))
        ]
        if not known or not parts:
            return ""
        return _framed(parts, words["sentence"], frame, has_sex="sex" in known)

    return render


def _framed(parts: list[str], sentence: Mapping[str, str], frame: Frame, *, has_sex: bool) -> str:
    whole = parts if has_sex else [sentence["nobody"], *parts]
    head = sentence["first_separator"].join(whole[:2])
    description = sentence["separator"].join([head, *whole[2:]])
    return sentence[frame].format(description=description)


def _part(
    key: str, known: Mapping[str, str], words: Mapping[str, Any], names: Mapping[str, str]
) -> str:
    """One part of a sentence, "" where it has nothing to say.

    A category whose words depend on the person's sex has them under `male` and `female`, and under
    `sentence` those for a person whose sex is not known.
    """
    sentence = words["sentence"]
    if key == "place":
        place = [
            known[k] if k == "settlement" else k for k in ("settlement", "country") if k in known
        ]
        template = sentence["_".join(place)] if place else ""
        return str(template).format(country=names.get(known.get("country", ""), ""))
    if key == "age" and "age_years" in known:
        return str(sentence["age_years"]).format(years=known["age_years"])
    if key not in known:
        return ""
    if HARMONISED[key].open_list:
        return str(sentence[key]).format(text=known[key])
    entry = words["category"][key][known[key]]
    return str(entry.get(known.get("sex", ""), entry["sentence"]))


class PersonError(ValueError):
    """What describes the persons cannot be rendered; the message says what is allowed."""


class PersonColumn(NamedTuple):
    """A column as its distinct entries and the number of each row's entry (-1: none)."""

    name: str
    distinct: list[Any]
    entry_index: NDArray[np.int64]


def person_column(name: str, entries: Any) -> PersonColumn:
    """A column read: numpy, Arrow, pandas, polars or list; NaN and null are no entry."""
    import numpy as np
    import pyarrow as pa

    if hasattr(entries, "to_arrow"):
        entries = entries.to_arrow()
    if not isinstance(entries, pa.Array | pa.ChunkedArray):
        entries = pa.array(entries, from_pandas=True)
    if isinstance(entries, pa.ChunkedArray):
        entries = entries.combine_chunks()
    encoded = entries if pa.types.is_dictionary(entries.type) else entries.dictionary_encode()
    index = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    missing = "" if name in HARMONISED else int(MissingKind.MISSING)
    distinct = [_entry(entry, missing) for entry in encoded.dictionary.to_pylist()]
    return PersonColumn(name, distinct, np.asarray(index, dtype=np.int64))


def _entry(entry: Any, missing: str | int) -> Any:
    """An entry without the decimals that a missing neighbour gives to whole numbers."""
    if entry is None:
        return missing
    return int(entry) if isinstance(entry, float) and entry.is_integer() else entry


def combinations(read: Sequence[PersonColumn]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of every distinct combination, and the number of each row's combination."""
    import numpy as np

    number = np.zeros(len(read[0].entry_index), dtype=np.int64)
    span = 1
    for column in read:
        size = len(column.distinct) + 1
        if span * size > 2**62:
            known, number = np.unique(number, return_inverse=True)
            span = len(known)
        number = number * size + column.entry_index + 1
        span *= size
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    return first, place


def check_categories(read: Sequence[PersonColumn]) -> None:
    """Refuse entries of harmonised columns that are no categories.

    Raises:
        PersonError: there are such entries; the message lists all of them.
    """
    problems = []
    for column in read:
        harmonised = HARMONISED.get(column.name)
        if harmonised is None or harmonised.open_list:
            continue
        unknown = [str(v) for v in column.distinct if str(v) not in ("", *harmonised.categories)]
        if unknown:
            shown = ", ".join(harmonised.categories[:8])
            more = ", ..." if len(harmonised.categories) > 8 else ""
            problems.append(f"{column.name}: {', '.join(unknown[:5])}; allowed: {shown}{more}")
    if problems:
        raise PersonError("unknown categories: " + " | ".join(problems))


#: Kind of a text, the first part of its key -> the name of its file.
PERSON_FILES: Mapping[str, str] = {
    "demographic": "data/demographics_{language}.toml",
    "person": "data/demographics_persons_{language}.toml",
}

#: Tables that a language has or not, as its grammar needs them.
_OWN_TABLES = ("country",)

#: What is no text: the order of a sentence's parts.
_NO_TEXTS = ("sentence.order",)


def person_source_texts(language: str) -> dict[str, str]:
    """All texts of the two files by key, in the files' order; of a file that is not there, none."""
    texts_by_key: dict[str, str] = {}
    for kind, name in PERSON_FILES.items():
        path = name.format(language=language)
        if resource(path).is_file():
            texts_by_key |= {f"{kind}:{key}": text for key, text in _flat(read_toml(path))}
    return texts_by_key


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, entry in table.items():
        key = f"{prefix}{name}"
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{key}.")
        elif isinstance(entry, list):
            yield from ((f"{key}.{i}", text) for i, text in enumerate(entry, start=1)
                        if key not in _NO_TEXTS)  # fmt: skip
        elif isinstance(entry, str) and entry.strip():
            yield key, entry


def missing_person_texts(language: str) -> list[str]:
    """Keys of the texts that English has and a language lacks; empty when it is complete."""
    present = person_source_texts(language)
    return [
        key
        for key in person_source_texts("en")
        if key not in present and key.split(":", 1)[1].split(".")[0] not in _OWN_TABLES
    ]
