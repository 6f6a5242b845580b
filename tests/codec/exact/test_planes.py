import pytest
import torch

from underdraw.codec.exact.planes import INTEGERS, MOST, read_integers, write_integers

NUMBERS = {
    "a.weight": torch.tensor([[0, 64], [-64, -(1 << 37)], [(1 << 37) - 64, 128]]),
    "a.bias": torch.tensor([(1 << 63) - 1, -(1 << 63), 5]),
    "start": torch.tensor([-1, 1, (1 << 31) - 1, -(1 << 31)]),
    "none": torch.zeros(0, 3, dtype=torch.int64),
}
SHAPES = {name: tuple(value.shape) for name, value in NUMBERS.items()}


def test_integers_are_kept_to_the_last_bit(tmp_path):
    write_integers(tmp_path / INTEGERS, NUMBERS, 6)
    found = read_integers(tmp_path / INTEGERS, SHAPES, 6)
    assert found.keys() == NUMBERS.keys()
    for name, value in NUMBERS.items():
        assert found[name].dtype == torch.int64
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("a.weight", torch.tensor([64, 32]), "a.weight holds numbers that are no multiples of 2.6"),
        ("a.weight", torch.tensor([1 << 37]), "a.weight holds 2147483648 to 2147483648, which 4"),
        ("start", torch.tensor([-(1 << 31) - 1, 0]), "start holds -2147483649 to 0, which 4 bytes"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, name, value, reason):
    with pytest.raises(ValueError, match=reason):
        write_integers(tmp_path / INTEGERS, {name: value}, 6)
    assert not list(tmp_path.iterdir())


def test_nothing_is_taken_on_the_word_of_a_config(tmp_path):
    write_integers(tmp_path / INTEGERS, NUMBERS, 6)
    with pytest.raises(ValueError, match=f"{MOST + 1} numbers are more than a model may have"):
        read_integers(tmp_path / INTEGERS, {"a": (MOST + 1,)})
    with pytest.raises(ValueError, match="holds 64 bytes, not 10000"):
        read_integers(tmp_path / INTEGERS, {"a": (50, 50)})
    length = (tmp_path / INTEGERS).stat().st_size
    with pytest.raises(ValueError, match=f"{length} bytes cannot hold {258 * length + 1} numbers"):
        read_integers(tmp_path / INTEGERS, {"a": (258 * length + 1,)})


def test_small_numbers_take_few_bytes(tmp_path):
    numbers = {"weight": torch.randn(100_000, generator=torch.manual_seed(0)).mul(20).long()}
    write_integers(tmp_path / INTEGERS, numbers)
    entropy = 100_000 * 6.4 / 8  # log2(20 sqrt(2 pi e)) bits each
    assert 0.97 * entropy < (tmp_path / INTEGERS).stat().st_size < 1.12 * entropy
