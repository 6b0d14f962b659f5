"""What a large study asks for, and what that takes on hardware whose speed you state.

    python benchmarks/study_cost.py                       # 20 models x 66 countries x 6 conditions
    python benchmarks/study_cost.py --models 3 --gpus 8 --prompt-rate 30000 --reply-rate 4000

Calls are counted, and tokens estimated (`elicit --dry-run` does the same of a study of yours), from
the real prompts. Hours and money follow from speeds and prices that nobody measured here: they are
options, and the table names them as assumed. Processor time of a call is measured: by a run with
a model that answers at once, so it is what planning, reading and storing take.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from elicit_client import SIX, study  # noqa: E402

from contracts.release.read import open_release  # noqa: E402
from elicitation.backends.mock import open_backend  # noqa: E402
from elicitation.backends.registry import BackendOptions  # noqa: E402
from elicitation.prompts.plan import Plan  # noqa: E402
from elicitation.run.estimate import Estimate, estimate  # noqa: E402
from elicitation.run.session import run_study  # noqa: E402

#: Speeds and prices that are assumed where no option states others: of a model of about 8 billion
#: parameters on one GPU, and of a small hosted one. Nobody measured them here.
PROMPT_RATE, REPLY_RATE = 10_000.0, 2_000.0
PRICE_IN, PRICE_OUT = 0.15, 0.60


def gpu_hours(estimate: Estimate, *, prompt_rate: float, reply_rate: float) -> float:
    """Hours of one GPU: prompt tokens over their rate, and tokens of replies over theirs."""
    seconds = estimate.prompt_tokens / prompt_rate + estimate.completion_tokens / reply_rate
    return seconds / 3600


def cpu_of_a_call(*, smoke: bool) -> float:
    """Processor seconds of a call apart from the model's own: plan, read, store, predictions."""
    questions = ("Q1", "Q2") if smoke else ("Q1", "Q2", "Q46", "Q57", "Q106", "Q164", "Q199")
    plan = Plan(study(questions=questions, allow_unscored=True), open_release("reference"))
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        run_study(plan, open_backend("steady", BackendOptions()), Path(folder) / "run")
        return (time.process_time() - started) / len(plan)


def rows_of(given: argparse.Namespace) -> list[tuple[str, float, str]]:
    """Measure, number, and where it comes from."""
    vary = SIX[:1] if given.smoke else SIX
    asked = study(vary=vary, allow_unscored=True)
    one = estimate(Plan(asked, open_release("reference")), concurrency=given.concurrency)
    hours = gpu_hours(one, prompt_rate=given.prompt_rate, reply_rate=given.reply_rate)
    money = (one.prompt_tokens * given.price_in + one.completion_tokens * given.price_out) / 1e6
    cpu = cpu_of_a_call(smoke=given.smoke)
    models, calls = given.models, one.calls
    rates = f"assumed: {given.prompt_rate:g} prompt and {given.reply_rate:g} reply tokens/s a GPU"
    prices = f"assumed: {given.price_in:g} and {given.price_out:g} a million tokens"
    assert one.seconds is not None
    return [
        ("calls of one model", calls, "counted"),
        ("prompt tokens of one model, million", one.prompt_tokens / 1e6, "estimated from prompts"),
        ("reply tokens of one model, million", one.completion_tokens / 1e6, "estimated"),
        ("processor time of a call apart from the model, ms", 1000 * cpu, "measured"),
        (f"calls of {models} models", models * calls, "counted"),
        (f"processor hours of {models} models apart from them", models * calls * cpu / 3600,
         "measured x calls"),
        (f"hours of {models} models on one GPU", models * hours, rates),
        (f"hours of {models} models on {given.gpus} GPUs", models * hours / given.gpus,
         f"{rates}; no loss between GPUs"),
        (f"hours of {models} hosted models, one after the other", models * one.seconds / 3600,
         f"assumed: 0.6 s a call and 0.02 s a reply token, {given.concurrency} at once"),
        (f"price of {models} hosted models", models * money, prices),
    ]  # fmt: skip


def main() -> int:
    """Count, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=16, help="hosted calls at once")
    parser.add_argument("--prompt-rate", type=float, default=PROMPT_RATE, help="tokens/s a GPU")
    parser.add_argument("--reply-rate", type=float, default=REPLY_RATE, help="tokens/s a GPU")
    parser.add_argument("--price-in", type=float, default=PRICE_IN, help="of a million tokens")
    parser.add_argument("--price-out", type=float, default=PRICE_OUT, help="of a million tokens")
    parser.add_argument("--smoke", action="store_true", help="one condition and few calls")
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    given = parser.parse_args()
    rows = rows_of(given)
    for what, number, source in rows:
        print(f"{what}: {number:,.4g} ({source})")
    if given.json:
        given.json.write_text(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
