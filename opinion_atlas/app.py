"""The command `opinion-atlas`: a table of sub-commands that are imported when they are used."""

from __future__ import annotations

import sys
from typing import Any

from cyclopts import App, Group, Parameter

from contracts.command_line import shown_default
from opinion_atlas.version import __version__

RELEASES = Group("Releases", sort_key=1)
MODELS = Group("Asking models", sort_key=2)
SCORES = Group("Scores", sort_key=3)
BOARD = Group("Board", sort_key=4)

#: Sub-command -> (import string, group, one line of help). The help stands here, so that
#: `opinion-atlas --help` imports no package of ours, nor numpy.
COMMANDS: dict[str, tuple[str, Group, str]] = {
    "build": (
        "dataset_builder.cli:build",
        RELEASES,
        "Turn survey files into a release.",
    ),
    "verify": (
        "dataset_builder.cli:verify",
        RELEASES,
        "Check every invariant of a release.",
    ),
    "synthesize": (
        "dataset_builder.cli:synthesize",
        RELEASES,
        "Write a made-up survey file with real marginals, to try everything without real data.",
    ),
    "publish": (
        "dataset_builder.cli:publish",
        RELEASES,
        "Publish a release to the Hugging Face Hub, private by default.",
    ),
    "training-data": (
        "dataset_builder.training.cli:training_data",
        RELEASES,
        "Write prompts with answers or answer shares into a release, to train on.",
    ),
    "elicit": (
        "elicitation.commands.cli:elicit",
        MODELS,
        "Ask a model the survey's questions; resumable.",
    ),
    "read": (
        "elicitation.commands.cli:read",
        MODELS,
        "Read a run's stored replies into predictions, or a file of answers from outside.",
    ),
    "export": (
        "elicitation.interop.cli:export",
        MODELS,
        "Write a task for lm-evaluation-harness or inspect_ai.",
    ),
    "import": (
        "elicitation.interop.cli:import_log",
        MODELS,
        "Turn logs of other harnesses into a predictions file.",
    ),
    "translate": (
        "elicitation.commands.cli:translate",
        MODELS,
        "Translate the dilemmas by a chat model, checked on the way back.",
    ),
    "wording": (
        "elicitation.commands.cli:wording",
        MODELS,
        "Check, export or import the wording of a language.",
    ),
    "baselines": (
        "scoring.cli:baselines",
        SCORES,
        "Write predictions files of reference points: uniform, majority, world average, ...",
    ),
    "score": (
        "scoring.cli:score",
        SCORES,
        "Score a predictions file against a release.",
    ),
    "compare": (
        "scoring.cli:compare",
        SCORES,
        "Compare two reports question by question.",
    ),
    "map": (
        "scoring.map_command:draw_map",
        SCORES,
        "Place countries and models on maps of opinion.",
    ),
    "report": (
        "scoring.cli:report",
        SCORES,
        "Show a report as a page, or the difference of two.",
    ),
    "board": (
        "space.cli:board",
        BOARD,
        "Export the board as a static site.",
    ),
    "rescore": (
        "space.cli:rescore",
        BOARD,
        "Re-score all stored predictions of a board.",
    ),
    "mcp": (
        "space.cli:mcp",
        BOARD,
        "Serve the board to agents by the Model Context Protocol.",
    ),
    "space": (
        "space.cli:space_app",
        BOARD,
        "Serve the board on a local port; `space admin` looks after its submissions.",
    ),
}

FIRST_STEP = "Start with: opinion-atlas baselines --release reference --out baselines"


def make_app(arguments: list[str]) -> App:
    """The command table for one command line.

    The command that is called shows its own help, the docstring of its function; the others show
    the line of the table, so that they need not be imported.
    """
    called = next((argument for argument in arguments if not argument.startswith("-")), "")
    app = App(
        name="opinion-atlas",
        help="Whose values does a language model reflect? Releases of the World Values Survey, "
        "questions to models, scores, and a board.",
        version=__version__,
        help_epilogue="" if called else FIRST_STEP,
        default_parameter=Parameter(show_default=shown_default),
    )
    for name, (target, group, line) in COMMANDS.items():
        own = {} if name == called else {"help": line}
        app.command(target, name=name, group=group, **own)
    return app


def _report_contract_error(error: Exception, arguments: list[str]) -> None:
    """Print a broken contract for a person, or as JSON where `--json` was asked for."""
    if "--json" in arguments:
        import json

        print(json.dumps(error.to_json(), ensure_ascii=False, indent=1))  # type: ignore[attr-defined]
    else:
        print(f"error: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> Any:
    """Run one command line; exit code 2 for bad input, 130 for Ctrl-C."""
    from contracts.errors import ContractError

    given = sys.argv[1:] if arguments is None else arguments
    try:
        return make_app(given)(given)
    except ContractError as error:
        _report_contract_error(error, given)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
