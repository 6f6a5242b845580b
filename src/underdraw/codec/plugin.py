"""`.udr` files in Pillow, as its other plugins do it: importing this module registers them.

import underdraw.codec.plugin
from PIL import Image

Image.open("photo.udr").show()
image.save("photo.udr", quality=60)      # or lossless=True, bits_per_dim=..., steps=..., model=...

A file is opened by its header alone, which has the colour profile; the model is loaded when the
pixels are asked for. Pictures that take more than `UdrImageFile.max_pixels` are refused then, with
a `CodecError`; set it to what memory allows. `save` takes `max_pixels=`.
"""

from typing import Any, ClassVar

from PIL import Image, ImageFile

from underdraw.codec.container import ALPHA, PROFILE, parse
from underdraw.codec.container.single import MAGIC
from underdraw.codec.deflated import unpack_profile
from underdraw.codec.errors import CodecError
from underdraw.codec.usual import MAX_PIXELS

FORM = "UDR"
_SHORT = (b"\xe1\n", b"\xf1\n")
_WISHES = ("model", "lossless", "steps", "quality", "bits_per_dim", "tile", "max_pixels")
_ANY = 1 << 62


def accept(prefix: bytes) -> bool:
    """Whether a file that begins so may be one of ours."""
    return prefix.startswith((MAGIC, *_SHORT))


class UdrImageFile(ImageFile.ImageFile):
    """A `.udr` file of one picture."""

    max_pixels: ClassVar[int] = MAX_PIXELS
    """That may be drawn for a picture that is opened."""
    _content: bytes = b""  # of the file, until its pixels are decoded; those of a copy are
    format = FORM
    format_description = "underdraw picture"

    def _open(self) -> None:
        assert self.fp is not None
        self._content = self.fp.read()
        try:
            header, _ = parse(self._content, _ANY)
            profile = unpack_profile(header.extras.get(PROFILE))
        except CodecError as error:
            raise SyntaxError(str(error)) from error
        self._size = header.width, header.height
        grey, clear = header.channels == 1, ALPHA in header.extras
        if profile is not None:
            self.info["icc_profile"] = profile
        self._mode = ("LA" if clear else "L") if grey else "RGBA" if clear else "RGB"

    def load(self) -> Any:  # noqa: ANN401
        """Decode the pixels, once."""
        if self._content:
            from underdraw.codec.decoding import decompress

            shown = decompress(self._content, max_pixels=self.max_pixels)
            self._content, self.im, self.info = b"", shown.im, {**self.info, **shown.info}
            if self.fp is not None and self._exclusive_fp:
                self.fp.close()
            self.fp = None
        return super().load()


def save(image: Image.Image, file: Any, name: str | bytes) -> None:  # noqa: ANN401
    """Write a picture as a `.udr` file, with the options of `underdraw.compress`.

    `icc_profile` is the picture's own profile unless another is given, or none, as in Pillow.
    """
    from underdraw.codec.encoding import compress

    told: dict[str, Any] = getattr(image, "encoderinfo", {})
    wish = {key: told[key] for key in _WISHES if key in told}
    own = image.info
    try:
        if "icc_profile" in told:
            image.info = {**own, "icc_profile": told["icc_profile"]}
        content = compress(image, **wish)
    finally:
        image.info = own
    file.write(content)


Image.register_open(FORM, UdrImageFile, accept)
Image.register_save(FORM, save)
Image.register_extension(FORM, ".udr")
