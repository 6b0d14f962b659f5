"""Faults planted in copies of the wordings, to learn how many of them the checks find.

Each fault is one that a translator can make: labels in the wrong order (direction), a denial lost
(negation), a label of another scale (label), a country named (country), a field of a template
broken (field), fewer people or things meant (subject), what another wave asked (pole), "always"
added (strength), another institution named (institution). A trial asks two checks about each: the
rules of `tools.wording_checks`, which see texts alone, and the digests of the reviews, which see
any change. Run it with `scripts/wording_faults`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Literal, NamedTuple, get_args

from codebook.resources import read_toml
from codebook.review import read_statuses, text_digest
from codebook.wordings.wording import languages, wording
from tools.wording_checks import Suspicion, language_rules, suspicions

FaultKind = Literal[
    "subject",
    "pole",
    "strength",
    "institution",
    "direction",
    "negation",
    "label",
    "country",
    "field",
]

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

#: Of the faults planted, the least that the rules must find.
LEAST_SHARE = 0.9

Texts = Mapping[str, str]


class Fault(NamedTuple):
    """A fault in a copy of a wording: what it is, and the texts that it changes, by key."""

    kind: FaultKind
    language: str
    texts: dict[str, str]


class Outcome(NamedTuple):
    """What the checks said about a fault; no suspicion means that the rules missed it."""

    fault: Fault
    suspicions: tuple[Suspicion, ...]
    is_stale: bool


class Trial(NamedTuple):
    """Faults with what was found of them, and suspicions of the texts as they are."""

    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[tuple[str, Suspicion], ...]

    @property
    def found_count(self) -> int:
        """Faults that the rules find without any digest."""
        return sum(bool(outcome.suspicions) for outcome in self.outcomes)

    @property
    def stale_count(self) -> int:
        """Faults that the digests of the reviews find."""
        return sum(outcome.is_stale for outcome in self.outcomes)

    @property
    def is_passed(self) -> bool:
        """Rules find nine in ten and give no false alarm; digests find all."""
        planted = len(self.outcomes)
        found_enough = self.found_count >= LEAST_SHARE * planted
        return found_enough and self.stale_count == planted and not self.false_alarms


def translated_languages() -> tuple[str, ...]:
    """Languages whose texts are translations: all of the project but English."""
    return tuple(language for language in languages() if language != "en")


def plant_faults(language: str, kinds: Sequence[FaultKind], *, rng: Random) -> list[Fault]:
    """One fault of each kind given, each for a copy of its own; no text is taken twice.

    Raises:
        WordingError: the language has no rules, and so no ways to plant.
    """
    texts = dict(wording(language).texts())
    language_rules(language)
    ways = read_toml(f"data/wording_checks_{language}.toml")["faults"]
    faults: list[Fault] = []
    for kind in kinds:
        taken = {key for fault in faults for key in fault.texts}
        options = [
            option
            for option in _PLANTERS[kind](texts, ways, rng)
            if taken.isdisjoint(option) and all(texts[k] != t for k, t in option.items())
        ]
        faults.append(Fault(kind, language, rng.choice(options)))
    return faults


def _scales(texts: Texts) -> dict[str, list[str]]:
    keys_by_scale: dict[str, list[str]] = {}
    for key in texts:
        if key.startswith("label:"):
            keys_by_scale.setdefault(key.split(":")[1], []).append(key)
    return keys_by_scale


def _turned_scales(texts: Texts, _: object, rng: Random) -> list[dict[str, str]]:
    """Of every scale: its labels turned round, or two of them exchanged."""
    options = []
    for keys in _scales(texts).values():
        pair = rng.sample(keys, 2)
        order = keys if rng.random() < 0.5 else pair
        turned = dict(zip(order, [texts[key] for key in reversed(order)], strict=True))
        options.append({key: text for key, text in turned.items() if text != texts[key]})
    return options


def _lost_denials(
    texts: Texts, ways: Mapping[str, list[list[str]]], _: Random
) -> list[dict[str, str]]:
    """Every text whose English denies something, without the first denial of the translation."""
    english, source = wording("en").texts(), language_rules("en")
    options = []
    for key, text in texts.items():
        kind = key.split(":", 1)[0]
        if kind not in ("stem", "statement", "label"):
            continue
        if not source.glossary["not"].search(source.frame.sub("", english[key])):
            continue
        for pattern, replacement in ways["denials"]:
            lost = re.sub(pattern, replacement, text, count=1)
            if lost != text:
                options.append({key: lost[:1].upper() + lost[1:]})
                break
    return options


def _foreign_labels(texts: Texts, _: object, rng: Random) -> list[dict[str, str]]:
    """Every label replaced by one of another scale that says something else."""
    english, scales = wording("en").texts(), _scales(texts)
    options = []
    for scale, keys in scales.items():
        for key in keys:
            other = rng.choice([k for s, ks in scales.items() if s != scale for k in ks])
            if english[other] != english[key] and texts[other] != texts[key]:
                options.append({key: texts[other]})
    return options


def _named_countries(
    texts: Texts, ways: Mapping[str, list[list[str]]], rng: Random
) -> list[dict[str, str]]:
    """Every question and statement on one's own country, with a country's name in its place."""
    names = [text for key, text in texts.items() if key.startswith("country:")]
    options = []
    for key, text in texts.items():
        if key.split(":", 1)[0] in ("stem", "statement"):
            for pattern, replacement in ways["home"]:
                named = re.sub(pattern, replacement.format(country=rng.choice(names)), text)
                if named != text:
                    options.append({key: named})
                    break
    return options


def _broken_fields(texts: Texts, _: object, rng: Random) -> list[dict[str, str]]:
    """Every template with one of its fields renamed, dropped, doubled or left open."""
    options = []
    for key, text in texts.items():
        fields = re.findall(r"(?<!\{)\{(\w+)\}(?!\})", text) if key.startswith("template:") else []
        if fields:
            field = "{" + rng.choice(fields) + "}"
            broken = rng.choice([field[:-2] + "}", "", field * 2, field[:-1]])
            options.append({key: text.replace(field, broken, 1)})
    return options


def _listed(name: str) -> Callable[..., list[dict[str, str]]]:
    """A planter of the exchanges that a language's rules list: key, pattern, replacement."""

    def options(
        texts: Texts, ways: Mapping[str, list[list[str]]], _: Random
    ) -> list[dict[str, str]]:
        return [{key: re.sub(pattern, new, texts[key])} for key, pattern, new in ways[name]]

    return options


def _strengthened(texts: Texts, ways: Mapping[str, list[str]], _: Random) -> list[dict[str, str]]:
    """Every statement with "always" in it, where the English has no word like that."""
    english, source = wording("en").texts(), language_rules("en").strength
    pattern, new = ways["strengthened"]
    return [
        {key: re.sub(pattern, new, text, count=1)}
        for key, text in texts.items()
        if key.startswith("statement:") and not source.search(english[key])
    ]


_PLANTERS: Mapping[str, Callable[..., list[dict[str, str]]]] = {
    "subject": _listed("subject"),
    "pole": _listed("pole"),
    "strength": _strengthened,
    "institution": _listed("institution"),
    "direction": _turned_scales,
    "negation": _lost_denials,
    "label": _foreign_labels,
    "country": _named_countries,
    "field": _broken_fields,
}


def judge(fault: Fault) -> Outcome:
    """What the rules and the digests say about a fault, in a copy that holds no other."""
    texts = {**wording(fault.language).texts(), **fault.texts}
    seen = tuple(s for s in suspicions(texts, fault.language) if s.key in fault.texts)
    statuses = read_statuses(fault.language)
    stale = all(
        key not in statuses or statuses[key].digest != text_digest(text)
        for key, text in fault.texts.items()
    )
    return Outcome(fault, seen, stale)


def run_trial(count: int = 40, *, seed: int, chosen: Sequence[str] = ()) -> Trial:
    """Plant faults, as evenly as possible over the kinds and the languages, and judge them.

    Args:
        count: faults to plant.
        seed: equal seeds plant equal faults in equal texts.
        chosen: languages; all translated ones where none is given.
    """
    chosen = tuple(chosen) or translated_languages()
    shares: dict[str, list[FaultKind]] = {language: [] for language in chosen}
    for i in range(count):
        shares[chosen[i % len(chosen)]].append(KINDS[i % len(KINDS)])
    rng = Random(seed)  # noqa: S311 (no secret depends on it)
    faults = [
        fault
        for language, kinds in shares.items()
        for fault in plant_faults(language, kinds, rng=rng)
    ]
    alarms = [(lang, seen) for lang in chosen for seen in suspicions(wording(lang).texts(), lang)]
    return Trial(tuple(judge(fault) for fault in faults), tuple(alarms))


def trial_report(trial: Trial, *, with_faults: bool = False) -> str:
    """The trial as lines of text: counts by kind, what was missed, false alarms.

    Args:
        trial: the trial.
        with_faults: also print each fault that was found, with what was seen.
    """
    planted = Counter(outcome.fault.kind for outcome in trial.outcomes)
    detected = Counter(outcome.fault.kind for outcome in trial.outcomes if outcome.suspicions)
    total = len(trial.outcomes)
    lines = [f"{kind:10} {detected[kind]:3} of {planted[kind]:3} found" for kind in planted]
    lines += [
        f"from texts alone: {trial.found_count} of {total}",
        f"by the digests of the reviews: {trial.stale_count} of {total}",
        f"false alarms on the texts as they are: {len(trial.false_alarms)}",
    ]
    for language, seen in trial.false_alarms:
        lines.append(f"  alarm {language} {seen.key} ({seen.rule}): {seen.detail}")
    for fault, suspected, _ in trial.outcomes:
        state = "found" if suspected else "missed"
        if with_faults or not suspected:
            lines.append(f"  {state} {fault.language} {fault.kind}: {fault.texts}")
            lines += [f"    {seen.key} ({seen.rule}): {seen.detail}" for seen in suspected]
    return "\n".join(lines)
