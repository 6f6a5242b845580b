import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.plain_coder import (
    PlainEncoder,
    PlainReader,
    PlainStack,
    first_row,
    gaussian_row,
    read_gaussians,
    read_pixels,
    sizes,
)
from underdraw.codec.coder import (
    Cells,
    Decoder,
    Encoder,
    Grid,
    Stack,
    get_gaussians,
    get_pixels,
    put_gaussians,
    put_pixels,
)
from underdraw.codec.coder.gaussian import intervals
from underdraw.codec.coder.pixels import intervals as pixel_intervals
from underdraw.codec.errors import CodecError

WIDTH = 256  # units to a level


def sample(count, scale, delta, seed=0, surprise=1.0):
    """A grid with classes drawn from `scale`, and numbers drawn from it."""
    rng = np.random.default_rng(seed)
    mean = rng.integers(-(1 << 18), 1 << 18, count)
    scale = rng.integers(*scale, count)
    z = mean + surprise * rng.standard_normal(count) * 2.0 ** (scale / 32)
    return np.round(z / delta).astype(np.int64), Grid(delta, mean, scale)


def picture(count, seed=0, scale=(200, 400)):
    rng = np.random.default_rng(seed)
    mean, scale = rng.integers(-2000, 1 << 16, count), rng.integers(*scale, count)
    z = mean + rng.standard_normal(count) * 2.0 ** (scale / 32)
    return np.clip(z // WIDTH, 0, 255).astype(np.int64), Cells(mean, scale, WIDTH)


def encode(k, grid, **how):
    encoder = Encoder()
    put_gaussians([encoder], k, grid, **how)
    return encoder.finish()


CASES = [
    ((250, 420), 1000, 1.0),  # rows of many lengths
    ((250, 420), 1000, 4.0),  # many beyond the ends
    ((0, 100), 5000, 1.0),  # narrower than the grid
    ((500, 1024), 700, 1.0),  # with digits below the cells
    ((600, 700), 1, 2.0),  # more than 16 of them
]


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_gaussians_come_back(scale, delta, surprise):
    k, grid = sample(300, scale, delta, surprise=surprise)
    found = get_gaussians([Decoder(encode(k, grid))], grid)
    assert (found.k == k).all()
    assert found.read.all()


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_stacks_give_back_what_they_got(scale, delta, surprise):
    k, grid = sample(300, scale, delta, surprise=surprise)
    stack = Stack()
    put_gaussians([stack], k, grid)
    stack = Stack(stack.bytes)
    assert (get_gaussians([stack], grid).k == k).all()
    assert stack.bare


@given(st.data())
def test_any_number_on_any_grid_comes_back(data):
    length = data.draw(st.integers(1, 6))

    def vector(low, high):
        return data.draw(st.lists(st.integers(low, high), min_size=length, max_size=length))

    delta, scale = vector(1, 1 << 24), vector(0, 1023)
    mean = vector(-(1 << 22), 1 << 22)
    k = np.array(vector(-(1 << 20), 1 << 20))
    grid = Grid(delta, mean, scale)
    found = get_gaussians([Decoder(encode(k, grid))], grid)
    assert (found.k == k).all()
    assert found.read.all()
    stack = Stack()
    put_gaussians([stack], k, grid)
    assert (get_gaussians([stack], grid).k == k).all()


def test_pixels_come_back():
    levels, cells = picture(5000)
    levels[:256] = np.arange(256)  # the last things one would expect, too
    encoder, stack = Encoder(), Stack()
    put_pixels([encoder], levels, cells)
    put_pixels([stack], levels, cells)
    assert (get_pixels([Decoder(encoder.finish(), complete=True)], cells) == levels).all()
    assert (get_pixels([stack], cells) == levels).all()
    assert stack.bare


# --- the same words out of plain Python -------------------------------------------------------


def plain_symbols(parts):
    for symbols in parts:
        yield from zip(symbols.low.tolist(), symbols.mass.tolist(), strict=True)


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_plain_coder_writes_the_same_bytes(scale, delta, surprise):
    k, grid = sample(150, scale, delta, surprise=surprise)
    symbols = list(plain_symbols(intervals(1, k, grid)))
    plain, stack, plain_stack = PlainEncoder(), Stack(), PlainStack()
    for pair in symbols:
        plain.put(*pair)
    for pair in reversed(symbols):
        plain_stack.put(*pair)
    put_gaussians([stack], k, grid)
    assert plain.finish() == encode(k, grid)
    assert plain_stack.bytes == stack.bytes


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_plain_decoder_reads_the_stream(scale, delta, surprise):
    k, grid = sample(60, scale, delta, surprise=surprise)
    data = encode(k, grid)
    for cut in (len(data), len(data) - 1, len(data) // 2, 1, 0):
        found = get_gaussians([Decoder(data[:cut])], grid)
        parts = (part.tolist() for part in (grid.delta, grid.mean, grid.scale))
        plain, read = read_gaussians(PlainReader(data[:cut]), *parts)
        assert found.k.tolist() == plain
        assert found.read.tolist() == read
    assert not any(read)


def test_plain_decoder_reads_pixels():
    levels, cells = picture(300)
    encoder = Encoder()
    put_pixels([encoder], levels, cells)
    mean, scale = (cells.twice // 2).tolist(), cells.scale.tolist()
    assert read_pixels(PlainReader(encoder.finish()), mean, scale, WIDTH) == levels.tolist()


def test_rows_are_those_of_plain_python():
    for scale, delta, _ in CASES:
        _, grid = sample(20, scale, delta)
        for i in range(20):
            one = grid[i : i + 1]
            row = gaussian_row(delta, int(one.mean[0]), int(one.scale[0]))
            assert (one.rows()[0] + 1).tolist() == np.diff(row).tolist()
            assert min(np.diff(row)) > 0
            assert (one.shift[0], one.half[0]) == sizes(delta, int(one.scale[0]))
    _, cells = picture(20)
    for i in range(20):
        row = first_row(int(cells.twice[i]) // 2, int(cells.scale[i]), WIDTH)
        assert (cells.run(slice(i, i + 1)).first_rows()[0] + 1).tolist() == np.diff(row).tolist()


# --- prefixes ---------------------------------------------------------------------------------


def order(grid):
    """Places in the order of coding."""
    return np.argsort(-grid.half, kind="stable")


def test_every_cut_gives_the_beginning():
    k, grid = sample(80, (250, 420), 1000)
    data = encode(k, grid)
    cost = intervals(1, k, grid)[0].bits.cumsum()
    last, wasted = 0, []
    for cut in range(len(data) + 1):
        found = get_gaussians([Decoder(data[:cut])], grid)
        read = found.read[order(grid)]
        count = int(read.sum())
        assert read[:count].all()
        assert last <= count
        assert (found.k[found.read] == k[found.read]).all()
        assert (found.k[~found.read] == grid.nearest[~found.read]).all()
        wasted.append(8 * cut - (cost[count] if count < len(k) else 8 * cut))
        last = count
    assert last == len(k)
    assert np.mean(wasted) < 2.0  # bits that were there and of no use, beyond the symbol cut
    assert max(wasted) < 12


def test_cuts_within_digits_keep_the_cells():
    k, grid = sample(40, (500, 700), 1000, surprise=4.0)
    data = encode(k, grid)
    cell = 1 << grid.shift
    partly = 0
    for cut in range(len(data)):
        found = get_gaussians([Decoder(data[:cut])], grid)
        inside = np.abs(k - grid.nearest) < (grid.half - 2) * cell
        near = np.abs(found.k - k) < cell
        assert near[found.read & inside].all()
        partly += bool((found.read & (found.k != k)).any())
    assert partly


@given(st.binary(max_size=60), st.integers(0, 2**32))
def test_any_bytes_are_read_to_some_end(data, seed):
    _, grid = sample(60, (200, 700), 800, seed=seed % 1000)
    try:
        found = get_gaussians([Decoder(data)], grid)
    except CodecError as error:
        assert "could have been coded" in str(error)  # noqa: PT017
        return
    assert found.k.shape == (60,)


def test_a_quotient_that_is_no_symbol_ends_the_stream():
    k, grid = sample(20, (300, 301), 1000)
    for complete in (False, True):
        found = get_gaussians([Decoder(b"\xff" * 30, complete=complete)], grid)
        assert not found.read.any()
    short = encode(k, grid)
    ended = Decoder(short)
    get_gaussians([ended], grid)
    assert not ended.ended
    get_gaussians([ended], Grid(1000, np.zeros(50), 400))
    assert ended.ended
    assert not get_gaussians([ended], grid).read.any()


def test_empty_streams():
    assert Encoder().finish() == b""
    nothing = Grid(1, np.zeros(0), np.zeros(0))
    assert encode(np.zeros(0), nothing) == b""
    assert get_gaussians([Decoder(b"")], nothing).k.shape == (0,)
    assert not get_gaussians([Decoder(b"")], Grid(1, np.zeros(3), 300)).read.any()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 99))
def test_the_end_is_as_short_as_it_can_be(lengths, seed):
    rng = np.random.default_rng(seed)
    encoder, plain = Encoder(), PlainEncoder()
    for length in lengths:
        k = rng.integers(-3, 4, length)
        grid = Grid(1000, np.zeros(length), rng.integers(0, 400, length))
        put_gaussians([encoder], k, grid)
        for symbols in intervals(1, k, grid):
            for pair in zip(symbols.low.tolist(), symbols.mass.tolist(), strict=True):
                plain.put(*pair)
    assert encoder.finish() == plain.finish()
    assert 0 <= 8 * len(encoder.finish()) - encoder.bits < 11


# --- cost -------------------------------------------------------------------------------------


def normal_bits(low, high):
    """-log2 of the normal distribution between low and high, in sigmas; by math.erfc."""
    flip = low > 0  # the lower tail is the exact one
    ends = np.where(flip, -high, low), np.where(flip, -low, high)
    pairs = zip(*(end / math.sqrt(2) for end in ends), strict=True)
    return np.array([1 - math.log2(math.erfc(-b) - math.erfc(-a)) for a, b in pairs])


def grid_bits(k, grid):
    ends = ((k + end) * grid.delta - grid.mean for end in (-0.5, 0.5))
    return normal_bits(*(end / 2.0 ** (grid.scale / 32) for end in ends))


@pytest.mark.parametrize(
    ("scale", "delta"), [((300, 480), 1000), ((200, 330), 1000), ((500, 700), 900)]
)
def test_costs_are_those_of_the_distribution(scale, delta):
    k, grid = sample(40_000, scale, delta)
    cost = intervals(1, k, grid)[0]
    excess = (cost.bits.sum() - grid_bits(k, grid).sum()) / len(k)
    assert abs(excess) < 0.002


def test_costs_far_out_are_no_larger_than_the_tail():
    scale, delta = 352, 1000
    k = np.arange(-17, 18)  # 8 sigma
    grid = Grid(delta, np.zeros(len(k)), scale)
    costs = [intervals(1, k[i : i + 1], grid[i : i + 1])[0].bits.sum() for i in range(len(k))]
    assert (costs < grid_bits(k, grid) + 2).all()


def test_costs_of_pixels_are_those_of_the_distribution():
    levels, cells = picture(20_000, scale=(256, 400))
    low, high = (
        (b * WIDTH - cells.twice / 2) * 2.0 ** (-cells.scale / 32) for b in (levels, levels + 1)
    )
    true = normal_bits(np.where(levels == 0, -50, low), np.where(levels == 255, 50, high))
    bits = sum(part.bits.sum() for part in pixel_intervals(1, levels, cells)[0])
    assert abs(bits - true.sum()) / len(levels) < 0.002


# --- side by side -----------------------------------------------------------------------------


def test_coders_side_by_side_write_what_each_would_alone():
    rng = np.random.default_rng(5)
    mean = rng.integers(-(1 << 18), 1 << 18, (3, 2, 40))
    scale, delta = rng.integers(250, 500, (3, 2, 40)), np.array([[700], [900]])
    k = np.round((mean + rng.standard_normal(mean.shape) * 2.0 ** (scale / 32)) / delta)
    together = [Encoder() for _ in k]
    put_gaussians(together, k, Grid(delta, mean, scale))
    alone = [encode(k[i], Grid(delta, mean[i], scale[i])) for i in range(3)]
    assert [encoder.finish() for encoder in together] == alone
    found = get_gaussians([Decoder(data) for data in alone], Grid(delta, mean, scale))
    assert (found.k == k).all()


def test_pixels_side_by_side():
    levels, cells = picture((3, 1, 50, 40))
    together = [Encoder() for _ in levels]
    put_pixels(together, levels, cells)
    for i in range(3):
        one, (mean, scale) = Encoder(), (cells.twice // 2, cells.scale)
        part = slice(2000 * i, 2000 * (i + 1))
        put_pixels([one], levels[i].reshape(-1), Cells(mean[part], scale[part], WIDTH))
        assert one.finish() == together[i].finish()
    readers = [Decoder(encoder.finish(), complete=True) for encoder in together]
    assert (get_pixels(readers, cells) == levels).all()


def test_many_rows_are_made_in_parts():
    k, grid = sample(3000, (480, 481), 1000)
    assert (grid.half == 128).all()  # 257 symbols each: more than are made at once
    data = encode(k, grid)
    pair = [Decoder(data), Decoder(data[:100])]
    twice = Grid(*(np.stack([part, part]) for part in (grid.delta, grid.mean, grid.scale)))
    found = get_gaussians(pair, twice)
    assert (found.k[0] == k).all()
    assert found.read[1].sum() == get_gaussians([Decoder(data[:100])], grid).read.sum()


# --- bits back --------------------------------------------------------------------------------


def test_what_is_popped_can_be_pushed_back():
    data = np.random.default_rng(0).bytes(400)
    stack, grid = Stack(data), Grid(512, np.arange(90) * 77, 320)  # delta = sigma / 2
    k = get_gaussians([stack], grid, tails=False).k
    assert (np.abs(k * 512 - grid.mean) <= 8.5 * 1024).all()
    used = 3200 - stack.bits
    assert abs(used / 90 - math.log2(math.sqrt(2 * math.pi * math.e) * 2)) < 0.5
    put_gaussians([stack], k, grid, tails=False)
    assert stack.bytes == data


def test_without_tails_nothing_far_can_be_coded():
    grid = Grid(512, np.zeros(2), 320)
    with pytest.raises(CodecError, match="k=17 is too far"):
        put_gaussians([Stack()], np.array([3, 17]), grid, tails=False)
    put_gaussians([Stack()], np.array([16, -16]), grid, tails=False)


def test_a_stack_says_when_it_is_dry():
    stack = Stack()
    with pytest.raises(CodecError, match="run dry"):
        get_gaussians([stack], Grid(512, np.zeros(30), 320))


@pytest.mark.parametrize("data", [b"", b"abcd", b"abcdefg", b"abcd\x00\x00\x00\x00"])
def test_no_stack(data):
    with pytest.raises(CodecError, match="are no stack"):
        Stack(data)


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "mean", "scale"),
    [
        (0, 0, 0),
        (1 << 25, 0, 0),
        (1, math.nan, 0),
        (1, math.inf, 0),
        (1, 1 << 41, 0),
        (1, 0.5, 0),
        (1, 0, -1),
        (1, 0, 1024),
        (1, [0, 0], [0, 0, 0]),
        (1, "0", 0),
    ],
)
def test_grids_refuse(delta, mean, scale):
    with pytest.raises(CodecError, match=r"delta|mean|scale"):
        Grid(delta, mean, scale)


@pytest.mark.parametrize("k", [[0], [0, 0.5], [0, 1 << 31], [0, math.nan], [[0, 0]]])
def test_numbers_that_are_none_are_refused(k):
    with pytest.raises(CodecError, match="k "):
        put_gaussians([Encoder()], k, Grid(1, [0, 0], 300))


def test_coders_are_counted():
    grid, cells = Grid(1, np.zeros((2, 3)), 300), Cells(np.zeros((2, 3)), np.zeros((2, 3)), WIDTH)
    three = [Decoder(b"")] * 3
    with pytest.raises(CodecError, match="3 coders"):
        get_gaussians(three, grid)
    with pytest.raises(CodecError, match="0 coders"):
        put_gaussians([], np.zeros((2, 3)), grid)
    with pytest.raises(CodecError, match="3 coders"):
        get_pixels(three, cells)


@pytest.mark.parametrize(
    ("mean", "scale", "width"),
    [([0], [0, 0], 256), ([math.nan], [0], 256), ([0], [1024], 256), ([0], [0], 0)],
)
def test_cells_refuse(mean, scale, width):
    with pytest.raises(CodecError, match=r"mean|scale|width"):
        Cells(mean, scale, width)


def test_levels_that_are_none_are_refused():
    cells = Cells([0, 0], [0, 0], WIDTH)
    for levels in ([0, 256], [-1, 0], [0], [0, math.nan]):
        with pytest.raises(CodecError, match="levels"):
            put_pixels([Encoder()], levels, cells)


def test_pixels_that_are_not_there_are_an_error():
    levels, cells = picture(500)
    encoder = Encoder()
    put_pixels([encoder], levels, cells)
    data = encoder.finish()
    for cut in (0, 5, len(data) // 2):
        with pytest.raises(CodecError, match="before the last pixel"):
            get_pixels([Decoder(data[:cut])], cells)
