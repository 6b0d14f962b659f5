"""Texts that stand on the board, in its exports and on the About page."""

from __future__ import annotations

from space.board.version import project_version

TITLE = "Opinion Atlas"
LEAD = "Whose values does a language model reflect?"

#: What scores do not mean: said wherever scores are shown.
LIMITS = (
    "Closeness to a population is neither approval nor quality: a model that mirrors a majority "
    "mirrors its prejudices too.",
    "Models are no substitute for respondents: a high score does not make model answers data "
    "about people.",
    "Nothing may be inferred about any single person from a country, a group or a score.",
    "Country averages hide the people behind them and can stereotype; look at the groups and at "
    "the spread of the answers.",
    "Machine-drafted wording: the project's own questions, in all languages, were drafted by a "
    "machine and reviewed by a second pass; they are not those of the survey's questionnaire.",
    "Intervals count the sampling of questions and people, not the clustering of interviews: "
    "true intervals are somewhat wider.",
    "The survey may be used for non-commercial purposes, with citation.",
)

PUBLISHED_NOTE = (
    "Numbers printed in papers, quoted with their source. They were computed on other people, "
    "questions and rules than the board's rows: never ranked with them."
)

CITATION_NOTE = (
    "Cite the survey, the study whose protocol you use, and the release and scorer version that "
    "stand in every download."
)

METHOD = (
    "Answers stand on the positions of the question's scale; missing is never zero. Shares are "
    "weighted by the survey's design weights, and a country counts by its own people only.",
    "Every score has an interval (a bootstrap over questions and people) and its coverage beside "
    "it. Rows are ranked only among equals; the rank's interval comes from resampling the "
    "questions for all rows at once, and rows that share a tie letter cannot be told apart.",
    "A score depends on how a model was asked. Below a rank stands in how many forms it holds: "
    "in how many comparison groups of the same release, rules and class (other steering, "
    "languages, methods and prompts) the model has the same place among the models ranked in both. "
    "A rank that holds in few of them says more about the form than about the model.",
    "Baselines say what a score would be without any model; they are rows of their own kind. "
    "A model that was trained on the survey says so and is scored on people it has not seen.",
)

#: The four studies whose protocols are followed.
PAPERS = (
    "Zhao, Mondal, Tandon, Dillion, Gray & Gu (2024): WorldValuesBench: A Large-Scale Benchmark "
    "Dataset for Multi-Cultural Value Awareness of Language Models. LREC-COLING. Protocol "
    "worldvaluesbench.",
    "Liu, Kaneko & Chu: On the Alignment of Large Language Models with Global Human Opinion. "
    "Protocol alignment; the published answers on this board are theirs.",
    "Kim & Baek (2024): Exploring Large Language Models on Cross-Cultural Values in Connection "
    "with Training Methodology. Protocol judgments.",
    "Kharchenko, Roosta, Chadha & Shah (2024): How Well Do LLMs Represent Values Across Cultures? "
    "Empirical Analysis of LLM Responses Based on Hofstede Cultural Dimensions. Protocol advice.",
)

SOFTWARE = f"{TITLE}, version {project_version()}, with the release and scorer version used."

#: The API page (HTML).
API_GUIDE = """
<h1>For programs</h1>
<p>Everything on these pages can be read by a program. Plain addresses:</p>
<ul>
<li><a href="board.json"><code>board.json</code></a>: all rows with all scores and parts</li>
<li><a href="static-board/"><code>static-board/</code></a>: the board as plain pages</li>
<li><a href="data/country/JPN.csv"><code>data/country/JPN.csv</code></a>,
<a href="data/question/Q164.csv"><code>data/question/Q164.csv</code></a>: answers of a
country's people, and of everybody to a question</li>
<li><code>download/board.csv?QUERY</code>, <code>.json</code>, <code>.parquet</code>: what a
permalink shows</li>
<li><code>download/report/ROW.json</code>: a row's whole report</li>
<li><a href="healthz"><code>healthz</code></a>: versions, number of rows, time of the last
update</li>
</ul>
<p>Named endpoints for <code>gradio_client</code>:</p>
<pre><code>from gradio_client import Client

client = Client("ADDRESS OF THIS PAGE")
client.predict(query="method=verbalized&amp;sort=-coverage", api_name="/board")
client.predict(row="world-average", api_name="/model")
client.predict(question="Q1", country="DEU", wave=7, api_name="/question")
client.predict(row="world-average", question="Q1", country="DEU", api_name="/score")
</code></pre>
<p><code>board</code> takes the query string of a permalink and gives one page of rows (100).
<code>model</code> gives a row's report without its single answers, <code>score</code> one of
those, <code>question</code> what people answered and which rows come closest.</p>
<p>Uploads work the same way:</p>
<pre><code>from gradio_client import handle_file

file = handle_file("answers.jsonl")
client.predict(file=file, sidecar=None, stated={}, api_name="/dry_run")
sent = client.predict(
    file=file, sidecar=None, stated={"name": "My model", "link": "https://..."},
    contact="", accepts_licence=True, api_name="/submit",
)
client.predict(submission=sent["id"], api_name="/status")
client.predict(submission=sent["id"], code=sent["code"], why="a mistake", api_name="/withdraw")
</code></pre>
<p>Each answers with <code>ok</code>; where it is false, <code>problems</code> lists everything
that is wrong. <code>code</code> is given once. Fields of <code>stated</code> are those of a
predictions file's metadata; <code>parameters</code> and <code>training_tokens</code> are in
billions.</p>
"""

#: Top of the Submit page (HTML).
SUBMIT_GUIDE = """
<h1>Submit</h1>
<p>Drop a predictions file: it is read and scored against people in seconds. <b>Check</b> shows
everything that is wrong with it by row, or the whole report, and stores nothing. <b>Submit</b> puts
it on the board: as <b>uploaded</b>, scored here from your predictions; or, if you drop a report
made elsewhere, as <b>self-reported</b>. The two are ranked apart from each other and from rows that
a maintainer has verified.</p>
"""

RATINGS_HERE = (
    "<p>Ratings of single persons are compared with a table of a private release's probe in which "
    "every count of people is rounded to the nearest 5. They must answer at least 90 % of the "
    "probe; questions of which they answer less, or that fewer than 30 people answered, are not "
    "scored. On a public board this needs a login, and attempts are limited.</p>"
)

RATINGS_LOCAL = (
    "<p>Ratings of single persons need a release with single persons, which this board does not "
    "hold. Score them on your own machine, then drop the report:</p>"
    "<pre><code>opinion-atlas build WVS_FILE --out RELEASE\n"
    "opinion-atlas score PREDICTIONS --release RELEASE --out report.json</code></pre>"
)

SUBMIT_LICENCE = (
    "I may publish these files, and they may be shown and shared with the board under CC BY 4.0"
)
