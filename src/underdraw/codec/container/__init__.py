"""Containers: the bytes of files, without what is in them. Functions of bytes alone.

A `.udr` file holds one picture (`build`, `parse`) or many (`build_archive`, `parse_archive`);
`kind_of` tells which. Whatever the bytes are, there is an answer or a `CodecError` with its reason.
"""

from underdraw.codec.container.many import (
    MAX_ALL,
    MAX_IMAGES,
    MAX_LANES,
    Archive,
    Block,
    build_archive,
    check_count,
    check_name,
    check_names,
    parse_archive,
)
from underdraw.codec.container.reading import Bytes, Incomplete, varint
from underdraw.codec.container.single import (
    ALPHA,
    ARCHIVE,
    INDEX,
    KINDS,
    LOSSLESS,
    LOSSY,
    PROFILE,
    TILE,
    VERSION,
    BadPayload,
    Header,
    build,
    kind_of,
    names,
    parse,
)

__all__ = [
    "ALPHA",
    "ARCHIVE",
    "INDEX",
    "KINDS",
    "LOSSLESS",
    "LOSSY",
    "MAX_ALL",
    "MAX_IMAGES",
    "MAX_LANES",
    "PROFILE",
    "TILE",
    "VERSION",
    "Archive",
    "BadPayload",
    "Block",
    "Bytes",
    "Header",
    "Incomplete",
    "build",
    "build_archive",
    "check_count",
    "check_name",
    "check_names",
    "kind_of",
    "names",
    "parse",
    "parse_archive",
    "varint",
]
