import warnings
from dataclasses import replace

import numpy as np
import pytest
from arch import arch_model

from harmonize.core.schedule import Unknown
from harmonize.thresholds.garch import (
    GarchFit,
    backcast,
    checked_fit,
    ewma_log_likelihood,
    fit_garch,
    garch_blocks,
    garch_variance,
    student_log_likelihood,
)
from tests.harmonize.thresholds.samples import garch_returns, history, of


def fitted(returns: np.ndarray) -> GarchFit:
    fit = fit_garch(returns)
    assert isinstance(fit, GarchFit)
    return fit


def test_known_parameters_are_found_again() -> None:
    fit = fitted(garch_returns(20_000, 5))
    assert (fit.alpha, fit.beta) == pytest.approx((0.08, 0.88), abs=0.02)
    assert fit.degrees == pytest.approx(5, abs=0.5)
    assert fit.omega == pytest.approx(0.64, abs=0.2)


def test_the_filter_equals_arch_and_a_loop() -> None:
    percent = 100 * garch_returns(800, 2)
    model = arch_model(percent, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    result = model.fit(disp="off", show_warning=False)
    mean, omega, alpha, beta, degrees = (float(value) for value in result.params)
    likelihood = float(result.loglikelihood)
    fit = GarchFit(mean, omega, alpha, beta, degrees, likelihood, backcast(percent))
    variance = garch_variance(percent, fit)
    np.testing.assert_allclose(np.sqrt(variance[:-1]), result.conditional_volatility, rtol=1e-9)
    ahead = result.forecast(horizon=1).variance.to_numpy()[-1, 0]
    assert variance[-1] == pytest.approx(ahead, rel=1e-9)
    squares = (percent - fit.mean) ** 2
    value = fit.omega + fit.persistence * fit.backcast
    for row, square in enumerate(squares):
        assert variance[row] == pytest.approx(value, rel=1e-9)
        value = fit.omega + fit.alpha * square + fit.beta * value


def test_the_likelihood_equals_that_of_arch() -> None:
    returns = garch_returns(900, 3)
    fit = fitted(returns)
    percent = 100 * returns
    own = student_log_likelihood(percent - fit.mean, garch_variance(percent, fit)[:-1], fit.degrees)
    assert own == pytest.approx(fit.log_likelihood, rel=1e-9)


def test_the_ewma_has_the_likelihood_of_its_best_degrees() -> None:
    from scipy.stats import t  # noqa: PLC0415 - an independent density

    percent = 100 * garch_returns(900, 3)
    variance = [float(np.mean(percent[:30] ** 2))]
    for value in percent[:-1]:
        variance.append(0.94 * variance[-1] + 0.06 * value**2)
    scale = np.sqrt(variance)
    best = max(
        t.logpdf(percent, degrees, 0, scale * np.sqrt((degrees - 2) / degrees)).sum()
        for degrees in np.linspace(2.1, 30, 400)
    )
    assert ewma_log_likelihood(percent / 100) == pytest.approx(best, abs=0.01)
    assert ewma_log_likelihood(np.concatenate([np.zeros(30), percent])) == -np.inf


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alpha": 0.2, "beta": 0.8}, "persistence of the GARCH fit is not below 1"),
        ({"alpha": 0.2, "beta": 0.79999999}, "persistence of the GARCH fit is not below 1"),
        ({"log_likelihood": -1e6}, "likelihood of the GARCH fit is not above that of the EWMA"),
        ({"degrees": np.nan}, "a parameter of the GARCH fit is not a number"),
    ],
)
def test_fits_that_cannot_be_right_are_refused(change: dict[str, float], reason: str) -> None:
    returns = garch_returns(500, 1)
    fit = fitted(returns)
    assert checked_fit(fit, returns) == fit
    assert checked_fit(replace(fit, **change), returns) == Unknown(reason)
    assert checked_fit(Unknown("no convergence"), returns) == Unknown("no convergence")


def test_the_fit_that_arch_makes_of_unscaled_returns_is_refused() -> None:
    returns = garch_returns(1095, 6, alpha=0.06, beta=0.93) / 4  # about 1 % a day
    model = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the scale
        result = model.fit(disp="off", show_warning=False)
    assert result.convergence_flag == 0  # silently
    mean, omega, alpha, beta, degrees = (float(value) for value in result.params)
    start = backcast(100 * returns)
    unscaled = GarchFit(100 * mean, 1e4 * omega, alpha, beta, degrees, 0, start)
    variance = garch_variance(100 * returns, unscaled)[:-1]
    likelihood = student_log_likelihood(100 * (returns - mean), variance, degrees)
    assert likelihood < fitted(returns).log_likelihood - 1_000
    reason = checked_fit(replace(unscaled, log_likelihood=likelihood), returns)
    assert reason == Unknown("likelihood of the GARCH fit is not above that of the EWMA")


def test_constant_returns_are_refused() -> None:
    assert fit_garch(np.full(400, 0.01)) == Unknown("all 400 returns are 0.01")
    assert garch_blocks(of(np.full(400, 0.01))) == Unknown("all 400 returns are 0.01")
    assert garch_blocks(history(364)) == Unknown("364 returns, 365 are required")


def test_blocks_follow_one_another_and_filter_every_day() -> None:
    own = history(460)
    blocks = garch_blocks(own)
    assert not isinstance(blocks, Unknown)
    assert [(block.first, block.stop) for block in blocks] == [
        (365, 395),
        (395, 425),
        (425, 455),
        (455, 461),
    ]
    for block in blocks:
        assert isinstance(block.fit, GarchFit)
        assert block.fit == fit_garch(own.returns[: block.first])
        percent = 100 * own.returns[: block.stop - 1]
        variance = garch_variance(percent, block.fit)
        np.testing.assert_allclose(
            block.volatility, np.sqrt(variance[block.first : block.stop]) / 100, rtol=1e-12
        )
        np.testing.assert_allclose(
            block.residuals, (percent - block.fit.mean) / np.sqrt(variance[:-1]), rtol=1e-12
        )


def test_blocks_before_a_day_are_omitted_and_others_are_the_same() -> None:
    own = history(460)
    every = garch_blocks(own)
    assert not isinstance(every, Unknown)
    for row, first in ((394, 365), (395, 395), (460, 455), (470, 455), (10, 365)):
        blocks = garch_blocks(own, int(own.days[0]) + row)
        assert not isinstance(blocks, Unknown)
        assert blocks[0].first == first
        assert blocks[-1].fit == every[-1].fit


def test_a_fit_uses_at_most_three_years() -> None:
    own = history(1160)
    blocks = garch_blocks(own)
    assert not isinstance(blocks, Unknown)
    assert blocks[-1].start == blocks[-1].first - 1095 == 50
    assert blocks[-1].fit == fit_garch(own.returns[50:1145])
