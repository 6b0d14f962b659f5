"""Single answers of the train split: `sft` and `preference`. These rows are microdata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import value_questions
from contracts.errors import fail
from contracts.release.read import Release
from dataset_builder.tables.mixing import mixed, name_keys, uniform
from dataset_builder.training import texts
from dataset_builder.training.held_out import Scope, training_scope
from dataset_builder.training.options import TrainingOptions
from dataset_builder.training.targets import stratified_order

_BATCH_ROWS = 1 << 16

#: What a draw is for: other numbers for the sample, the group, the language, the other answer.
_SAMPLE, _GROUP, _LANGUAGE, _REJECTED = range(4)


class Answers(NamedTuple):
    """Answers of some rows, columns of one length n.

    Attributes:
        country: ISO3 of each row, object array.
        question: question of each row, object array.
        group: group of each row, empty for everyone, object array.
        code: raw code.
        key: hash of respondent, question and seed, uint64: what a row's draws follow from.
    """

    country: NDArray[np.object_]
    question: NDArray[np.object_]
    group: NDArray[np.object_]
    code: NDArray[np.int16]
    key: NDArray[np.uint64]

    def take(self, rows: NDArray[Any]) -> Answers:
        """Some of the rows."""
        return Answers(*(column[rows] for column in self))


def sft_rows(release: Release, options: TrainingOptions) -> Iterator[dict[str, Any]]:
    """A prompt and one respondent's answer, as chat messages, of the table `sft`.

    The prompt names the respondent's country, or one of the groups asked for that the respondent
    belongs to; the completion is the label of the answer.

    Raises:
        ContractError: an option is wrong, or the release has no respondents.
    """
    for about, offer, code, _ in _asked(release, options):
        yield about | {"completion": offer.replies[code]}


def preference_rows(release: Release, options: TrainingOptions) -> Iterator[dict[str, Any]]:
    """The same prompts with the answer given and another one, of the table `preference`.

    The answer given is a draw from the population's shares p, the other one is drawn evenly from
    the rest: the odds that a is chosen over b are p(a) / p(b), those of a Bradley-Terry model
    whose reward is log p.
    """
    for about, offer, code, key in _asked(release, options):
        others = [other for other in offer.codes if other != code]
        rejected = others[int(mixed(np.array([key]).view(np.int64), _REJECTED)[0]) % len(others)]
        yield about | {"chosen": offer.replies[code], "rejected": offer.replies[rejected]}


def _asked(
    release: Release, options: TrainingOptions
) -> Iterator[tuple[dict[str, Any], texts.Offer, int, int]]:
    scope = training_scope(release, options)
    if not release.has("responses"):
        raise fail(
            "no-respondents",
            "sft and preference are made of single answers, and the release holds none",
            where=release.source,
            hint="Build a release from survey files, or train on shares: --form soft",
        )
    chosen = (
        _batches(release, scope, options)
        if options.limit is None
        else _sampled(release, scope, options, options.limit)
    )
    several = len(options.languages)
    for answers in chosen:
        spoken = mixed(answers.key.view(np.int64), _LANGUAGE) % np.uint64(several)
        columns = [column.tolist() for column in answers]
        for country, question, group, code, key, number in zip(
            *columns, spoken.tolist(), strict=True
        ):
            language = options.languages[number]
            offer = texts.offer(language, question, options.labels)
            text = texts.prompt(language, question, country, group, options.labels)
            about = {
                "question_id": question,
                "wave": scope.wave,
                "country": country,
                "group": group,
                "language": language,
                "prompt": [{"role": "user", "content": text}],
            }
            yield about, offer, code, key


def _batches(release: Release, scope: Scope, options: TrainingOptions) -> Iterator[Answers]:
    """Answers of the train split that may be trained on, file by file."""
    dataset = release.dataset("responses", split="train", encoded=("country", "question_id"))
    groups = sorted(scope.groups)
    variables = sorted({name.partition("=")[0] for name in scope.groups | scope.held_groups})
    lacking = [name for name in variables if name not in dataset.schema.names]
    if lacking:
        raise fail(
            "no-demographics",
            "responses of the release do not say which groups respondents belong to",
            where=release.source,
            found=", ".join(lacking),
            hint="Build it without --demographics none, or leave the groups out.",
        )
    where = pc.field("wave") == scope.wave
    columns = ["respondent_id", "country", "question_id", "answer_code", *variables]
    for batch in dataset.to_batches(columns=columns, filter=where, batch_size=_BATCH_ROWS):
        if batch.num_rows:
            yield _answers(batch, scope, groups, options.seed)


def _answers(batch: pa.RecordBatch, scope: Scope, groups: Sequence[str], seed: int) -> Answers:
    country, countries = _encoded(batch.column("country"))
    question, questions = _encoded(batch.column("question_id"))
    code = batch.column("answer_code").to_numpy()
    eligible = np.array([scope.has_country(name) for name in countries])[country]
    eligible &= _offered(questions, scope)[question, code.clip(-1, 127)]
    member = {
        group: pc.fill_null(pc.equal(batch.column(name), category), False).to_numpy(False)
        for group in (*groups, *scope.held_groups)
        for name, _, category in [group.partition("=")]
    }
    for group in scope.held_groups:
        eligible &= ~member[group]
    asked = name_keys(questions)[question]
    key = mixed(batch.column("respondent_id").to_numpy(), asked, seed)
    named = np.array(countries, object)[country], np.array(questions, object)[question]
    drawn = _drawn_groups(groups, member, key)
    return Answers(*named, drawn, code, key).take(eligible)


def _encoded(column: pa.Array) -> tuple[NDArray[np.integer], list[str]]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.indices.to_numpy(), column.dictionary.to_pylist()


def _offered(questions: Sequence[str], scope: Scope) -> NDArray[np.bool_]:
    """Which codes (columns, the last one for -1) of which questions (rows) may be trained on."""
    trainable = np.zeros((len(questions), 129), bool)
    for row, name in enumerate(questions):
        scale = value_questions()[name].scale
        if name in scope.questions and scale is not None:
            trainable[row, list(scale.offered)] = True
    return trainable


def _drawn_groups(
    groups: Sequence[str], member: dict[str, NDArray[np.bool_]], key: NDArray[np.uint64]
) -> NDArray[np.object_]:
    """Everyone, or one of the groups of each row's respondent, all as likely."""
    drawn_groups = np.full(len(key), "", object)
    seen = np.ones(len(key), np.int64)
    draw = uniform(mixed(key.view(np.int64), _GROUP))
    for group in groups:
        # Reservoir sampling: the n-th candidate replaces the one held with chance 1 / n.
        belongs = member[group]
        seen += belongs
        replaced = belongs & (draw * seen < 1)
        drawn_groups[replaced] = group
        draw = uniform(mixed(key.view(np.int64), _GROUP, int(name_keys([group])[0])))
    return drawn_groups


def _sampled(
    release: Release, scope: Scope, options: TrainingOptions, limit: int
) -> Iterator[Answers]:
    """`limit` answers, evenly over countries and questions, in drawn order.

    Two passes over the rows: the first counts strata, the second keeps candidates.
    """
    sizes: Counter[int] = Counter()
    for answers in _batches(release, scope, options):
        strata, counts = np.unique(_strata(answers), return_counts=True)
        sizes.update(dict(zip(strata.tolist(), counts.tolist(), strict=True)))
    if not sizes:
        raise fail("no-rows", "the release has no answers to train on", where=release.source)
    names = np.array(sorted(sizes), np.uint64)
    number = np.array([sizes[name] for name in names.tolist()])
    quota = _quota(number, limit)
    chance = np.minimum(1.0, (quota + 5 * np.sqrt(quota) + 5) / number)
    parts = []
    for answers in _batches(release, scope, options):
        place = np.searchsorted(names, _strata(answers))
        draw = uniform(mixed(answers.key.view(np.int64), _SAMPLE))
        parts.append(answers.take(draw < chance[place]))
    candidates = Answers(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    ranks = mixed(candidates.key.view(np.int64), _SAMPLE)
    yield candidates.take(stratified_order(_strata(candidates), ranks, limit))


def _strata(answers: Answers) -> NDArray[np.uint64]:
    """A number for each row's country and question."""
    keys = []
    for column in (answers.country, answers.question):
        names, place = np.unique(column.astype(str), return_inverse=True)
        keys.append(name_keys(names.tolist())[place])
    return mixed(*keys)


def _quota(sizes: NDArray[np.integer], limit: int) -> int:
    """The least number of rows of each stratum that give `limit` rows together."""
    low, high = 1, int(sizes.max())
    while low < high:
        middle = (low + high) // 2
        if np.minimum(sizes, middle).sum() >= limit:
            high = middle
        else:
            low = middle + 1
    return low
