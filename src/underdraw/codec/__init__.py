"""The codec: pictures to bytes and back, through a model of what pictures look like.

content = underdraw.compress("photo.png")               # bytes of a .udr file
picture = underdraw.decompress(content)                 # a Pillow image
picture = underdraw.decompress(content[:100])           # so is every prefix of a lossy file

import underdraw.codec.plugin                           # Image.open("photo.udr") works from here on
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underdraw.codec.decoding import decompress, decompress_all
    from underdraw.codec.encoding import compress, compress_all

__all__ = ["compress", "compress_all", "decompress", "decompress_all"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What is public, with torch imported only when it is asked for."""
    if name in __all__:
        from underdraw.codec import decoding, encoding

        return getattr(encoding if name.startswith("compress") else decoding, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
