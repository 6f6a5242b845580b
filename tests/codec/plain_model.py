"""The models of docs/format.md in whole numbers of NumPy, written from that page alone."""

import math
import zlib
from collections.abc import Callable
from typing import Any

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


def numbers_of(content: bytes, shapes: dict[str, tuple[int, ...]], shift: int) -> Numbers:
    """The numbers in `integers.z`."""
    found, rest = {}, zlib.decompress(content)
    for name in sorted(shapes):
        width, count = (8 if name.endswith(".bias") else 4), math.prod(shapes[name])
        planes, rest = rest[: width * count], rest[width * count :]
        folded = [int.from_bytes(planes[i::count], "little") for i in range(count)]
        value = np.array([u // 2 if u % 2 == 0 else -(u + 1) // 2 for u in folded], np.int64)
        value <<= shift if name.endswith(".weight") else 0
        found[name] = value.reshape(shapes[name])
    assert not rest
    return found


def shapes_of(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of a model's numbers."""
    c, k, steps = config["shape"][0], config["kernel"], config["steps"]
    maps, latent, stride = (config[name] for name in ("maps", "latent", "stride"))
    found: dict[str, tuple[int, ...]] = {"r_0": (2 * c, 1, 1)}
    products = {"write.affine": (2 * c * stride[0] ** 2, maps[0])}
    for i, (m, z, s) in enumerate(zip(maps, latent, stride, strict=True)):
        name, top = f"layers.{i}", i == len(maps) - 1
        u = 0 if top else maps[i + 1]
        below = stride[0] ** 2 * 2 * c
        found |= {f"{name}.{start}": (2, m, 1, 1) for start in ("enc_0", "dec_0")}
        found |= {f"{name}.to_q.{x}": (steps, z) for x in ("delta", "scale", "active", "order")}
        found[f"{name}.to_q.shift"] = (steps, 16, z)
        e = below if i == 0 else s * s * latent[i - 1]
        products[f"{name}.rnn_enc"] = (4 * m, m + e + m)
        products[f"{name}.rnn_dec"] = (4 * m, z + u + (below if i == 0 else 0) + m)
        products[f"{name}.to_q.affine"] = (z, m)
        products[f"{name}.to_p.affine"] = (2 * z, m + u)
        if i and s > 1:
            products[f"{name}.say.affine"] = (s * s * m, m)
    for name, (rows, columns) in products.items():
        found |= {f"{name}.bias": (rows,), f"{name}.weight": (k, k, rows, columns)}
    return found


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
