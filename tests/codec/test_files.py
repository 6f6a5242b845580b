"""Files of one picture: what comes back, what is refused, and how small they are."""

import copy
import inspect
import io
import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import SupportsFloat

import numpy as np
import pytest
from PIL import Image, ImageCms

import underdraw
from codec.crops import GOLDEN, crops, tiny
from codec.hostile import wild
from underdraw.codec import archive, decoding, encoding, exact, library, lossy, wishes
from underdraw.codec.container import ALPHA, LOSSY, PROFILE, Header, Incomplete, build, parse
from underdraw.codec.decoding import decompress, decompress_all, picture_of
from underdraw.codec.deflated import deflate
from underdraw.codec.encoding import compress, compress_all
from underdraw.codec.errors import CodecError, NoMemory, NoRoom, real_number
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, read, to_pillow
from underdraw.codec.measures import psnr
from underdraw.codec.wishes import Wish
from underdraw.codec.written import write

MODEL = GOLDEN / "tiny@1"


def picture(channels: int = 3, height: int = 16, width: int = 21) -> np.ndarray:
    """(H, W, channels) as Pillow has it; the last channel of 2 and 4 is opacity."""
    return crops(1, height, width, 3)[0][[0, 1, 2, 0][:channels]].transpose(1, 2, 0).squeeze()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_files_keep_everything(channels: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    levels = picture(channels)
    source = read(levels)._replace(icc=profile)
    found = decompress(compress(source, MODEL, lossless=True), model=MODEL)
    assert np.array_equal(np.asarray(found), levels)
    assert found.info["icc_profile"] == profile
    assert found.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossy_files_keep_the_opacity(channels: int) -> None:
    levels = picture(channels)
    found = np.asarray(decompress(compress(levels, MODEL, quality=90.0), model=MODEL))
    assert found.shape == levels.shape
    colours = 1 if channels < 3 else 3
    assert psnr(np.atleast_3d(found)[..., :colours], np.atleast_3d(levels)[..., :colours]) > 18
    if channels in (2, 4):
        assert np.array_equal(found[..., -1], levels[..., -1])


def test_lossy_files_are_srgb_and_drop_a_full_opacity() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = Picture(crops(1)[0], np.full((32, 32), 255, np.uint8), profile)
    content = compress(source, MODEL, quality=50.0)
    assert not parse(content)[0].extras
    assert parse(content)[0].short
    found = decompress(content, model=MODEL)
    assert found.mode == "RGB"
    assert "icc_profile" not in found.info


def test_the_whole_file_meets_the_rate() -> None:
    levels = np.moveaxis(crops(1)[0], 0, 2)
    for rate in (0.05, 1.0):
        room = int(rate * 3072 / 8)
        assert 0.8 * room < len(compress(levels, MODEL, bits_per_dim=rate)) <= room
    with pytest.raises(CodecError, match="less than the header"):
        compress(picture(), MODEL, bits_per_dim=0.01)


def test_many_pictures_of_some_sizes_are_what_they_are_alone() -> None:
    images = [picture(), picture(1), picture(3, 8, 8), picture()[::-1], picture(1)[::-1]]
    for wish in (Wish(steps=2), Wish(lossless=True)):
        together = compress_all(images, MODEL, wish)
        assert together == [compress_all([image], MODEL, wish)[0] for image in images]


def test_steps_stored_and_taken() -> None:
    whole, part = compress(picture(), MODEL), compress(picture(), MODEL, steps=2)
    assert len(part) < len(whole)
    stored = decompress(part, model=MODEL)
    assert stored == decompress(whole, model=MODEL, steps=2)
    assert stored == decompress(part, model=MODEL, steps=4)
    assert stored != decompress(part, model=MODEL, temperature=1.0)
    with pytest.raises(CodecError, match="got 5"):
        decompress(whole, model=MODEL, steps=5)


@pytest.mark.parametrize("part", [{"steps": 4}, {"steps": 0}, {"temperature": 0.5}, {"seed": 1}])
def test_lossless_files_hold_whole_pictures(part: dict[str, float]) -> None:
    content = compress(picture(3, 6, 5), MODEL, lossless=True)
    ((name, value),) = part.items()
    with pytest.raises(CodecError, match=f"{name}={value} is for lossy files.*whole pictures"):
        decompress(content, model=MODEL, **part)
    usual = decompress(content, model=MODEL, steps=None, temperature=0.0, seed=0)
    assert np.array_equal(np.asarray(usual), picture(3, 6, 5))


def test_what_fills_up_the_stride_counts(monkeypatch) -> None:
    content = compress(picture()[:1, :20], MODEL, steps=1)
    assert decompress(content, model=MODEL, max_pixels=2 * 20).size == (20, 1)
    both = [content, compress(picture()[:1, :20], MODEL, lossless=True)]
    monkeypatch.setattr(Twin, "paint", lambda *given, **told: pytest.fail("drawn"))
    for data in both:
        with pytest.raises(CodecError, match="drawn as 20 x 2: more than 39 pixels"):
            decompress(data, model=MODEL, max_pixels=39)
    for wish in ({}, {"lossless": True}, {"bits_per_dim": 1.0}):
        with pytest.raises(CodecError, match="drawn as 2 x 16777216: more than 16777216 pixels"):
            compress(np.zeros((1 << 24, 1), np.uint8), MODEL, **wish)


def test_wishes_that_exclude_each_other() -> None:
    for wish in (
        {"lossless": True, "quality": 0.0},
        {"lossless": True, "steps": 0},
        {"quality": 5.0, "bits_per_dim": 1.0},
    ):
        with pytest.raises(CodecError, match="exclude each other"):
            compress(picture(), MODEL, **wish)
    for rate in (0.0, -1.0, float("nan")):
        with pytest.raises(CodecError, match="bits_per_dim must be"):
            compress(picture(), MODEL, bits_per_dim=rate)


def test_every_prefix_and_every_flipped_bit_gives_a_picture_or_an_error() -> None:
    alpha = np.dstack([picture(3, 6, 5), np.arange(30, dtype=np.uint8).reshape(6, 5)])
    for source, wish in ((picture(3, 6, 5), {}), (alpha, {}), (alpha, {"lossless": True})):
        content = compress(source, MODEL, **wish)
        damaged = [content[:i] for i in range(len(content))]
        damaged += [
            content[: i // 8] + bytes([content[i // 8] ^ 1 << i % 8]) + content[i // 8 + 1 :]
            for i in range(0, 8 * len(content), 3)
        ]
        shown = sum(shows(data) for data in damaged)
        assert bool(shown) != bool(wish)  # lossless files have a checksum


def shows(content: bytes) -> bool:
    try:
        return decompress(content, model=MODEL, max_pixels=4096).size == (5, 6)
    except CodecError as error:
        reason = str(error)
    assert reason
    return False


def test_a_file_says_which_model_it_needs(tmp_path: Path, monkeypatch) -> None:
    content = compress(picture(), MODEL)
    with pytest.raises(CodecError, match=f"no shipped model has the hash {tiny().hash[:2].hex()}"):
        decompress(content)
    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    assert decompress(content) == decompress(content, model=MODEL)
    with pytest.raises(CodecError, match=r"no shipped model has the hash 0{16} .*: tiny@1\)"):
        library.twin_of(bytes(8))
    codes = {MODEL: tiny().hash.hex(), tmp_path: tiny().hash[:2].hex() + "0" * 12}
    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL, "other@1": tmp_path})
    with monkeypatch.context() as patch:
        patch.setattr(exact, "describe", lambda folder: {"hash": codes[folder]})
        with pytest.raises(CodecError, match="more than one"):
            decompress(content)
    other = content[:2] + bytes([content[2] ^ 1]) + content[3:]
    with pytest.raises(CodecError, match="damaged"):
        decompress(other, model=MODEL)
    header, payload = parse(content)
    assert picture_of(header, payload, tiny()).size == (16, 21)
    with pytest.raises(CodecError, match="no exact model"):
        compress(picture(), tmp_path)


def test_names_of_two_bytes_only_where_they_tell(tmp_path: Path, monkeypatch) -> None:
    twin = tiny()
    assert library.unique(twin)
    code = {"hash": twin.hash[:2].hex() + "0" * 12}
    monkeypatch.setattr(exact, "shipped", lambda: {"other@1": tmp_path})
    monkeypatch.setattr(exact, "describe", lambda folder: code)
    assert not library.unique(twin)
    content = compress(picture(), twin)
    assert parse(content)[0].model == twin.hash
    assert decompress(content, model=twin).size == (21, 16)


def test_python_has_it_on_top() -> None:
    content = underdraw.compress(Image.fromarray(picture()), model=MODEL)
    assert underdraw.decompress(content, model=MODEL).size == (21, 16)
    with pytest.raises(Incomplete):
        underdraw.decompress(content[:5], model=MODEL)
    for name in ("compress", "compress_all", "decompress", "decompress_all"):
        assert name in underdraw.__all__
        where = encoding if name.startswith("compress") else decoding
        assert getattr(underdraw, name) is getattr(where, name)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = underdraw.nothing


def test_the_plugin(tmp_path: Path, monkeypatch) -> None:
    from underdraw.codec import plugin

    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    for channels in (1, 2, 3, 4):
        path = tmp_path / "a.udr"
        Image.fromarray(picture(channels)).save(path, model=MODEL, lossless=True)
        with Image.open(path) as image:
            assert image.format == "UDR"
            assert image.size == (21, 16)
            assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
            assert np.array_equal(np.asarray(image), picture(channels))
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "UDR", model=MODEL, tile=(8, 8))
    assert parse(out.getvalue())[0].tile == (8, 8)
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "UDR", model=MODEL, quality=20.0)
    assert plugin.accept(out.getvalue()[:16])
    assert not plugin.accept(b"\x89PNG")
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(out.getvalue()[:6]))


def test_the_plugin_takes_a_profile_that_is_given_with_the_picture(monkeypatch) -> None:
    import underdraw.codec.plugin  # noqa: F401

    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(picture())
    for given, kept in ((profile, profile), (None, None), (b"", None)):
        image.info["icc_profile"], out = profile, io.BytesIO()
        image.save(out, "UDR", model=MODEL, lossless=True, icc_profile=given)
        assert decompress(out.getvalue()).info.get("icc_profile") == kept
        assert image.info["icc_profile"] == profile
    frames = io.BytesIO()
    image.save(frames, "PNG", save_all=True, append_images=[Image.fromarray(255 - picture())])
    with (
        Image.open(frames) as moving,
        pytest.raises(CodecError, match="2 frames"),
    ):
        moving.save(io.BytesIO(), "UDR", model=MODEL, lossless=True, icc_profile=None)


@pytest.mark.parametrize("content", [5, None, io.BytesIO(b"x"), [1, 2]])
def test_only_files_and_their_bytes_are_decompressed(content) -> None:
    with pytest.raises(CodecError, match="is no file, nor the bytes of one"):
        inspect.unwrap(decoding._bytes_of)(content)  # as where types are not checked


def test_the_plugin_closes_the_file_it_has_read(tmp_path: Path, monkeypatch) -> None:
    import underdraw.codec.plugin  # noqa: F401

    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    path = tmp_path / "a.udr"
    Image.fromarray(picture()).save(path, model=MODEL)
    image = Image.open(path)
    file = image.fp
    image.load()
    assert file.closed
    assert image.load() is not None
    with path.open("rb") as mine, Image.open(mine) as other:
        other.load()
        assert not mine.closed


def test_what_the_plugin_opens_can_be_copied_and_pickled(tmp_path: Path, monkeypatch) -> None:
    import underdraw.codec.plugin  # noqa: F401

    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    path = tmp_path / "a.udr"
    Image.fromarray(picture()).save(path, model=MODEL, lossless=True)
    for copied in (copy.copy, copy.deepcopy, lambda image: pickle.loads(pickle.dumps(image))):
        with Image.open(path) as image:
            other = copied(image)
            assert other.load() is not None
            assert np.array_equal(np.asarray(other), picture())
            assert np.array_equal(np.asarray(image), picture())


def test_the_plugin_knows_the_profile_before_the_pixels(monkeypatch) -> None:
    from underdraw.codec import plugin

    monkeypatch.setattr(decoding, "decompress", lambda *given, **told: pytest.fail("decoded"))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = compress(Picture(crops(1)[0], None, profile), MODEL, lossless=True)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["icc_profile"] == profile
    header = Header(LOSSY, tiny().hash, 5, 6, 3, 4, {PROFILE: b"no deflated bytes"})
    damaged = io.BytesIO(build(header, b""))
    with pytest.raises(SyntaxError, match="the colour profile is damaged"):
        plugin.UdrImageFile(damaged)
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(damaged)


def test_an_empty_profile_is_none(tmp_path: Path) -> None:
    levels = crops(1)[0]
    content = compress(Picture(levels, None, b""), MODEL, lossless=True)
    assert not parse(content)[0].extras
    header, payload = parse(content)
    full = Header(header.kind, tiny().hash, 32, 32, 3, 4, {PROFILE: deflate(b"")})
    shown = picture_of(full, payload, tiny())
    assert shown.icc is None
    assert np.array_equal(shown.levels, levels)
    assert compress(Picture(levels, None, b""), MODEL) == compress(Picture(levels), MODEL)
    write(Picture(levels, None, b""), tmp_path / "a.png", exact=True)
    assert read(tmp_path / "a.png").icc is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"levels": np.zeros((3, 4, 5), np.int64)}, r"levels int64 \(3, 4, 5\)"),
        ({"levels": np.zeros((2, 4, 5), np.uint8)}, r"levels uint8 \(2, 4, 5\)"),
        ({"levels": np.zeros((4, 5), np.uint8)}, r"levels uint8 \(4, 5\)"),
        ({"levels": np.zeros((3, 0, 5), np.uint8)}, r"levels uint8 \(3, 0, 5\)"),
        ({"levels": [[[1]]]}, "levels list"),
        ({"alpha": np.zeros((5, 4), np.uint8)}, r"alpha uint8 \(5, 4\)"),
        ({"alpha": np.zeros((4, 5))}, r"alpha float64 \(4, 5\)"),
        ({"alpha": 255}, "alpha int"),
        ({"icc": "sRGB"}, "icc str"),
    ],
)
@pytest.mark.parametrize("lossless", [True, False])
def test_pictures_are_what_they_should_be(wrong, reason: str, lossless: bool) -> None:
    source = Picture(np.zeros((3, 4, 5), np.uint8))._replace(**wrong)
    with pytest.raises(CodecError, match=f"no picture has {reason}"):
        compress(source, MODEL, lossless=lossless)
    if "icc" not in wrong:
        with pytest.raises(CodecError, match=r"images\[1\]: no picture has"):
            compress_all([picture(), source], MODEL, Wish(lossless=lossless))


@pytest.mark.parametrize(
    "value", ["0.2", "keep", [1.0], 1j, None, pytest.param(10**400, id="huge"), np.zeros(2)]
)
def test_numbers_are_numbers(value: object) -> None:
    with pytest.raises(CodecError, match="it must be a number, got "):
        real_number("it", value)
    for name in ("quality", "bits_per_dim") if value is not None else ():
        with pytest.raises(CodecError, match=f"{name} must be a number, got "):
            Wish(**{name: value}).check()


@pytest.mark.parametrize("value", [pytest.param(10**400, id="huge"), np.zeros(2)])
def test_what_takes_numbers_says_which_is_none(value: SupportsFloat) -> None:
    with pytest.raises(CodecError, match="quality must be a number, got "):
        compress(picture(), MODEL, quality=value)
    for wish in ({}, {"lossless": True}):
        content = compress(picture(3, 4, 4), MODEL, **wish)
        with pytest.raises(CodecError, match="temperature must be a number, got "):
            decompress(content, model=MODEL, temperature=value)


def test_numbers_of_other_types_are_numbers() -> None:
    for other in (np.float32(0.5), Fraction(1, 2), Decimal("0.5")):
        assert compress(picture(), MODEL, bits_per_dim=other) == compress(
            picture(), MODEL, bits_per_dim=0.5
        )
        assert compress(picture(), MODEL, quality=other) == compress(picture(), MODEL, quality=0.5)
    power = wishes.setting(tiny(), Wish(quality=Decimal("0.5")), named=False)
    assert power == wishes.setting(tiny(), Wish(quality=0.5), named=False)


@pytest.mark.parametrize("name", ["a\0b", Path("a\0b"), "nowhere.udr"])
def test_files_that_cannot_be(name: str | Path) -> None:
    with pytest.raises(CodecError, match="cannot be read"):
        decompress(name)


def test_the_plugin_opens_what_it_may(tmp_path: Path, monkeypatch) -> None:
    from underdraw.codec import plugin

    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": MODEL})
    path = tmp_path / "a.udr"
    with pytest.raises(CodecError, match="more than 300 pixels"):
        Image.fromarray(picture()).save(path, model=MODEL, max_pixels=300)
    Image.fromarray(picture()).save(path, model=MODEL)
    monkeypatch.setattr(plugin.UdrImageFile, "max_pixels", 300)
    with Image.open(path) as image:
        assert image.size == (21, 16)
        with pytest.raises(CodecError, match="more than 300 pixels"):
            image.load()
    monkeypatch.setattr(plugin.UdrImageFile, "max_pixels", 400)
    with Image.open(path) as image:
        image.load()


def test_many_at_once_are_what_they_are_alone(monkeypatch) -> None:
    levels = list(crops(3, 12, 10).transpose(0, 2, 3, 1))
    together = compress_all(levels, tiny(), Wish())
    monkeypatch.setattr("underdraw.codec.together.TOGETHER", 130)
    assert compress_all(levels, tiny(), Wish()) == together


def test_the_one_of_many_that_cannot_be_decoded_is_named() -> None:
    levels = list(crops(3, 12, 10).transpose(0, 2, 3, 1))
    good = compress_all(levels, tiny(), Wish())
    contents = [good[0], wild(levels[1]), good[2]]
    with pytest.raises(CodecError, match=r"^contents\[1\]: k=2147483653 is no number"):
        decompress_all(contents, model=tiny())
    found = dict(decoding.each_of([parse(content) for content in contents], tiny()))
    assert str(found[1]).startswith("files[1]: k=2147483653 is no number")
    for i in (0, 2):
        assert to_pillow(found[i]) == decompress(good[i], model=tiny())
    with pytest.raises(CodecError, match=r"^k=2147483653 is no number"):
        decompress(contents[1], model=tiny())


def test_seeds_are_whole_numbers_of_64_bits() -> None:
    content = compress(crops(1)[0].transpose(1, 2, 0), tiny())
    for seed in (-1, 1 << 64):
        with pytest.raises(CodecError, match=r"seed must be in 0\.\.2\^64 - 1, got"):
            decompress(content, model=tiny(), temperature=1.0, seed=seed)
    whole = decompress(content, model=tiny(), temperature=1.0, seed=3)
    assert decompress(content, model=tiny(), temperature=1.0, seed=np.int64(3)) == whole


def test_files_are_any_bytes() -> None:
    png = io.BytesIO()
    Image.fromarray(picture()).save(png, "PNG")
    content = compress(png.getvalue(), MODEL)
    for kind in (bytearray, memoryview):
        assert compress(kind(png.getvalue()), MODEL) == content
        assert decompress(kind(content), model=MODEL) == decompress(content, model=MODEL)


def test_many_files_are_decoded_together_to_what_they_are_alone(monkeypatch) -> None:
    levels = list(crops(4, 12, 10).transpose(0, 2, 3, 1))
    made = compress_all(levels, MODEL)
    made += compress_all([levels[1][..., 0], picture(4), picture(4)[::-1]], MODEL)
    made += [made[0][:30], *compress_all(levels[:2], MODEL, Wish(tile=(5, 6)))]
    made += [*compress_all(levels[:2], MODEL, Wish(steps=2)), made[1]]
    for told in ({}, {"temperature": 1.0, "seed": 5}, {"steps": 1}):
        alone = [decompress(content, model=MODEL, **told) for content in made]
        assert decompress_all(iter(made), model=MODEL, **told) == alone
    calls, decode = [], lossy.decode
    monkeypatch.setattr(
        lossy, "decode", lambda t, s, **rest: calls.append(len(s)) or decode(t, s, **rest)
    )
    whole = compress(levels[0], MODEL, lossless=True)
    found = decompress_all([whole, *made, whole], model=MODEL)
    assert np.array_equal(found[0], levels[0])
    assert found[0] == found[-1]
    assert sorted(calls) == [1, 2, 2, 2, 6]
    assert decompress_all([]) == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate"),
    ],
)
def test_too_little_memory_is_said_of_the_picture(error: Exception, monkeypatch) -> None:
    header = Header(LOSSY, tiny().hash, 3000, 4000, 3, 4)
    lossless = compress(picture(), MODEL, lossless=True)
    block, data = archive.encode_block(tiny(), crops(2, 8, 9))
    shortage = [(build(header, b""), "over 4000 x 3000 pixels"), (lossless, "over 21 x 16 pixels")]

    def fail(*given, **told):
        raise error

    monkeypatch.setattr(Twin, "paint", fail)
    for content, said in shortage:
        with pytest.raises(NoMemory, match=f"memory ran out {said}"):
            decompress(content, model=MODEL)
        with pytest.raises(NoMemory, match=f"memory ran out {said}"):
            picture_of(*parse(content), tiny())
    for wish in ({}, {"lossless": True}, {"bits_per_dim": 1.0}):
        with pytest.raises(NoMemory, match="memory ran out over 21 x 16 pixels"):
            compress(picture(), MODEL, **wish)
    with pytest.raises(NoMemory, match="over 2 pictures of 9 x 8 pixels"):
        archive.decode_block(tiny(), block, data)
    with pytest.raises(NoMemory, match="over 2 pictures of 9 x 8 pixels"):
        archive.encode_block(tiny(), crops(2, 8, 9))
    error.args = ("unsupported memory format",)
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError, match="unsupported memory format"):
            decompress(lossless, model=MODEL)


def test_a_caller_may_allow_more_pixels(monkeypatch) -> None:
    levels = picture()
    for wish in ({}, {"lossless": True}, {"tile": (8, 8)}):
        with pytest.raises(CodecError, match="more than 335 pixels"):
            compress(levels, MODEL, **wish, max_pixels=16 * 21 - 1)
    with pytest.raises(CodecError, match="more than 16777216 pixels"):
        compress(np.zeros((4096, 4097), np.uint8), MODEL)
    monkeypatch.setattr(encoding, "_together", lambda twin, pictures, *rest: [b"made"])
    large = np.zeros((4096, 4098), np.uint8)
    assert compress(large, MODEL, max_pixels=1 << 25) == b"made"


def test_grey_pictures_with_a_profile_of_colours_are_coded() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    png = io.BytesIO()
    Image.fromarray(picture(1)).save(png, "PNG", icc_profile=profile)
    assert compress(png.getvalue(), MODEL) == compress(picture(1), MODEL)
    kept = decompress(compress(png.getvalue(), MODEL, lossless=True), model=MODEL)
    assert kept.info["icc_profile"] == profile


def test_errors_of_many_say_which_it_was() -> None:
    good, large = picture(), picture(3, 17, 21)
    odd = read(good)._replace(icc=b"nothing")
    rate = Wish(bits_per_dim=0.2)
    with pytest.raises(CodecError, match=r"^images\[1\]: is drawn as 22 x 18: more than 390"):
        compress_all([good, large], MODEL, max_pixels=390)
    with pytest.raises(CodecError, match=r"^b: has a colour profile that cannot be applied"):
        compress_all([read(good), odd], MODEL, names=["a", "b"])
    with pytest.raises(NoRoom, match=r"^b: 0\.2 bits_per_dim are 8 bytes, less than the header"):
        compress_all([picture(3, 9, 12), picture(4, 9, 12)], MODEL, rate, names=["a", "b"])
    content = compress(large, MODEL)
    with pytest.raises(CodecError, match=r"^contents\[1\]: not an underdraw file"):
        decompress_all([content, b"nothing"], model=MODEL)
    with pytest.raises(CodecError, match=r"^contents\[2\]: is drawn as .* more than 357 pixels"):
        decompress_all([compress(good, MODEL)] * 2 + [content], model=MODEL, max_pixels=357)
    with pytest.raises(CodecError, match=r"^contents\[1\]: no shipped model has the hash 0000"):
        decompress_all([compress(good, "convdraw_photo_least"), NOBODY])
    clear = Header(LOSSY, tiny().hash, 17, 21, 3, 4, {ALPHA: b"nothing"})
    with pytest.raises(CodecError, match=r"^contents\[1\]: opacity is damaged"):
        decompress_all([content, build(clear, b"")], model=MODEL)
    with pytest.raises(CodecError, match=r"^is drawn as"):  # of one alone it needs no saying
        compress(large, MODEL, max_pixels=380)


NOBODY = build(Header(LOSSY, bytes(8), 4, 4, 3, 4), b"", short=False)


def test_a_header_that_is_too_long_says_how_long() -> None:
    with pytest.raises(NoRoom, match=r"are 3 bytes, less than the header, which has 8$"):
        compress(picture(), MODEL, bits_per_dim=0.03)
    said = r"are 31 bytes, less than the header, which has \d+, opacity included$"
    with pytest.raises(NoRoom, match=said):
        compress(picture(4), MODEL, bits_per_dim=0.25)


def test_limits_say_who_sets_them() -> None:
    content = compress(picture(), MODEL)
    for refuse in (
        lambda: compress(picture(), MODEL, max_pixels=300),
        lambda: compress(np.zeros((1, 200), np.uint8), MODEL, max_pixels=300),
        lambda: decompress(content, model=MODEL, max_pixels=300),
    ):
        with pytest.raises(CodecError, match=r"more than 300 pixels \(max_pixels, --max-pixels\)"):
            refuse()


def test_ends_that_are_excluded_are_said_to_be() -> None:
    for rate in (0.0, 64.0):
        with pytest.raises(CodecError, match=f"must be above 0 and below 64, got {rate}"):
            compress(picture(), MODEL, bits_per_dim=rate)
    content = compress(picture(), MODEL)
    for temperature in (-1.0, 1000.0):
        with pytest.raises(CodecError, match=f"at least 0 and below 1000, got {temperature}"):
            decompress(content, model=MODEL, temperature=temperature)


def test_whole_numbers_of_any_type_are_taken() -> None:
    for kind in (np.int64, np.uint8):
        content = compress(picture(), MODEL, steps=kind(2))
        assert content == compress(picture(), MODEL, steps=2)
        assert decompress(content, model=MODEL, steps=kind(1)) == decompress(
            content, model=MODEL, steps=1
        )
    plain = compress_all([picture()], MODEL, Wish(tile=(8, 8)))
    assert compress_all([picture()], MODEL, Wish(tile=tuple(np.array([8, 8])))) == plain


def test_files_are_named_by_their_path(tmp_path: Path) -> None:
    content = compress(picture(), MODEL)
    path = tmp_path / "a.udr"
    path.write_bytes(content)
    for name in (path, str(path)):
        assert decompress(name, model=MODEL) == decompress(content, model=MODEL)
        assert decompress_all([name, content], model=MODEL)[0].size == (21, 16)
    for name in (tmp_path / "missing.udr", str(tmp_path)):
        with pytest.raises(CodecError, match=f"^{name} cannot be read: (No such|Is a dir)"):
            decompress(name, model=MODEL)
