"""Values for tests/singular_starts.rs: SciPy where there is no closed form. `python3 singular_starts.py` prints them.

Each problem is started a little after 0 from the first terms of its solution, or integrated in a variable that has no
singularity (u = sqrt(H)), so that SciPy meets none.
"""
import numpy as np
from scipy.integrate import solve_ivp, quad


def run(f, y0, end, method="Radau"):
    return solve_ivp(f, (0, end), y0, method=method, rtol=1e-12, atol=1e-15).y[:, -1]


# H = u^2: 2 u u' = q - c u; time as a function of u is a quadrature, t = int 2u/(q - c u) du.
def tank(q, c, end):
    from scipy.optimize import brentq
    t = lambda u: -2 * u / c - 2 * q / c**2 * np.log(1 - c * u / q)
    top = q / c if c > 0 else 100.0
    return brentq(lambda u: t(u) - end, 1e-9, top * (1 - 1e-12), xtol=1e-14) ** 2


def with_death(rate, kd, end):
    """H from 0 by H' = rate(H), and live' = -kd H live."""
    # With s = t^(1/8) everything is smooth enough at 0.
    f = lambda s, y: [rate(max(y[0], 0.0)) * 8 * s**7, -kd * y[0] * y[1] * 8 * s**7]
    return run(f, [0, 1], end ** 0.125, "DOP853")


def hill(D, n, K=3.0):
    return D**n / (K**n + D**n)


print("tank", tank(0.6, 0.5, 24), with_death(lambda H: 0.6 - 0.5 * np.sqrt(H), 0.05, 24))
print("power", with_death(lambda H: 0.6 - 0.5 * H**0.75, 0.05, 24))
print("sqrt", tank(1, 1, 5))
print("export", with_death(lambda D: 0.5 - 1.2 * hill(D, 0.7, 2.0), 0.02, 24))
D = lambda t, dose: dose * (1 - np.exp(-0.4 * t))
print("ratio", np.exp(-0.1 * quad(lambda t: hill(D(t, 2), 0.6), 0, 24, epsabs=1e-13)[0]))
print("growth", tank(0.1, -1.0, 5))
print("driven", np.exp(-6) * quad(lambda t: np.sqrt(t) * np.exp(t), 0, 6, epsabs=1e-13)[0])
print("edge", 0.5 * quad(lambda t: np.sqrt(1 - np.exp(-0.2 * t)), 0, 6, epsabs=1e-13)[0])
print("logarithm", with_death(lambda y: 1 - 0.3 * np.log1p(np.sqrt(y)), 0.0, 6)[0])
print("steep", np.exp(-0.1 * quad(lambda t: hill(D(t, 5) + 1e-4 * np.exp(-0.4 * t), 12), 0, 24, epsabs=1e-13)[0]))
from scipy.special import lambertw, sici
print("femto", lambertw(np.exp(1 - 2.0)).real * 1e-22)
print("sine", sici(6)[0])
