"""Eqs 19-29 of the DRAW paper in plain Python loops over 64-bit floats.

Images are nested lists x[b - 1][a - 1]: row b counts from the top, 1..B, column a from the left,
1..A. Patches are nested lists w[j - 1][i - 1]: row j, column i.
"""

import math
from collections.abc import Sequence

Matrix = Sequence[Sequence[float]]


def parameters(
    emitted: Sequence[float], height: int, width: int, size: int
) -> tuple[float, float, float, float, float]:
    """g_x, g_y, delta, sigma2, gamma of five emitted numbers (Eqs 21-24); N = 1 divides by 1."""
    x_tilde, y_tilde, log_sigma2, log_delta, log_gamma = emitted
    g_x = (width + 1) / 2 * (x_tilde + 1)
    g_y = (height + 1) / 2 * (y_tilde + 1)
    delta = (max(width, height) - 1) / (size - 1 if size > 1 else 1) * math.exp(log_delta)
    return g_x, g_y, delta, math.exp(log_sigma2), math.exp(log_gamma)


def centres(g: float, delta: float, size: int) -> list[float]:
    """Eqs 19-20."""
    return [g + (i - size / 2 - 0.5) * delta for i in range(1, size + 1)]


def filterbank(mu: Sequence[float], sigma2: float, pixels: int) -> list[list[float]]:
    """Eqs 25-26, normalised exactly; for windows near enough that nothing underflows to 0 / 0."""
    rows = []
    for centre in mu:
        row = [math.exp(-((a - centre) ** 2) / (2 * sigma2)) for a in range(1, pixels + 1)]
        z = sum(row)
        rows.append([value / z for value in row])
    return rows


def read(x: Matrix, f_y: Matrix, f_x: Matrix, gamma: float) -> list[list[float]]:
    """One of the two patches of Eq. 27, gamma F_y x F_x^T."""
    patch = [[0.0] * len(f_x) for _ in f_y]
    for j, rows in enumerate(f_y):
        for i, columns in enumerate(f_x):
            for b, down in enumerate(rows):
                for a, across in enumerate(columns):
                    patch[j][i] += gamma * down * x[b][a] * across
    return patch


def write(w: Matrix, f_y: Matrix, f_x: Matrix, gamma: float) -> list[list[float]]:
    """Eq. 29, 1 / gamma F_y^T w F_x."""
    stroke = [[0.0] * len(f_x[0]) for _ in f_y[0]]
    for j, rows in enumerate(f_y):
        for i, columns in enumerate(f_x):
            for b, down in enumerate(rows):
                for a, across in enumerate(columns):
                    stroke[b][a] += down * w[j][i] * across / gamma
    return stroke


def look(
    emitted: Sequence[float], height: int, width: int, size: int
) -> tuple[list[list[float]], list[list[float]], float]:
    """F_y, F_x and gamma of five emitted numbers."""
    g_x, g_y, delta, sigma2, gamma = parameters(emitted, height, width, size)
    f_x = filterbank(centres(g_x, delta, size), sigma2, width)
    f_y = filterbank(centres(g_y, delta, size), sigma2, height)
    return f_y, f_x, gamma
