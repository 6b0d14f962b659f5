"""Planted faults are found, by rules on the texts alone and by the digests of the reviews."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from codebook.wordings.parse import WordingError
from codebook.wordings.wording import languages, wording
from tools import wording_checks
from tools.wording_checks import language_rules, suspicions
from tools.wording_mutation import (
    KINDS,
    Fault,
    judge,
    plant_faults,
    run_trial,
    translated_languages,
    trial_report,
)

ROOT = Path(__file__).parents[2]

EVERY_TRANSLATION = pytest.mark.parametrize("language", translated_languages())


def _rules_that_see(language, **changes):
    """Rules that find a key of the changed texts suspicious."""
    changed = {key.replace("__", ":"): text for key, text in changes.items()}
    texts = {**wording(language).texts(), **changed}
    return {seen.rule for seen in suspicions(texts, language) if seen.key in changed}


@EVERY_TRANSLATION
def test_the_texts_as_they_are_raise_no_alarm(language):
    assert suspicions(wording(language).texts(), language) == []


@EVERY_TRANSLATION
def test_exceptions_are_few_and_each_is_needed(language, monkeypatch):
    accepted = language_rules(language).accepted
    assert len(accepted) <= 3
    bare = {code: replace(language_rules(code), accepted={}) for code in (language, "en")}
    monkeypatch.setattr(wording_checks, "language_rules", bare.__getitem__)
    seen = suspicions(wording(language).texts(), language)
    assert {s.key: s.rule for s in seen} == accepted


@pytest.mark.parametrize("seed", [1, 3])
def test_at_least_36_of_40_planted_faults_are_found(seed):
    trial = run_trial(40, seed=seed)
    assert len(trial.outcomes) == 40
    assert {outcome.fault.language for outcome in trial.outcomes} == set(translated_languages())
    for kind in KINDS:
        assert sum(outcome.fault.kind == kind for outcome in trial.outcomes) in (4, 5)
    assert trial.found_count >= 36, trial_report(trial)
    assert trial.stale_count == 40
    assert trial.false_alarms == ()
    assert trial.is_passed


@EVERY_TRANSLATION
def test_at_least_36_of_40_planted_faults_are_found_in_each_language(language):
    trial = run_trial(40, seed=1, chosen=(language,))
    assert {outcome.fault.language for outcome in trial.outcomes} == {language}
    assert {outcome.fault.kind for outcome in trial.outcomes} == set(KINDS)
    assert trial.found_count >= 36, trial_report(trial)
    assert trial.stale_count == 40
    assert trial.is_passed


@EVERY_TRANSLATION
def test_a_fault_changes_what_its_kind_says_and_nothing_else(language):
    texts = wording(language).texts()
    faults = plant_faults(language, KINDS * 2, rng=Random(5))
    taken = [key for fault in faults for key in fault.texts]
    assert len(taken) == len(set(taken))
    for kind, _, changes in faults:
        prefixes = {key.split(":")[0] for key in changes}
        assert all(texts[key] != text for key, text in changes.items())
        if kind == "direction":
            assert prefixes == {"label"}
            assert sorted(changes.values()) == sorted(texts[key] for key in changes)
            assert len({key.split(":")[1] for key in changes}) == 1
        elif kind == "label":
            (key,) = changes
            others = {t for k, t in texts.items() if k.split(":")[:2] != key.split(":")[:2]}
            assert changes[key] in others
        elif kind == "country":
            (key,) = changes
            assert any(
                name in changes[key] for k, name in texts.items() if k.startswith("country:")
            )
        elif kind == "field":
            assert prefixes == {"template"}


def test_equal_seeds_plant_equal_faults():
    assert plant_faults("es", KINDS, rng=Random(3)) == plant_faults("es", KINDS, rng=Random(3))
    assert plant_faults("es", KINDS, rng=Random(3)) != plant_faults("es", KINDS, rng=Random(4))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"label__income_equality10__1": "Debería haber más igualdad"}, None),
        ({"label__income_equality10__1": "Debería haber mayores diferencias"}, "glossary"),
        ({"label__importance4__4": "Muy importante"}, "twin"),
        ({"label__importance4__1": "Siempre"}, "reused"),
        ({"stem__Q91": "¿Cuál de estos países tiene un puesto permanente?"}, "negation"),
        ({"stem__Q71": "¿Cuánta confianza tiene usted en el gobierno de México?"}, "country"),
        ({"template__persona": "Responda como una persona que vive en {pais}."}, "fields"),
        ({"template__persona": "Responda como {country} en {country}."}, "fields"),
        ({"stem__Q18": "¿A qué personas querría tener como vecinos, a los drogadictos?"}, "frame"),
        ({"stem__Q66": "¿Cuánta confianza tiene usted en la televisión?"}, "twin"),
        ({"stem__Q65": "¿Cuánta confianza tiene usted en las milicias?"}, "item"),
        ({"label__income_equality10__10": "Debería haber más diferencias de ingresos"}, "item"),
        ({"statement__Q127": "La inmigración ofrece a los pobres una vida nueva."}, "item"),
        ({"statement__Q39": "Las personas se vuelven siempre perezosas."}, "strength"),
        ({"stem__Q111": "¿Qué debería tener prioridad?"}, "length"),
        ({"statement__Q39": "Las personas se vuelven perezosas cuando no trabajan"}, "ending"),
    ],
)
def test_each_rule_sees_its_fault(changes, rule):
    seen = _rules_that_see("es", **changes)
    assert rule in seen if rule else seen == set()


def test_other_forms_of_a_name_leak_too():
    stem = {"ru": "Насколько Вы доверяете правительству России?", "de": "Wie gut ist Polens Lage?"}
    for language, text in stem.items():
        assert "country" in _rules_that_see(language, stem__Q71=text)
    humane = "귀하는 인도주의 단체들에 대해 어느 정도의 신뢰를 가지고 계십니까?"
    assert "country" not in _rules_that_see("ko", stem__Q81=humane)


def test_the_report_lists_what_was_missed():
    added = judge(
        Fault(
            "negation",
            "es",
            {"statement:Q38": "Los hijos adultos no tienen el deber de ocuparse de sus padres."},
        )
    )
    assert added.suspicions == ()
    assert added.is_stale
    trial = run_trial(5, seed=1)._replace(outcomes=(added,))
    assert not trial.is_passed
    assert "negation     0 of   1 found" in trial_report(trial)
    assert "missed es negation: {'statement:Q38'" in trial_report(trial)


def test_a_language_without_rules_is_named():
    with pytest.raises(WordingError, match=r"wording_checks_xx\.toml: no such file"):
        language_rules("xx")
    assert {language: language_rules(language) for language in languages()}


def test_the_script_prints_the_counts_and_passes():
    command = [sys.executable, str(ROOT / "scripts" / "wording_faults"), "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "by the digests of the reviews: 40 of 40" in done.stdout
    assert "false alarms on the texts as they are: 0" in done.stdout
