"""The models of docs/format.md in whole numbers of NumPy, written from that page alone."""

from collections.abc import Callable

import numpy as np

Numbers = dict[str, np.ndarray]
Choose = Callable[[int, np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]
BOUND = 1 << 24


def clip(a: np.ndarray) -> np.ndarray:
    return np.clip(a, -BOUND, BOUND)


def classes(v: np.ndarray) -> np.ndarray:
    return np.clip((v + (1 << 10) >> 11) + 512, 0, 1023)


def deep(a: np.ndarray, s: int) -> np.ndarray:
    m, height, width = a.shape
    out = np.zeros((m * s * s, height // s, width // s), np.int64)
    for o in range(len(out)):
        out[o] = a[o // (s * s), o // s % s :: s, o % s :: s]
    return out


def wide(a: np.ndarray, s: int) -> np.ndarray:
    m, height, width = a.shape
    out = np.zeros((m // (s * s), height * s, width * s), np.int64)
    for o in range(m):
        out[o // (s * s), o // s % s :: s, o % s :: s] = a[o]
    return out


class PlainModel:
    """A model, from its numbers, its config and the table H."""

    def __init__(self, numbers: Numbers, steps: int, stride: tuple[int, ...], table: np.ndarray):
        self.numbers, self.steps, self.stride, self.table = numbers, steps, stride, table

    def product(self, name: str, parts: list[np.ndarray]) -> np.ndarray:
        weight, bias = (self.numbers[f"{name}.{part}"] for part in ("weight", "bias"))
        k, a = len(weight), clip(np.concatenate(parts))
        height, width = a.shape[1:]
        a = np.pad(a, ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
        total = np.zeros((len(bias), height, width), np.int64) + bias[:, None, None]
        for i in range(k):
            for j in range(k):
                shifted = a[:, i : i + height, j : j + width]
                total += np.einsum("om,myx->oyx", weight[i, j], shifted)
        return total

    def conv(self, name: str, *parts: np.ndarray) -> np.ndarray:
        return clip(self.product(name, [*parts]) + (1 << 17) >> 18)

    def tanh(self, a: np.ndarray, fraction: int) -> np.ndarray:
        return self.table[np.clip((a >> fraction - 12) + (1 << 15), 0, (1 << 16) - 1)]

    def cell(self, name: str, x: list[np.ndarray], state: list[np.ndarray]) -> list[np.ndarray]:
        h, c = state
        gates = self.tanh(self.product(name, [*x, h]), 34)
        i, f, o, g = np.split(gates, 4)
        one = 1 << 16
        c = clip((f + one) * clip(c) + (i + one) * g + one >> 17)
        return [self.tanh(c, 16) * (o + one) + one >> 17, c]

    def begin(self, name: str, size: tuple[int, int]) -> list[np.ndarray]:
        return [np.broadcast_to(a, (len(a), *size)) for a in self.numbers[name]]

    def tell(
        self, choose: Choose, size: tuple[int, int], levels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Means and classes of the pixels; `choose(site, mu, s, mu_q)` gives each latent."""
        step = int(np.prod(self.stride))
        height, width = (-(-side // step) * step for side in size)
        r = self.numbers["r_0"]
        canvas, half = np.broadcast_to(r, (len(r), height, width)), len(r) // 2
        at = [(height // s, width // s) for s in np.cumprod(self.stride).tolist()]
        enc, dec = (
            [self.begin(f"layers.{i}.{name}", one) for i, one in enumerate(at)]
            for name in ("enc_0", "dec_0")
        )
        site = 0
        for _ in range(self.steps):
            means: list[np.ndarray | None] = [None] * len(at)
            if levels is not None:
                x = 256 * levels.astype(np.int64) + 128
                x = np.pad(x, ((0, 0), (0, height - size[0]), (0, width - size[1])), "edge")
                seen = np.concatenate([x, clip(x - canvas[:half])])
                for i, s in enumerate(self.stride):
                    name = f"layers.{i}"
                    enc[i] = self.cell(f"{name}.rnn_enc", [dec[i][0], deep(seen, s)], enc[i])
                    seen = means[i] = self.conv(f"{name}.to_q.affine", enc[i][0])
            said: list[np.ndarray] = []
            for i in reversed(range(len(at))):
                name = f"layers.{i}"
                mu, v = np.split(self.conv(f"{name}.to_p.affine", dec[i][0], *said), 2)
                z = choose(site, mu, classes(v), means[i])
                site += 1
                drawn = [] if i else [deep(canvas, self.stride[0])]
                dec[i] = self.cell(f"{name}.rnn_dec", [z, *said, *drawn], dec[i])
                h, s = dec[i][0], self.stride[i]
                if i:
                    said = [h if s == 1 else wide(self.conv(f"{name}.say.affine", h), s)]
            canvas = clip(canvas + wide(self.conv("write.affine", dec[0][0]), self.stride[0]))
        shown = canvas[:, : size[0], : size[1]]
        return shown[:half], classes(shown[half:])
