import numpy as np
import pytest
from scipy.integrate import quad

from harmonize.core.schedule import Unknown
from harmonize.thresholds.peaks import TailFit, fit_tail


def pareto_losses(shape: float, scale: float, size: int, seed: int) -> np.ndarray:
    """Nine tenths uniform below 1, one tenth with a Pareto tail above 1."""
    rng = np.random.default_rng(seed)
    body = rng.random(size * 9 // 10)
    tail = 1 + scale / shape * (rng.random(size // 10) ** -shape - 1)
    return np.concatenate([body, tail])


def test_known_parameters_are_found_again() -> None:
    fit = fit_tail(pareto_losses(0.2, 0.5, 100_000, 1))
    assert isinstance(fit, TailFit)
    assert (fit.shape, fit.scale) == pytest.approx((0.2, 0.5), abs=0.02)
    assert fit.threshold == pytest.approx(1, abs=0.01)
    assert (fit.peaks, fit.observations) == (10_000, 100_000)
    exact = 1 + 0.5 / 0.2 * ((0.1 / 0.01) ** 0.2 - 1)
    assert fit.value_at_risk(0.99) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.2, 0.9])
def test_shortfall_is_the_mean_of_var_beyond_the_level(shape: float) -> None:
    fit = TailFit(0.05, shape, 0.02, 100, 1000)
    # The substitution 1 - level = 0.01 · x ** 40 makes the integrand smooth at the end of the tail.
    mean = quad(lambda x: _quantile(fit, 0.01 * x**40) * 40 * x**39, 0, 1)[0]
    assert fit.expected_shortfall(0.99) == pytest.approx(mean, rel=1e-6)


def _quantile(fit: TailFit, beyond: float) -> float:
    ratio = max(beyond, 1e-300) * fit.observations / fit.peaks
    if fit.shape == 0:
        return fit.threshold - fit.scale * float(np.log(ratio))
    return float(fit.threshold + fit.scale / fit.shape * (ratio**-fit.shape - 1))


def test_the_threshold_itself_is_the_var_at_the_share_of_peaks() -> None:
    fit = TailFit(0.05, 0.3, 0.02, 100, 1000)
    assert fit.value_at_risk(0.9) == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"level 0.5: expected at least 0.9"):
        fit.value_at_risk(0.5)


def test_a_shape_of_one_has_no_shortfall() -> None:
    assert TailFit(0.05, 1.0, 0.02, 100, 1000).expected_shortfall(0.99) is None
    assert TailFit(0.05, 1.4, 0.02, 100, 1000).expected_shortfall(0.99) is None


def test_a_free_location_would_have_tripled_the_shape() -> None:
    from scipy.stats import genpareto  # noqa: PLC0415 - the trap itself

    losses = np.abs(np.random.default_rng(4).standard_t(4, size=1100))
    fit = fit_tail(losses)
    assert isinstance(fit, TailFit)
    excesses = losses[losses > fit.threshold] - fit.threshold
    assert fit.shape == pytest.approx(genpareto.fit(excesses, floc=0)[0], abs=1e-3)
    likelihoods = [
        genpareto.logpdf(excesses, shape, 0, scale).sum()
        for shape, scale in (
            (fit.shape, fit.scale),
            (fit.shape + 0.05, fit.scale),
            (fit.shape, fit.scale * 1.1),
        )
    ]
    assert likelihoods[0] == max(likelihoods)


def test_too_few_peaks_give_a_reason() -> None:
    assert fit_tail(np.arange(200.0)) == Unknown("20 peaks, 30 are required")
