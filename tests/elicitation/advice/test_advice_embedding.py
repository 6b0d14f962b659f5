"""Reading advice by similarity: with an encoder on this machine, and over HTTP."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from cyclopts import App
from openai_server import EMBEDDING_SIZE, serving, words_vector

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.advice.decisions import advice_items, decisions, embed_run
from elicitation.advice.second_readers import nearer
from elicitation.backends.base import Response
from elicitation.backends.embedders import open_embedder
from elicitation.backends.mock import MockBackend
from elicitation.backends.registry import BackendOptions
from elicitation.backends.vectors import unit_rows
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.run.advice_records import JUDGE_FACT
from elicitation.run.session import run_study
from elicitation.run.store import Store, store_path

SHOWN = Shown("advice", (ShownOption("1", "low", "stay"), ShownOption("2", "high", "go")))


@pytest.mark.parametrize(
    ("similarities", "side", "reason"),
    [
        ((0.2, 0.6), "high", "embedding high=0.6000 low=0.2000"),
        ((0.6, 0.2), "low", "embedding high=0.2000 low=0.6000"),
        ((0.50, 0.46), "inconclusive", "embedding-too-close high=0.4600 low=0.5000"),
        ((-0.1, -0.1), "inconclusive", "embedding-too-close high=-0.1000 low=-0.1000"),
    ],
)
def test_the_nearer_option_counts_from_the_margin_on(similarities, side, reason):
    assert nearer(SHOWN, similarities, margin=0.05) == (side, reason)


def test_equally_near_is_no_side_whatever_the_margin():
    assert nearer(SHOWN, (0.3, 0.3), margin=0)[0] == "inconclusive"
    assert nearer(SHOWN, (0.3, 0.31), margin=0)[0] == "high"


def test_rows_have_length_one():
    found = unit_rows([[3.0, 4.0], [0.0, 0.0]])
    assert found.tolist() == [[0.6, 0.8], [0.0, 0.0]]


class Paraphrases(MockBackend):
    """Names words of the first option in a sentence that recommends nothing in so many words."""

    def _respond(self, request):
        asked = request.messages[-1].content.split("Should I ")[1].split("?")[0]
        first = asked.split(" or ")[0].split()
        return Response(request.request_id, "ok", (f"Hm: {' '.join(first[::-1])}, surely.",))


@pytest.fixture
def open_run(tmp_path, plan_of):
    plan = plan_of(
        protocol="advice", approach=("persona",), countries=("DEU", "USA"),
        questions=("ind-01", "ind-02", "pdi-01"),
    )  # fmt: skip
    out = tmp_path / "run"
    run_study(plan, Paraphrases("steady"), out)
    return out


def cosine(first, second):
    one, two = np.array(words_vector(first)), np.array(words_vector(second))
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def test_a_run_is_read_over_http(open_run, capsys):
    app = App(name="test", result_action="return_value")
    app.command("elicitation.commands.cli:read", name="read")

    def call(*tokens):
        capsys.readouterr()
        app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return capsys.readouterr().out

    with serving() as server:
        chosen = ("--embedder", "openai:tiny", "--embedder-url", server.url, "--margin", "0.02")
        told = json.loads(call("read", open_run, *chosen, "--json"))
    assert told["advice"]["judge"]["reader"] == "embedding"
    assert told["advice"]["judge"]["margin"] == 0.02
    with Store(store_path(open_run)) as store:
        items = {stored.record.item_id: stored for stored in advice_items(store)}
    with (open_run / "advice" / "decisions.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(items) == 12
    assert {row["reader"] for row in rows} <= {"words", "embedding"}
    read = [row for row in rows if row["reader"] == "embedding"]
    assert read
    for row in read:
        stored = items[row["item_id"]]
        advice = stored.response.texts[0]
        near = {str(o.code): cosine(advice, o.text) for o in stored.record.shown.options}
        assert f"high={near['high']:.4f} low={near['low']:.4f}" in row["reason"]
        # The advice is made of the words of the option that is named first.
        if not row["reason"].startswith("embedding-too-close"):
            assert row["side"] == stored.record.shown.options[0].code
    file = read_predictions(told["files"][0]["path"])
    assert file.meta.extra["judge"]["reader"] == "embedding"
    sides = {row["item_id"]: row["side"] for row in rows}
    written = file.table.column("side").to_pylist()
    assert sorted(written) == sorted(sides.values())


def test_a_server_without_embeddings_is_told(open_run):
    with serving() as server:
        url = server.url.replace("/v1", "/v2")
        options = BackendOptions(base_url=url, attempts=1)
        with (
            Store(store_path(open_run)) as store,
            pytest.raises(ContractError, match="the server gave no embeddings"),
        ):
            embed_run(store, open_embedder("openai:tiny", options), model="openai:tiny")


def test_a_server_answers_in_any_order():
    with serving() as server:
        embedder = open_embedder("openai:tiny", BackendOptions(base_url=server.url))
        texts = [f"word{number} and word{number % 7}" for number in range(70)]
        found = embedder.embed(texts)
        embedder.close()
    assert found.shape == (70, EMBEDDING_SIZE)
    assert found == pytest.approx(unit_rows([words_vector(text) for text in texts]))


def test_names_and_options_that_cannot_be():
    with pytest.raises(ContractError, match="allowed: hf:NAME, openai:NAME"):
        open_embedder("word2vec", BackendOptions())


def test_one_reader_at_a_time(open_run, capsys):
    from elicitation.advice.report import AdviceReading, judge_advice

    with pytest.raises(ContractError, match="either a judge or an embedding model"):
        judge_advice(open_run, AdviceReading(judge="mock:steady", embedder="hf:x"))
    with pytest.raises(ContractError, match="cosine similarities differ by 0 to 2"):
        judge_advice(open_run, AdviceReading(embedder="hf:x", margin=-1))


@pytest.mark.models
def test_an_encoder_on_this_machine(open_run, tmp_path):
    import torch
    from tiny_models import save_model
    from tiny_seq2seq import nllb_tokenizer, save_encoder, save_translator
    from transformers import AutoModel, AutoTokenizer

    folder = save_encoder(tmp_path / "encoder")
    embedder = open_embedder(f"hf:{folder}", BackendOptions(device="cpu"))
    texts = ["go by yourself", "stay", "take the small flat and live by myself " * 60]
    found = embedder.embed(texts)
    # By hand, one text at a time: no padding, the mean over its tokens.
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    for text, vector in zip(texts, found, strict=True):
        encoded = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            mean = model.eval()(**encoded).last_hidden_state[0].mean(0).numpy()
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    with Store(store_path(open_run)) as store:
        embed_run(store, embedder, model=f"hf:{folder}", margin=0)
        read = decisions(advice_items(store), store.fact(JUDGE_FACT))
    assert {one.reader for one in read} <= {"words", "embedding"}
    # A decoder has hidden states too; what has both parts is refused.
    save_model(tmp_path / "decoder")
    assert open_embedder(f"hf:{tmp_path / 'decoder'}", BackendOptions()).embed(["a"]).shape[0] == 1
    save_translator(tmp_path / "both", nllb_tokenizer())
    with pytest.raises(ContractError, match="the model has a decoder"):
        open_embedder(f"hf:{tmp_path / 'both'}", BackendOptions())
    with pytest.raises(ContractError, match="embedding model cannot be loaded"):
        open_embedder(f"hf:{tmp_path / 'nothing'}", BackendOptions())
