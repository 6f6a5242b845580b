"""Pictures for the codec: levels b in 0..255, with what belongs beside them.

What is kept, and what is not:

orientation   EXIF's is applied; all other metadata is dropped
colour        L and RGB as they are; bilevel becomes 0 and 255, a palette its colours
gamma         a PNG's is refused, unless it is sRGB's or a profile or sRGB itself is told, too
profile       an ICC profile is kept with lossless files; lossy ones are brought to sRGB
alpha         kept exactly, apart from the colours, in both kinds of file
8 bits        more bits, CMYK and other spaces, and animations are refused

A grey picture g goes through a model of colours as (g, g, g). Its one channel is then coded under
the mean of the three means and of the three scale classes, both rounded down.
"""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from underdraw.codec.depths import bits_of
from underdraw.codec.errors import CodecError, NoMemory, more_than
from underdraw.codec.usual import MAX_PIXELS

GAMMA = 0.45455
"""What PNG files say of levels that are, nearly, those of sRGB."""
_NEAR = 0.005  # which no eye tells from it
Source = Path | str | bytes | bytearray | memoryview | Image.Image | np.ndarray


class Picture(NamedTuple):
    """A picture as the codec sees it.

    Attributes:
        levels: (C, H, W), grey (C = 1) or RGB (C = 3).
        alpha: opacity (H, W), if the picture has any.
        icc: colour profile, if the levels are not plain sRGB.
    """

    levels: UInt8[np.ndarray, "c h w"]
    alpha: UInt8[np.ndarray, "h w"] | None = None
    icc: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.levels.shape[1], self.levels.shape[2]


def read(source: Source, most: int = MAX_PIXELS) -> Picture:
    """Read a picture: a file, its bytes, a Pillow image, or levels (H, W) or (H, W, 1 to 4).

    Args:
        source: what to read.
        most: pixels a picture may have; checked before it is decoded.

    Raises:
        CodecError: it is missing, damaged or too large, also for memory, or of a kind that would
            lose something.
    """
    name = str(source) if isinstance(source, Path | str) else "the picture"
    try:
        if isinstance(source, np.ndarray):
            return from_array(source, most)
        if isinstance(source, Image.Image):
            return from_pillow(source, most)
        within = isinstance(source, bytes | bytearray | memoryview)
        with Image.open(io.BytesIO(source) if within else source) as image:
            return from_pillow(image, most)
    except CodecError as error:
        raise CodecError(f"{name} {error}") from error
    except MemoryError as error:
        raise NoMemory(f"{name} does not fit into memory") from error
    except Exception as error:  # Pillow raises nearly every kind for damaged files
        reason = getattr(error, "strerror", None) or str(error)  # without the path, which we say
        reason = reason or type(error).__name__
        raise CodecError(f"{name} cannot be read as a picture: {reason}") from error


def checked(picture: Picture) -> Picture:
    """A picture that was made elsewhere, if it is one; an empty profile is none.

    Raises:
        CodecError: its levels, opacity or profile are of another type or shape.
    """
    levels, alpha, icc = picture
    shape = levels.shape if _bytes(levels) else ()
    if len(shape) != 3 or shape[0] not in (1, 3) or not levels.size:
        raise CodecError(f"no picture has levels {_told(levels)}: uint8 (1 or 3, H, W) are")
    if alpha is not None and not (_bytes(alpha) and alpha.shape == shape[1:]):
        raise CodecError(f"no picture has alpha {_told(alpha)} of levels {shape}: uint8 (H, W) is")
    if icc is not None and not isinstance(icc, bytes):
        raise CodecError(f"no picture has icc {_told(icc)}: bytes are a profile")
    return picture._replace(icc=icc or None)


def _bytes(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8


def _told(value: object) -> str:
    """What an array is, or a value that should be one."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def from_pillow(image: Image.Image, most: int = MAX_PIXELS) -> Picture:
    """The picture in a Pillow image; see `read`."""
    check(image, most)
    if (bits := bits_of(image)) > 8:  # which Pillow would not say
        raise CodecError(f"has {bits} bits a channel: only 8-bit pictures can be coded")
    scale_key(image)
    image.load()
    icc = image.info.get("icc_profile") or None
    upright = ImageOps.exif_transpose(image)
    if (mode := plain(upright)) != upright.mode:
        upright = upright.convert(mode)
    planes = np.array(upright, np.uint8).reshape(*upright.size[::-1], -1)
    return from_array(planes, most)._replace(icc=icc)


def check(image: Image.Image, most: int) -> None:
    """Refuse what is too large or of the wrong kind, before it is decoded."""
    if image.width * image.height > most:
        raise CodecError(f"is {image.width} x {image.height}: {more_than(most)}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "PSD"):  # previews; layers, shown as one
        raise CodecError(f"has {frames} frames: only still pictures can be coded")
    if (gamma := other_gamma(image)) is not None:
        raise CodecError(
            f"has gamma {gamma} (gAMA) and no profile: convert it to sRGB, or drop that, first"
        )
    if image.mode.startswith(("I", "F")):
        raise CodecError(f"has more than 8 bits a channel (mode {image.mode})")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise CodecError(f"is of mode {image.mode}: convert it to grey, RGB or RGBA first")


def other_gamma(image: Image.Image) -> float | None:
    """The gamma of a PNG that it must be shown with; None where it is as good as sRGB's, or void.

    What says more of the colours, a profile or that they are sRGB, goes before it.
    """
    gamma = image.info.get("gamma")
    told = (image.info.get("icc_profile") or None, image.info.get("srgb"))  # the intent may be 0
    if not gamma or any(one is not None for one in told):
        return None
    return gamma if abs(gamma - GAMMA) > _NEAR else None


def scale_key(image: Image.Image) -> None:
    """Bring the grey level that is clear to 8 bits, where the file has 2 or 4, before it is loaded.

    Pillow does so with the pixels alone. To do it twice changes nothing: the lower bits of what is
    scaled are those of the file.
    """
    key, tiles = image.info.get("transparency"), getattr(image, "tile", [])
    bits = {"L;2": 2, "L;4": 4}.get(str(tiles[0].args)) if tiles else None
    if bits is not None and isinstance(key, int):
        most = (1 << bits) - 1
        image.info["transparency"] = (key & most) * (255 // most)


def plain(image: Image.Image) -> str:
    """The mode among L, LA, RGB, RGBA that holds the colours and opacity of a picture exactly."""
    clear = image.has_transparency_data  # of a palette, too, which says nothing in `info`
    return (
        ("LA" if clear else "L") if image.mode in ("1", "L", "LA") else "RGBA" if clear else "RGB"
    )


def from_array(levels: np.ndarray, most: int = MAX_PIXELS) -> Picture:
    """The picture in levels (H, W) or (H, W, 1 to 4): grey, grey + alpha, RGB, RGB + alpha."""
    a = levels[..., None] if levels.ndim == 2 else levels
    if a.dtype != np.uint8 or a.ndim != 3 or not 1 <= a.shape[2] <= 4 or not a.size:
        raise CodecError(f"{levels.dtype} {levels.shape} is no picture: uint8 (H, W, 1 to 4) is")
    if a.shape[0] * a.shape[1] > most:
        raise CodecError(f"is {a.shape[1]} x {a.shape[0]}: {more_than(most)}")
    planes = np.ascontiguousarray(a.transpose(2, 0, 1))
    colours = 1 if len(planes) < 3 else 3
    return Picture(planes[:colours], planes[-1] if len(planes) in (2, 4) else None)


def to_pillow(picture: Picture) -> Image.Image:
    """A Pillow image of mode L, LA, RGB or RGBA, with the profile in its `info`."""
    planes = picture.levels
    if picture.alpha is not None:
        planes = np.concatenate([planes, picture.alpha[None]])
    image = Image.fromarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0).copy())
    if picture.icc is not None:
        image.info["icc_profile"] = picture.icc
    return image


def in_srgb(picture: Picture) -> Picture:
    """The picture with its profile applied and dropped; as it is where it has none.

    One of another colour space than the picture's says nothing of it, and is dropped alone.

    Raises:
        CodecError: the profile is damaged.
    """
    if picture.icc is None:
        return picture
    grey = len(picture.levels) == 1
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc))
        if own.profile.xcolor_space.strip() != ("GRAY" if grey else "RGB"):
            return picture._replace(icc=None)
        flat = to_pillow(Picture(picture.levels))
        seen = ImageCms.profileToProfile(
            flat, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise CodecError(f"has a colour profile that cannot be applied: {error}") from error
    assert seen is not None
    planes = np.array(seen.convert("L") if grey else seen, np.uint8)
    return from_array(planes, planes.size)._replace(alpha=picture.alpha)


def as_seen(levels: UInt8[np.ndarray, "b c h w"], channels: int) -> UInt8[Tensor, "b k h w"]:
    """Levels as a model of so many channels sees them.

    Raises:
        CodecError: a colour picture for a model of grey ones.
    """
    seen = torch.tensor(levels, device="cpu")  # a copy, as arrays may be read-only
    if levels.shape[1] == channels:
        return seen
    if levels.shape[1] != 1:
        raise CodecError(f"has {levels.shape[1]} channels, the model draws {channels}")
    return seen.expand(-1, channels, -1, -1)


def grey(
    mean: Float64[Tensor, "b 3 h w"], scale: Float64[Tensor, "b 3 h w"]
) -> tuple[Float64[Tensor, "b 1 h w"], Float64[Tensor, "b 1 h w"]]:
    """Mean and scale class of the one channel of a grey picture, rounded down as integers are."""
    mean, scale = ((part.long().sum(1, keepdim=True) // 3).double() for part in (mean, scale))
    return mean, scale
