"""The error of data that cannot be used."""


class DataError(ValueError):
    """Data are missing, corrupt, empty, of the wrong shape or of the wrong kind.

    The message names the file or the value at fault, and what to do about it.
    """
