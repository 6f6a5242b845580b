from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from underdraw.data import DataConfig, DataError, Labelled, loader, open_images
from underdraw.data.chance import CLUTTER
from underdraw.data.cluttered import Cluttered, warped
from underdraw.data.digits import SHA256, SMALL
from underdraw.data.shipped import arrays

from .conftest import random_levels

DIGITS = arrays(SMALL, SHA256)
WORD = 2**64 - 1
WHAT = ("pieces", "piece", "canvas")


def config(**options):
    return DataConfig("mnist_cluttered_small", **options)


def small(split="train", **options):
    images = open_images(config(**options), split)
    assert isinstance(images, Labelled)
    return images


def mixed(x):
    """SplitMix64's finaliser on a Python integer."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & WORD
    return x ^ (x >> 31)


def dice(*key):
    """Draws of below(n) for n after n, of one image."""
    number = 0
    while True:
        bound = yield
        h = 0
        for part in (CLUTTER, *key, number):
            h = mixed((h ^ part) + 0x9E3779B97F4A7C15 & WORD)
        yield h * bound >> 64
        number += 1


def slow(digits, i, key, pieces, piece, canvas):
    """One image, pixel by pixel, in numbers from 0 to 1: first the clutter, then the digit."""
    rolls = dice(*key, i)

    def below(bound):
        next(rolls)
        return rolls.send(bound)

    count, height, width = digits.shape
    top, left = below(canvas - height + 1), below(canvas - width + 1)
    out = [[0.0] * canvas for _ in range(canvas)]

    def lay(digit, y, x, top, left, rows, columns):
        for r in range(rows):
            for c in range(columns):
                value = out[top + r][left + c] + digits[digit, y + r, x + c] / 255
                out[top + r][left + c] = min(1.0, value)

    for _ in range(pieces):
        digit, y, x = below(count), below(height - piece + 1), below(width - piece + 1)
        lay(digit, y, x, below(canvas - piece + 1), below(canvas - piece + 1), piece, piece)
    lay(i, 0, 0, top, left, height, width)
    return np.rint(np.array(out) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("split", "draw", "options"),
    [
        ("train", 3, {}),
        ("test", 0, {"seed": 7}),
        ("valid", 0, {"pieces": 30, "piece": 11, "canvas": 40}),
    ],
)
def test_the_images_of_a_slow_loop(split, draw, options):
    made = Cluttered(DIGITS[split], config(**options), split)
    index = np.array([17, 3, 17, 199])
    number = {"train": 0, "valid": 1, "test": 2}[split]
    key = (options.get("seed", 0), number, draw)
    rest = {name: options.get(name, getattr(DataConfig, name)) for name in WHAT}
    want = np.stack([slow(DIGITS[split], int(i), key, **rest) for i in index])
    assert np.array_equal(made.levels(index, draw)[:, 0], want)


def test_digits_need_not_be_square():
    digits = random_levels(5, 28, 20)
    made = Cluttered(digits, config(canvas=40), "train")
    want = slow(digits, 4, (0, 0, 2), 8, 8, 40)
    assert np.array_equal(made.levels(np.array([4]), 2)[0, 0], want)


def test_sums_are_clipped_at_one():
    made = Cluttered(np.full((9, 28, 28), 200, np.uint8), config(pieces=40, canvas=60), "train")
    assert set(np.unique(made.levels(np.arange(9), 0))) == {0, 200, 255}


def covered(side, canvas):
    """The share of places of a square of `side` that cover each pixel of a line."""
    places = canvas - side + 1
    starts = np.arange(places)
    return np.array([np.mean((starts <= x) & (x < starts + side)) for x in range(canvas)])


def test_the_share_of_lit_pixels():
    """Of solid squares: 1 - (1 - p)^8 (1 - q), of the shares of places that cover."""
    made = Cluttered(np.full((4000, 28, 28), 255, np.uint8), config(), "train")
    lit = (made.levels(np.arange(4000), 1)[:, 0] > 0).mean(0)
    p, q = (np.outer(covered(side, 100), covered(side, 100)) for side in (8, 28))
    want = 1 - (1 - p) ** 8 * (1 - q)
    assert want.max() < 0.25
    assert abs(lit.mean() - want.mean()) < 0.001
    assert np.abs(lit - want).max() < 5 * np.sqrt(want.max() / 4000)
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert 0 < lit[corner] < 0.01


def test_places_are_uniform():
    """Chi-square of every number that is drawn: four of its standard deviations at most."""
    digits = DIGITS["train"]
    made = Cluttered(digits, config(), "train")
    numbers = made.numbers(np.arange(60_000), 0)
    wanted = [73, 73, *[1000, 21, 21, 93, 93] * 8]
    assert len(numbers) == len(wanted)
    for row, bound in zip(numbers, wanted, strict=True):
        counts = np.bincount(row, minlength=bound)
        assert len(counts) == bound
        expected = len(row) / bound
        chi = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi - (bound - 1)) < 4 * np.sqrt(2 * (bound - 1))
    correlation = np.corrcoef(numbers) - np.eye(len(wanted))
    assert np.abs(correlation).max() < 5 / np.sqrt(60_000)


def test_an_image_is_a_function_of_seed_split_index_and_draw():
    images = small()
    index = np.array([5, 900, 31])
    x = images.take(index, 3)
    assert (images.name, images.shape) == ("mnist_cluttered_small/train", (1, 100, 100))
    assert not images.binary
    assert x.min() == 1 / 512
    assert torch.equal(x[[1]], images.take(np.array([900]), 3))
    assert torch.equal(x[[2, 0]], small().take(index[[2, 0]], 3))
    for other in (images.take(index, 4), small(seed=1).take(index, 3)):
        assert not any(torch.equal(a, b) for a, b in zip(x, other, strict=True))
    assert images.take(np.zeros(0, np.int64)).shape == (0, 1, 100, 100)
    with pytest.raises(IndexError, match="set of 1000"):
        images.take(np.array([1000]))


def test_splits_do_not_share_their_places():
    digits = DIGITS["train"]
    every = [Cluttered(digits, config(), s).numbers(np.arange(50), 0) for s in ("train", "test")]
    assert np.mean(every[0] == every[1]) < 0.1


@pytest.mark.parametrize("split", ["valid", "test"])
def test_what_measures_is_fixed_by_the_seed(split):
    index = np.arange(20)
    assert torch.equal(small(split).take(index, 0), small(split).take(index, 9))
    assert not torch.equal(small(split).take(index), small(split, seed=1).take(index))


def test_more_pieces_only_add():
    index = np.arange(50)
    few = [small("test", pieces=k).take(index) for k in (0, 4, 8, 16)]
    lit = [(x > 0.5).sum((1, 2, 3)).double().mean().item() for x in few]
    assert lit == sorted(set(lit))
    for fewer, more in pairwise(few):
        assert torch.all(fewer <= more)
    ink = float((DIGITS["test"][:50] >= 128).sum((1, 2)).mean())
    assert lit[0] == ink  # the digit is wholly inside


def test_a_canvas_grows_to_its_size():
    """Large digits first; from the last epoch of growing on, as if nothing had grown."""
    grown, plain = small(growing=3), small()
    sides = [grown.source.stage(epoch)[0] for epoch in range(5)]
    pieces = [grown.source.stage(epoch)[1] for epoch in range(5)]
    assert (sides, pieces) == ([40, 60, 80, 100, 100], [1, 3, 5, 8, 8])
    index = np.arange(30)
    assert torch.equal(grown.take(index, 3), plain.take(index, 3))
    little = small(canvas=40, pieces=1).take(index, 0)
    nearest = np.arange(100) * 40 // 100
    assert torch.equal(grown.take(index, 0), little[:, :, nearest][..., nearest])
    ink = [grown.take(index, epoch).mean().item() for epoch in range(4)]
    assert ink == sorted(ink, reverse=True)
    assert ink[0] > 2 * ink[3]
    assert torch.equal(grown.labels(index), plain.labels(index))


def test_what_measures_never_grows():
    index = np.arange(10)
    for split in ("valid", "test"):
        assert torch.equal(small(split, growing=9).take(index), small(split).take(index))


def test_training_digits_are_distorted_and_nothing_else():
    bare = {"pieces": 0, "canvas": 28}
    index = np.arange(40)
    bent, plain = small(warp=0.3, **bare), small(**bare)
    first, second = bent.take(index, 0), bent.take(index, 1)
    assert torch.equal(first, bent.take(index, 0))
    assert torch.equal(first[7:9], bent.take(index[7:9], 0))
    same = [
        (a == b).flatten(1).all(1).any() for a, b in ((first, second), (first, plain.take(index)))
    ]
    assert not any(same)
    assert 0.8 < first.mean() / plain.take(index).mean() < 1.25
    ink, spread = first.flatten(1).sum(1), plain.take(index).flatten(1).sum(1)
    assert 0.05 < (ink / spread).std() < 0.5  # some grow, some shrink
    with_clutter, without = small(warp=0.3).take(index), small().take(index)
    differ = (with_clutter != without).flatten(1).float().mean(1)
    assert torch.all(differ < 0.06)  # only where the digit is
    for split in ("valid", "test"):
        assert torch.equal(small(split, warp=0.5).take(index), small(split).take(index))


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_quarter_turn_is_a_quarter_turn(turn):
    matrix = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), turn)
    turned = warped(DIGITS["test"][:3], np.stack([matrix] * 3))
    assert np.array_equal(turned, np.rot90(DIGITS["test"][:3], -turn, (1, 2)))


def test_a_distorted_digit_is_interpolated():
    """Beside a pixel by pixel account of it."""
    digit = random_levels(2, 6, 9)
    matrix = np.array([[[1.2, 0.1], [-0.3, 0.9]], [[0.7, -0.2], [0.4, 1.1]]])
    found = warped(digit, matrix)
    for n in range(2):
        for i in range(6):
            for j in range(9):
                y, x = matrix[n] @ [i - 2.5, j - 4.0] + [2.5, 4.0]
                y, x = min(max(y, 0), 5), min(max(x, 0), 8)
                near = [
                    (1 - abs(y - a)) * (1 - abs(x - b)) * float(digit[n, a, b])
                    for a in range(6)
                    for b in range(9)
                    if abs(y - a) < 1 and abs(x - b) < 1
                ]
                assert abs(found[n, i, j] - sum(near)) <= 0.5 + 1e-9


@pytest.mark.parametrize("warp", [-0.1, 0.6, float("nan")])
def test_a_warp_out_of_range_is_refused(warp):
    with pytest.raises(DataError, match=r"data\.warp is"):
        config(warp=warp)


def test_labels_are_those_of_the_digits():
    """With no clutter and no room to move, an image is its digit."""
    images = small("valid", pieces=0, canvas=28)
    index = np.array([7, 150, 7])
    x, y = images.take(index), images.labels(index)
    assert np.array_equal((x[:, 0] * 256).floor().numpy(), DIGITS["valid"][index])
    assert y.dtype == torch.int64
    assert y.tolist() == DIGITS["valid_labels"][index].tolist()
    assert small("valid").labels(index).tolist() == y.tolist()


def test_an_epoch_takes_every_digit_once():
    batches = loader(small(pieces=0, canvas=28), 100, seed=0, labels=True)
    epoch = [pair for _, pair in islice(batches, 10)]
    batches.close()
    seen = np.concatenate([(x[:, 0] * 256).floor().numpy().astype(np.uint8) for x, _ in epoch])
    labels = np.concatenate([y.numpy() for _, y in epoch])
    stored = zip(DIGITS["train"], DIGITS["train_labels"], strict=True)
    digits = {digit.tobytes(): label for digit, label in stored}
    assert len(digits) == 1000
    assert {d.tobytes(): label for d, label in zip(seen, labels, strict=True)} == digits


def stream(**place):
    batches = loader(small(), 200, seed=0, labels=True, **place)
    pairs = [pair for _, pair in islice(batches, 8)]  # more than an epoch
    batches.close()
    return pairs


def test_workers_share_no_image_and_make_what_one_would():
    one, first, second = stream(), stream(rank=0, world=2), stream(rank=1, world=2)
    for (x, y), (a, b), (c, d) in zip(one, first, second, strict=True):
        assert torch.equal(x, torch.cat([a, c]))
        assert torch.equal(y, torch.cat([b, d]))
    every = {image.numpy().tobytes() for x, _ in one for image in x}
    assert len(every) == 8 * 200
