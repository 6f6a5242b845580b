"""Pictures in and out: what is kept exactly, what is refused, and with which words."""

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from underdraw.codec.deflated import pack_alpha, unpack_alpha
from underdraw.codec.errors import CodecError, NoMemory
from underdraw.codec.image import (
    Picture,
    as_seen,
    from_array,
    grey,
    in_srgb,
    read,
    to_pillow,
)
from underdraw.codec.written import rehearse, write

ORIENTATION = 0x0112


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def saved(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, **{"format": "PNG", **options})  # pyrefly: ignore
    return out.getvalue()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_levels_and_alpha_survive_a_file(tmp_path: Path, channels: int) -> None:
    levels = noise(5, 7, channels)
    picture = read(levels)
    assert picture.size == (5, 7)
    assert len(picture.levels) == (1 if channels < 3 else 3)
    assert (picture.alpha is None) == (channels in (1, 3))
    write(picture, tmp_path / "a.png")
    again = read(tmp_path / "a.png")
    assert np.array_equal(again.levels, picture.levels)
    assert np.array_equal(again.levels[0], levels[..., 0])
    if picture.alpha is not None:
        assert np.array_equal(again.alpha, levels[..., -1])
    assert read(to_pillow(picture)).levels.shape == picture.levels.shape


def test_grey_without_a_channel_axis() -> None:
    assert np.array_equal(read(noise(4, 3)).levels[0], noise(4, 3))


def test_bilevel_and_palette_keep_their_colours() -> None:
    image = Image.fromarray(noise(6, 5)).convert("1")
    assert np.array_equal(read(image).levels[0], 255 * np.asarray(image).astype(np.uint8))
    palette = Image.fromarray(noise(6, 5, 3)).convert("P", palette=Image.Palette.ADAPTIVE)
    found = read(saved(palette))
    assert np.array_equal(found.levels, np.asarray(palette.convert("RGB")).transpose(2, 0, 1))
    assert found.alpha is None
    clear = read(saved(palette, transparency=0))
    assert np.array_equal(clear.alpha, np.where(np.asarray(palette) == 0, 0, 255))


def test_colour_keys_become_alpha() -> None:
    picture = read(saved(Image.fromarray(noise(4, 4)), transparency=int(noise(4, 4)[1, 2])))
    assert picture.alpha is not None
    assert picture.alpha[1, 2] == 0
    assert picture.alpha.max() == 255
    assert np.array_equal(picture.levels[0], noise(4, 4))


def tga(palette: np.ndarray, index: np.ndarray) -> bytes:
    """A TGA file of a palette of 32 bits."""
    height, width = index.shape
    kind = struct.pack("<BBBHHB", 0, 1, 1, 0, len(palette), 32)
    head = kind + struct.pack("<HHHHBB", 0, 0, width, height, 8, 0x20)
    return head + palette[:, [2, 1, 0, 3]].tobytes() + index.tobytes()


def test_palettes_keep_their_opacity() -> None:
    palette, index = noise(4, 4), noise(5, 6) % 4
    found = read(tga(palette, index))
    assert np.array_equal(to_pillow(found), palette[index])
    quantized = Image.fromarray(noise(6, 5, 4)).quantize(8)
    found = read(quantized)
    assert found.alpha is not None
    assert found.alpha.min() < 255
    assert np.array_equal(to_pillow(found), quantized.convert("RGBA"))


def key_png(bits: int, key: int) -> bytes:
    """A grey PNG of one row, in which every level occurs and one is clear."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    levels = np.arange(1 << bits, dtype=np.uint8)
    digits = levels[:, None] >> np.arange(bits)[::-1] & 1
    row = zlib.compress(b"\0" + np.packbits(digits).tobytes())
    head = struct.pack(">IIBBBBB", len(levels), 1, bits, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"tRNS", struct.pack(">H", key)), (b"IDAT", row), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_colour_keys_of_few_bits_are_scaled_as_their_pixels(bits: int) -> None:
    for key in range(1 << bits):
        levels = np.arange(1 << bits) * (255 // ((1 << bits) - 1))
        expected = np.where(np.arange(1 << bits) == key, 0, 255)
        with Image.open(io.BytesIO(key_png(bits, key))) as image:
            for _ in range(2):  # a Pillow image may be read again
                picture = read(image)
                assert np.array_equal(picture.levels[0, 0], levels)
                assert picture.alpha is not None
                assert np.array_equal(picture.alpha[0], expected)


def test_pictures_stand_upright() -> None:
    levels = noise(4, 6, 3)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned by 90 degrees, clockwise
    picture = read(saved(Image.fromarray(levels), exif=exif))
    assert np.array_equal(picture.levels.transpose(1, 2, 0), np.rot90(levels, -1))


def test_profiles_are_kept_or_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read(saved(Image.fromarray(noise(4, 6, 4)), icc_profile=profile))
    assert picture.icc == profile
    flat = in_srgb(picture)
    assert flat.icc is None
    assert np.array_equal(flat.alpha, noise(4, 6, 4)[..., 3])
    assert np.abs(flat.levels.astype(int) - picture.levels).max() <= 1
    assert in_srgb(flat) is flat
    with pytest.raises(CodecError, match="profile"):
        in_srgb(picture._replace(icc=b"nothing"))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(CodecError, match=mode):
        read(Image.new(mode, (3, 2)))


def test_animations_are_refused() -> None:
    frames = [Image.fromarray(noise(4, 4, 3)), Image.fromarray(255 - noise(4, 4, 3))]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        with pytest.raises(CodecError, match="2 frames"):
            read(saved(frames[0], format=form, save_all=True, append_images=frames[1:]))


def test_large_pictures_are_refused_before_they_are_decoded(monkeypatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("decoded"))
    content = saved_without_load()
    with pytest.raises(CodecError, match="30 x 20: more than 599 pixels"):
        read(content, most=599)
    with pytest.raises(CodecError, match="more than 599"):
        read(np.zeros((20, 30), np.uint8), most=599)


def saved_without_load() -> bytes:
    head = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def test_what_is_no_picture(tmp_path: Path) -> None:
    content = saved(Image.fromarray(noise(9, 9, 3)))
    for source in (b"", b"no picture", content[:-40], tmp_path, tmp_path / "missing.png"):
        with pytest.raises(CodecError, match="cannot be read"):
            read(source)
    for levels in (np.zeros((2, 2)), np.zeros((0, 2), np.uint8), np.zeros((2, 2, 5), np.uint8)):
        with pytest.raises(CodecError, match="no picture"):
            read(levels)


def test_what_does_not_fit_into_memory(monkeypatch) -> None:
    def fail(image: Image.Image) -> None:
        raise MemoryError

    content = saved(Image.fromarray(noise(9, 9, 3)))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(NoMemory, match=r"^the picture does not fit into memory$"):
        read(content)
    monkeypatch.setattr("PIL.Image.open", lambda source: next(iter(())))  # says nothing
    with pytest.raises(CodecError, match=r"cannot be read as a picture: StopIteration$"):
        read(content)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for name in ("a.nothing", "a", "a.jpg"):
        with pytest.raises(CodecError, match=name):
            write(read(noise(3, 3, 4)), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_alpha_is_packed_exactly() -> None:
    flat = np.full((300, 400), 255, np.uint8)
    assert len(pack_alpha(flat)) < 200
    for alpha in (noise(13, 8), flat):
        assert np.array_equal(unpack_alpha(pack_alpha(alpha), alpha.shape), alpha)


def told(content: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with more chunks behind its first."""
    more = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return content[:33] + more + content[33:]


def test_another_gamma_is_not_lost_but_refused() -> None:
    plain = saved(Image.fromarray(noise(3, 4, 3)), format="PNG")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for gamma in (100_000, 55_556, 45_000 - 100):
        chunk = b"gAMA", struct.pack(">I", gamma)
        with pytest.raises(CodecError, match=f"has gamma {gamma / 1e5} .*convert it to sRGB"):
            read(told(plain, chunk))
        with Image.open(io.BytesIO(told(plain, chunk))) as image:
            with pytest.raises(CodecError, match="has gamma"):
                read(image)
            del image.info["gamma"]
            assert read(image).size == (3, 4)
        assert read(told(plain, chunk, (b"sRGB", b"\0"))).icc is None
        wrapped = b"it\0\0" + zlib.compress(profile)
        assert read(told(plain, chunk, (b"iCCP", wrapped))).icc == profile
        with pytest.raises(CodecError, match="has gamma"):
            read(told(plain, chunk, (b"iCCP", b"it\0\0 damaged")))
    for gamma in (45_455, 45_454, 45_500, 0):
        assert read(told(plain, (b"gAMA", struct.pack(">I", gamma)))).size == (3, 4)


def psd(picture: np.ndarray, layers: int) -> bytes:
    """A Photoshop file of a picture (H, W, 3), with so many layers of one grey pixel."""
    record = struct.pack(">4i2H", 0, 0, 1, 1, 1, 0) + struct.pack(">I", 3)
    record += b"8BIMnorm\xff\0\0\0" + struct.pack(">I", 12) + bytes(12)
    info = struct.pack(">h", layers) + layers * record + layers * b"\0\0\x07"
    info = struct.pack(">I", len(info)) + info
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, *picture.shape[:2], 8, 3) + bytes(8)
    planes = picture.transpose(2, 0, 1).tobytes()
    return head + struct.pack(">I", len(info)) + info + bytes(2) + planes


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_layers_are_no_frames(layers: int) -> None:
    picture = noise(5, 4, 3)
    content = psd(picture, layers)
    with Image.open(io.BytesIO(content)) as image:
        assert image.n_frames == layers
    assert np.array_equal(read(content).levels, picture.transpose(2, 0, 1))


def test_damaged_sections_are_refused() -> None:
    packed = pack_alpha(noise(13, 8))
    bad = [packed[:-1], packed + b"\0", b"", b"\xff" * 20, pack_alpha(noise(13, 9))]
    for content in (*bad, pack_alpha(np.zeros((3000, 3000), np.uint8))):
        with pytest.raises(CodecError, match=r"opacity is (damaged|cut)"):
            unpack_alpha(content, (13, 8))


def test_grey_goes_through_a_model_of_colours() -> None:
    levels = noise(2, 1, 4, 3)
    seen = as_seen(levels, 3)
    assert seen.shape == (2, 3, 4, 3)
    assert (seen == torch.from_numpy(levels)).all()
    with pytest.raises(CodecError, match="3 channels"):
        as_seen(noise(2, 3, 4, 3), 1)
    mean, scale = grey(
        torch.tensor([-5.0, 0, 1]).double().view(1, 3, 1, 1),
        torch.tensor([7.0, 8, 9]).double().view(1, 3, 1, 1),
    )
    assert mean.item() == -2
    assert scale.item() == 8


def test_a_picture_knows_its_size() -> None:
    assert Picture(noise(3, 4, 5)).size == (4, 5)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_formats_keep_lossless_pictures_or_are_refused(channels: int, tmp_path: Path) -> None:
    levels = noise(9, 12, channels)
    picture = from_array(levels)
    keep = {".png", ".webp", ".jp2", ".tif"} | ({".ppm", ".bmp"} if channels in (1, 3) else set())
    for ending in (".png", ".tif", ".webp", ".jp2", ".ppm", ".bmp", ".jpg", ".avif", ".gif"):
        path, why = tmp_path / f"{channels}{ending}", None
        try:
            write(picture, path, exact=True)
        except CodecError as error:
            why = str(error)
        assert path.exists() == (why is None)
        if ending in keep:
            assert why is None, why
            again = read(path)
            assert (again.levels == picture.levels).all()
            assert (again.alpha is None) == (picture.alpha is None)
            assert picture.alpha is None or (again.alpha == picture.alpha).all()
        elif path.exists():
            assert ending in (".gif", ".bmp"), ending
        else:
            assert re.search("keep|cannot", str(why)), why
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.name[0] == ".") == []


@pytest.mark.parametrize("channels", [3, 4])
def test_sizes_that_formats_change_are_refused(channels: int, tmp_path: Path) -> None:
    small, large = from_array(noise(16, 16, channels)), from_array(noise(30, 300, channels))
    write(small, tmp_path / "a.ico")
    assert read(tmp_path / "a.ico").size == (16, 16)
    with pytest.raises(CodecError, match="ICO does not keep the size, 300 x 30"):
        write(large, tmp_path / "b.ico")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ico"]


def test_what_cannot_be_written_is_known_before_there_is_a_picture(tmp_path: Path) -> None:
    alpha = noise(30, 300)
    for name, said in (("a.nothing", "called '.nothing'"), ("a", "called ''")):
        with pytest.raises(CodecError, match=said):
            rehearse(tmp_path / name, 1, (3, 4))
    for name in ("a.jpg", "a.ppm", "a.ico"):
        with pytest.raises(CodecError, match=f"{name}.*(RGBA|opacity|size)"):
            rehearse(tmp_path / name, 3, (30, 300), alpha)
    with pytest.raises(CodecError, match=r"a\.webp cannot be written"):
        rehearse(tmp_path / "a.webp", 1, (1, 16400))
    for name in ("a.jpg", "a.ppm", "a.png", "a.avif", "a.gif", "a.jp2", "a.pdf"):
        rehearse(tmp_path / name, 3, (30, 300))
    for name in ("a.webp", "a.png", "a.tif"):
        rehearse(tmp_path / name, 1, (30, 300), alpha)
    assert not list(tmp_path.iterdir())


def test_what_formats_drop(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    coloured = Picture(noise(4, 6, 3).transpose(2, 0, 1), icc=profile)
    with pytest.raises(CodecError, match="PPM does not keep this lossless picture"):
        write(coloured, tmp_path / "a.ppm", exact=True)
    write(coloured, tmp_path / "a.ppm")
    clear = from_array(noise(4, 6, 4))
    with pytest.raises(CodecError, match="PPM drops the opacity of the picture"):
        write(clear, tmp_path / "b.ppm")
    write(clear._replace(alpha=np.full((4, 6), 255, np.uint8)), tmp_path / "b.ppm")
    write(clear, tmp_path / "c.webp")
    write(coloured, tmp_path / "d.jpg")
