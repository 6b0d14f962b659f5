"""`--engine ray`: a local model on every worker of a Ray cluster, fed by Ray Data.

Calls go out in batches and come back to this process, which alone writes the store. Ray restarts
a worker that died and gives it its batch again; a batch's answers arrive whole or not at
all. `RAY_ADDRESS` names a running cluster; without it a cluster of this machine is started.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np

from contracts.errors import fail
from elicitation.backends.base import (
    Backend,
    Capabilities,
    Message,
    OnResponse,
    Request,
    Response,
    Sampling,
    response_from_json,
    response_json,
)
from elicitation.backends.registry import BackendOptions, split_model

#: Calls of a batch: one worker's unit of work, and what is computed again when it dies.
BATCH_CALLS = 128

#: Calls that are sent to the cluster at once; workers are started once for each such lot.
LOT_CALLS = 50_000

#: Times that a cluster of this machine is started before that is given up.
STARTS = 3


@dataclass(frozen=True)
class RayOptions:
    """How a cluster is used.

    Attributes:
        workers: models at work at once; None takes one for each GPU of the cluster, or one
            for each machine where there are none.
        gpus_per_worker, cpus_per_worker: what each takes; a model that is spread over several
            GPUs (`device_map`) needs as many.
        batch_calls: see `BATCH_CALLS`.
        lot_calls: see `LOT_CALLS`.
    """

    workers: int | None = None
    gpus_per_worker: float | None = None
    cpus_per_worker: float = 1
    batch_calls: int = BATCH_CALLS
    lot_calls: int = LOT_CALLS


def open_backend(model: str, options: BackendOptions | None = None) -> RayBackend:
    """A local model on a cluster.

    Args:
        model: `hf:NAME`; every machine must find the model under this name.
        options: as for the model itself; `extra["ray"]` may hold the fields of `RayOptions`.

    Raises:
        ContractError: Ray is not installed, the cluster cannot be reached, the model is not a
            local one, or it cannot be loaded there.
    """
    if split_model(model)[0] != "hf":
        raise fail(
            "engine-model",
            "the engine ray runs local models; a server's calls are concurrent already",
            column="--engine",
            found=model,
            allowed="hf:NAME",
            hint="Leave --engine out and raise --concurrency.",
        )
    given = options or BackendOptions()
    extra = dict(given.extra)
    ray_options = RayOptions(**extra.pop("ray", {}))
    return RayBackend(model, replace(given, extra=extra), ray_options)


class RayBackend:
    """A backend whose calls are answered by workers of a cluster.

    Args:
        model: name of the model.
        options: options of its backend.
        how: how the cluster is used.
        opener: import string of the function that opens the backend on a worker.
    """

    def __init__(
        self,
        model: str,
        options: BackendOptions,
        how: RayOptions | None = None,
        *,
        opener: str = "elicitation.backends.registry:open_backend",
    ) -> None:
        self._how = how or RayOptions()
        self._arguments = {"opener": opener, "model": model, "options": options_text(options)}
        self._ray, self._started = _connected()
        self._gpus = float(self._ray.cluster_resources().get("GPU", 0))
        self._about = self._ask_about()

    def describe(self) -> dict[str, Any]:
        """What the model's own backend says: where it ran does not decide the answer."""
        return dict(self._about["describe"])

    def scoring(self) -> dict[str, Any]:
        """What the model's own backend says."""
        return dict(self._about["scoring"])

    def environment(self) -> dict[str, Any]:
        """What the model's own backend says, and the cluster."""
        cluster = {
            "ray": self._ray.__version__,
            "nodes": len([n for n in self._ray.nodes() if n["Alive"]]),
            "workers": self._workers,
        }
        return {**self._about["environment"], "cluster": cluster}

    def capabilities(self) -> Capabilities:
        """What the model can do."""
        fields = dict(self._about["capabilities"])
        return Capabilities(**{**fields, "notes": tuple(fields["notes"])})

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, a lot at a time."""
        source = iter(requests)
        while lot := list(islice(source, self._how.lot_calls)):
            waiting = dict(enumerate(lot))
            for number, response in self._answers(lot):
                on_response(waiting.pop(number), response)
            if waiting:
                raise RuntimeError(f"the cluster gave no answer to {len(waiting)} calls")

    def close(self) -> None:
        """Stop the cluster, if it was started here."""
        if self._started and self._ray.is_initialized():
            self._ray.shutdown()
        self._started = False

    @property
    def _workers(self) -> int:
        if self._how.workers is not None:
            return self._how.workers
        if self._gpus_per_worker:
            return max(1, int(self._gpus / self._gpus_per_worker))
        return max(1, len([node for node in self._ray.nodes() if node["Alive"]]))

    @property
    def _gpus_per_worker(self) -> float:
        if self._how.gpus_per_worker is not None:
            return self._how.gpus_per_worker
        return 1.0 if self._gpus else 0.0

    def _resources(self) -> dict[str, float]:
        return {"num_cpus": self._how.cpus_per_worker, "num_gpus": self._gpus_per_worker}

    def _ask_about(self) -> dict[str, Any]:
        task = self._ray.remote(**self._resources(), max_retries=0)(about)
        try:
            facts: dict[str, Any] = self._ray.get(task.remote(**self._arguments))
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else error
            raise cause from None
        return facts

    def _answers(self, lot: list[Request]) -> Iterator[tuple[int, Any]]:
        rows = [
            {"number": number, "request": request_text(request)}
            for number, request in enumerate(lot)
        ]
        blocks = -(-len(rows) // self._how.batch_calls)
        answers = self._ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            Worker,
            fn_constructor_kwargs=self._arguments,
            batch_size=self._how.batch_calls,
            batch_format="numpy",
            compute=self._ray.data.ActorPoolStrategy(size=min(self._workers, blocks)),
            max_restarts=-1,
            max_task_retries=-1,
            **self._resources(),
        )
        for row in answers.iter_rows():
            yield int(row["number"]), response_of(str(row["response"]))


def _connected() -> tuple[Any, bool]:
    """Ray, and whether this call started a cluster."""
    try:
        import ray
        import ray.data
        import ray.exceptions
    except ImportError:
        raise fail(
            "no-ray",
            "the engine ray needs Ray",
            column="--engine",
            hint="Install it with: pip install 'opinion-atlas[ray]'",
        ) from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    if ray.is_initialized():
        return ray, False
    address = os.environ.get("RAY_ADDRESS") or "local"
    error = _start(ray, address)
    for _ in range(STARTS - 1 if address == "local" else 0):
        if error is None:
            break
        ray.shutdown()
        error = _start(ray, address)
    if error is not None:
        raise fail(
            "no-cluster",
            "the Ray cluster cannot be reached",
            found=(str(error).splitlines() or [type(error).__name__])[0][:200],
            hint="RAY_ADDRESS names it, RAY_AUTH_TOKEN lets in; without an address a cluster of "
            "this machine is started.",
        )
    return ray, True


def _start(ray: Any, address: str) -> Exception | None:
    try:
        ray.init(
            address=address, include_dashboard=False, log_to_driver=False, logging_level="warning"
        )
    except Exception as error:
        # Ray raises bare exceptions here, for instance when a busy machine starts it too slowly.
        return error
    return None


def request_text(request: Request) -> str:
    """A request, whole, as JSON."""
    return json.dumps(asdict(request), ensure_ascii=True)


def request_of(text: str) -> Request:
    """The inverse of `request_text`."""
    fields: dict[str, Any] = json.loads(text)
    sampling = fields["sampling"]
    fields["sampling"] = Sampling(**{**sampling, "stop": tuple(sampling["stop"])})
    fields["messages"] = tuple(Message(*message) for message in fields["messages"])
    fields["options"] = tuple(fields["options"])
    return Request(**fields)


def response_text(response: Response) -> str:
    """A response as JSON."""
    return json.dumps(response_json(response), ensure_ascii=True)


def response_of(text: str) -> Response:
    """The inverse of `response_text`."""
    return response_from_json(json.loads(text))


def options_text(options: BackendOptions) -> str:
    """Options of a backend as JSON."""
    return json.dumps(asdict(options))


def options_of(text: str) -> BackendOptions:
    """The inverse of `options_text`."""
    given: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return BackendOptions(**(given | lists))


Opener = Callable[[str, BackendOptions], Backend]


def opener_of(name: str) -> Opener:
    """The function that an import string such as `module:function` names."""
    module, _, function = name.partition(":")
    opener: Opener = getattr(import_module(module), function)
    return opener


class Worker:
    """Opens its backend when it is started; a worker that is restarted opens it again.

    Args:
        opener: import string of the function that opens the backend.
        model: name of the model.
        options: options of the backend, as JSON.
    """

    def __init__(self, opener: str, model: str, options: str) -> None:
        self._backend = opener_of(opener)(model, options_of(options))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Answer a batch: columns `number` and `request` to `number` and `response`.

        A batch is handed over whole or not at all, so one that is begun again after a worker
        died gives no answer twice.
        """
        numbers: dict[str, int] = {}
        requests = []
        for number, text in zip(batch["number"], batch["request"], strict=True):
            request = request_of(str(text))
            numbers[request.request_id] = int(number)
            requests.append(request)
        texts_by_number: dict[int, str] = {}

        def keep(request: Request, response: Response) -> None:
            texts_by_number[numbers[request.request_id]] = response_text(response)

        try:
            self._backend.run(requests, on_response=keep)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"[:500]
            for request in requests:
                failed = Response(request.request_id, "error", error=message)
                texts_by_number.setdefault(numbers[request.request_id], response_text(failed))
        return {
            "number": np.array(list(texts_by_number), dtype=np.int64),
            "response": np.array(list(texts_by_number.values()), dtype=object),
        }


def about(opener: str, model: str, options: str) -> dict[str, Any]:
    """What a backend says of itself, opened once on a worker."""
    from dataclasses import asdict

    backend = opener_of(opener)(model, options_of(options))
    try:
        return {
            "describe": backend.describe(),
            "scoring": backend.scoring(),
            "environment": backend.environment(),
            "capabilities": asdict(backend.capabilities()),
        }
    finally:
        backend.close()
