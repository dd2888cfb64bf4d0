"""Work on underlyings has the same results in this process, in others, and on a Dask cluster."""

import operator
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from typer.testing import CliRunner

from harmonize.api.threshold_work import map_tasks
from harmonize.cli.main import app
from harmonize.core.schedule import Unknown
from harmonize.thresholds.evaluation import AssetScores, PathsTask, paths_of_asset
from harmonize.thresholds.path import Model, PathsByModel
from tests.harmonize.thresholds.samples import history

TASKS = [
    PathsTask(history(450, seed, asset), (0.99,)) for seed, asset in enumerate(("A", "B", "C"))
]


@pytest.fixture(scope="module")
def alone() -> list[PathsByModel]:
    return map_tasks(None, paths_of_asset, TASKS)


def assert_equal(found: list[PathsByModel], expected: list[PathsByModel]) -> None:
    for own, other in zip(found, expected, strict=True):
        assert list(own) == list(other)
        assert all(isinstance(model, Model) for model in own)  # equal texts would pass as well
        for model, paths in own.items():
            others = other[model]
            if isinstance(paths, Unknown) or isinstance(others, Unknown):
                assert paths == others
                continue
            assert paths[0].asset == others[0].asset
            assert paths[0].fallbacks == others[0].fallbacks
            for side in ("long", "short"):
                for column in ("var", "es"):
                    np.testing.assert_array_equal(
                        getattr(getattr(paths[0], side), column),
                        getattr(getattr(others[0], side), column),
                    )


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_processes_give_the_same_results_for_any_number(
    workers: int, alone: list[PathsByModel]
) -> None:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        assert_equal(map_tasks(pool, paths_of_asset, TASKS), alone)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    from distributed import LocalCluster  # noqa: PLC0415 - heavy

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
    ) as found:
        yield found.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_a_stress_is_the_same_on_processes_and_on_a_cluster(cluster: str) -> None:
    def stressed(*options: str) -> str:
        arguments = ["stress", "ETH", "--seeds", "20", "--what-if", "leverage=10"]
        result = CliRunner().invoke(app, [*arguments, "--format", "json", *options])
        assert result.exit_code in {0, 3}
        return result.stdout

    alone = stressed()
    assert stressed("--workers", "2") == alone
    assert stressed("--cluster", cluster) == alone


@pytest.mark.filterwarnings("ignore")
def test_two_workers_of_a_real_scheduler_give_the_same_results(
    cluster: str, alone: list[PathsByModel]
) -> None:
    from distributed import Client  # noqa: PLC0415 - heavy

    with Client(cluster) as client:
        info = client.scheduler_info()
        assert len(info["workers"]) == 2
        assert_equal(map_tasks(client.get_executor(), paths_of_asset, TASKS), alone)


@pytest.mark.parametrize("has_executor", [False, True])
def test_results_are_in_the_order_of_tasks_and_each_is_counted(*, has_executor: bool) -> None:
    finished = []
    pool: Executor = ThreadPoolExecutor(3)
    with pool:
        found = map_tasks(
            pool if has_executor else None,
            operator.neg,
            list(range(20)),
            lambda: finished.append(1),
        )
    assert found == [-n for n in range(20)]
    assert len(finished) == 20


def test_an_error_of_a_task_is_raised() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        map_tasks(pool, lambda n: 1 // n, [1, 0, 2])


def test_scores_can_be_sent_to_another_process() -> None:
    import pickle  # noqa: PLC0415 - what an executor does

    own = AssetScores("A", (), {}, {}, None, None, 0)
    assert pickle.loads(pickle.dumps(own)).asset == "A"  # noqa: S301 - as above
