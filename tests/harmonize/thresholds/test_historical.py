import numpy as np
import pytest

from harmonize.adequacy.tail import tail_mean
from harmonize.core.schedule import Unknown
from harmonize.thresholds.anti_procyclicality import stressed_value
from harmonize.thresholds.ewma import filtered_paths
from harmonize.thresholds.garch import garch_blocks
from harmonize.thresholds.garch_paths import garch_paths
from harmonize.thresholds.historical import historical_paths
from harmonize.thresholds.implied import implied_paths
from harmonize.thresholds.path import Model, four_digits
from harmonize.thresholds.windows import trailing_tails
from tests.harmonize.thresholds.samples import history, of

TEN_RETURNS = [0.03, -0.01, 0.04, 0.01, -0.05, 0.09, 0.02, -0.06, 0.05, 0.035]


def test_ten_returns_by_hand() -> None:
    """Losses rise −9 −5 −4 −3.5 −3 −2 −1 1 5 6 %: at 80 %, 1 + 0.2·(5 − 1) % and (6 + 5) / 2 %."""
    losses = -np.array(TEN_RETURNS)[:, None]
    var, es = trailing_tails(losses, 10, (0.8, 0.75), least=10)
    assert var[0, 10, 0] == pytest.approx(0.018)
    assert es[:, 10, 0] == pytest.approx([0.055, 0.046])
    assert np.isnan(var[:, :10]).all()


@pytest.mark.parametrize("longest", [365, 500, 1095])
@pytest.mark.parametrize("rows", [365, 366, 500, 700, 1200])
def test_every_row_is_the_quantile_of_the_returns_before_it(longest: int, rows: int) -> None:
    losses = np.random.default_rng(rows).standard_t(3, size=(rows, 2))
    levels = (0.99, 0.975, 0.995, 0.9)
    var, es = trailing_tails(losses, longest, levels)
    assert var.shape == (4, rows + 1, 2)
    assert np.isnan(var[:, :365]).all()
    for row in (*range(365, rows + 1, 61), rows):
        window = losses[max(0, row - longest) : row]
        for index, level in enumerate(levels):
            expected = np.quantile(window, level, axis=0)
            np.testing.assert_allclose(var[index, row], expected, rtol=1e-12)
            means = [tail_mean(np.sort(column)[::-1], level) for column in window.T]
            np.testing.assert_allclose(es[index, row], means, rtol=1e-12)


def test_a_level_near_the_middle_needs_more_losses_than_the_first_window_has() -> None:
    losses = np.random.default_rng(2).standard_normal((900, 1))
    var, _ = trailing_tails(losses, 1095, (0.5,))
    assert var[0, 365, 0] == pytest.approx(float(np.median(losses[:365])))
    assert var[0, 900, 0] == pytest.approx(float(np.median(losses)))


def test_a_level_beyond_the_returns_gives_no_number() -> None:
    own = history(1200)
    reason = Unknown("windows of 365 returns, 1,000 are required at 0.999")
    assert historical_paths([own], Model.HISTORICAL_365, (0.99, 0.999))["BTC"] == reason
    paths = historical_paths([own], Model.HISTORICAL_1095, (0.99, 0.999))["BTC"]
    assert not isinstance(paths, Unknown)
    assert [int(np.isfinite(path.margin).argmax()) for path in paths] == [365, 1000]
    assert np.isnan(stressed_value(own, 0.999)).all()
    rare = Unknown("windows of 1,095 returns, 10,000 are required at 0.9999")
    assert historical_paths([own], Model.HISTORICAL_1095, (0.9999,))["BTC"] == rare
    assert filtered_paths(own, Model.FILTERED_94, (0.9999,)) == rare
    volatility = np.full(1201, 50.0)
    assert implied_paths(own, own.threshold_days - 1, volatility, (0.9999,)) == rare
    blocks = garch_blocks(history(420))
    assert not isinstance(blocks, Unknown)
    fitted = garch_paths(history(420), blocks, (0.999,))
    assert not isinstance(fitted, Unknown)
    assert np.isnan(fitted[0].margin).all()


def test_assets_of_several_lengths_are_calculated_at_once_and_equal_those_alone() -> None:
    many = [
        history(400, 1, "BTC"),
        history(900, 2, "ETH"),
        history(364, 3, "NEW"),
        of(np.ones(400), "USD"),
    ]
    together = historical_paths(many, Model.HISTORICAL_1095, (0.99,))
    assert together["NEW"] == Unknown("364 returns, 365 are required")
    assert together["USD"] == Unknown("all 400 returns are 1")
    for own in many[:2]:
        paths, alone = together[own.asset], historical_paths([own], Model.HISTORICAL_1095, (0.99,))
        single = alone[own.asset]
        assert not isinstance(paths, Unknown)
        assert not isinstance(single, Unknown)
        np.testing.assert_array_equal(paths[0].long.var, single[0].long.var)
        np.testing.assert_array_equal(paths[0].short.es, single[0].short.es)
        assert paths[0].long.var[-1] == pytest.approx(np.quantile(-own.returns, 0.99), rel=1e-12)
        assert paths[0].short.var[-1] == pytest.approx(np.quantile(own.returns, 0.99), rel=1e-12)
        assert paths[0].days[-1] == own.days[-1] + 1


def test_the_margin_of_a_path_covers_both_sides() -> None:
    paths = historical_paths([history(500)], Model.HISTORICAL_365, (0.99, 0.995))["BTC"]
    assert not isinstance(paths, Unknown)
    assert [path.level for path in paths] == [0.99, 0.995]
    margin = paths[0].margin[365:]
    assert np.all(margin >= paths[0].long.var[365:])
    assert np.all(margin >= paths[0].short.var[365:])
    assert np.isnan(paths[0].margin[:365]).all()


def test_figures_keep_four_significant_digits() -> None:
    values = np.array([[0.123456, 12.34567], [np.nan, -0.000123456], [0.0, np.inf]])
    np.testing.assert_array_equal(
        four_digits(values), [[0.1235, 12.35], [np.nan, -0.0001235], [0.0, np.inf]]
    )
