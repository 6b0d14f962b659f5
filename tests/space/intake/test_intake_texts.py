"""Texts from strangers: names, links, file names, nested JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.predictions.meta import REQUIRED_FOR_BOARD, PredictionsMeta
from space.board.untrusted_text import is_seen, link_problems, name_problems, safe_file_name, seen
from space.intake.limits import Limits
from space.intake.texts import lacking, meta_problems, plain_problems


@pytest.mark.parametrize("name", ["Heron 8B (chat)", "meta-llama/Llama-3.1", "Ünïted 日本", "a's"])
def test_plain_names_pass(name: str) -> None:
    assert name_problems("name", name) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("<b>x</b>", "'<'"),
        ("[x](y)", "'['"),
        ("`x`", "'`'"),
        ("=1+1", "'='"),
        ("+1", "'+'"),
        ("@SUM(A1)", "'@'"),
        ("a\u202eb", r"'\u202e'"),
        ("a\u200bb", r"'\u200b'"),
        ("a\x00b", r"'\x00'"),
        ("a\nb", r"'\n'"),
        ("../../etc", "'..'"),
        ("JavaScript:alert(1)", "'JavaScript:'"),
    ],
)
def test_names_that_may_not_stand_on_a_page(name: str, found: str) -> None:
    (problem,) = name_problems("model", name)
    assert (problem.code, problem.column) == ("unsafe-text", "model")
    assert found in problem.found


def test_a_long_name_says_how_long_it_is() -> None:
    (problem,) = name_problems("name", "x" * 81)
    assert (problem.found, problem.allowed) == ("81 characters", "at most 80")


@pytest.mark.parametrize(
    "link", ["", "https://huggingface.co/ORG/NAME", "https://arxiv.org/abs/2401.1?x=1&y=%20#a"]
)
def test_https_links_pass(link: str) -> None:
    assert link_problems("link", link) == []


@pytest.mark.parametrize(
    "link",
    [
        "http://example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "https://user:word@example.org",
        'https://example.org/"onclick="x',
        "https://example.org/ b",
        "https://example.org/\u202e",
        "https://localhost",
        "https://[::1",
        "https://example.org/" + "x" * 300,
    ],
)
def test_other_links_are_refused(link: str) -> None:
    assert [problem.code for problem in link_problems("link", link)] == ["unsafe-link"]


@given(st.text(max_size=200))
def test_what_is_shown_has_no_hidden_characters(text: str) -> None:
    shown = seen(text, longest=50)
    assert is_seen(shown)
    assert len(shown) <= 50
    assert "\n" not in shown


@given(st.text(max_size=300))
def test_file_names_are_plain(name: str) -> None:
    safe = safe_file_name(name)
    assert safe
    assert len(safe) <= 100
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not safe.startswith(".")
    assert ".." not in safe.split(".")[0]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/pass wd.csv", "pass-wd.csv"),
        ("日本.parquet", "upload.parquet"),
        ("C:\\x\\answers.jsonl", "answers.jsonl"),
        ("a.meta.json", "a.meta.json"),
        ("", "upload"),
    ],
)
def test_file_names_keep_stem_and_ending(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def nested(depth: int) -> object:
    found: object = 1
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (nested(40), "too-deep"),
        (nested(50_000), "too-deep"),
        ({"a": "x" * 10_001}, "long-text"),
        ({"a\u202e": 1}, "unsafe-text"),
        ([{"a": "\x07"}], "unsafe-text"),
        ({"a": 2**53 + 1}, "large-number"),
        ({"a": float("inf")}, "non-finite"),
    ],
)
def test_what_json_may_not_hold(item: object, code: str) -> None:
    assert [p.code for p in plain_problems(item, where="x", limits=Limits())] == [code]


def test_plain_json_passes() -> None:
    item = {"a": [1, 2.5, None, True, "tab\tand\nline"], "b": nested(30), "c": 2**53}
    assert plain_problems(item, where="x", limits=Limits()) == []


def test_a_baseline_cannot_be_uploaded() -> None:
    for field in ("baseline", "uses_survey"):
        meta = PredictionsMeta.model_validate({field: True})
        assert [p.code for p in meta_problems(meta, where="x", limits=Limits())] == ["baseline"]


def test_what_a_board_needs_of_metadata() -> None:
    assert lacking(PredictionsMeta()) == REQUIRED_FOR_BOARD
    whole = {
        "model": "a/b",
        "method": "verbalized",
        "steering": "none",
        "language": "en",
        "prompt_version": "1",
        "wording_digest": "abc",
        "release": "reference",
        "trained_on_wvs": False,
    }
    assert lacking(PredictionsMeta.model_validate(whole)) == ()
    assert lacking(PredictionsMeta.model_validate({**whole, "release": ""})) == ("release",)
    assert lacking(PredictionsMeta.model_validate({**whole, "model": "unknown"})) == ("model",)
