"""Errors that a user can meet; each message is one sentence that names the file, the value and the
remedy.
"""


class CodecError(Exception):
    """Base of every error that jaxcodec raises on bad input; the CLI prints it and exits with
    status 2.
    """


class ImageError(CodecError):
    """An input file is not an image that can be read, or an output image cannot be written."""


class BitstreamError(CodecError):
    """A .jxc file is not one, is damaged, or claims something that it cannot hold."""


class VersionError(BitstreamError):
    """A .jxc or .codec file was written by another version of jaxcodec, whose format this one
    cannot read.
    """


class WrongCodecError(BitstreamError):
    """A .jxc file was written with another codec than the one given."""


class TooLargeError(BitstreamError):
    """A .jxc file claims more pixels than the caller allows."""


class CodecFileError(CodecError):
    """A .codec file is missing, damaged or not one."""


class RateError(CodecError):
    """The codec cannot reach the requested quality or bitrate."""


class DataError(CodecError):
    """A folder of images is missing, empty or holds nothing readable."""


class CheckpointError(CodecError):
    """A checkpoint of another toolkit cannot be read, or is not of a model that can be imported."""


class TrainingError(CodecError):
    """Training cannot go on: a wrong setting, a non-finite loss, or a checkpoint that does not
    fit.
    """


class CoderError(CodecError):
    """An entropy coder was asked for that is unknown, is not installed, or cannot code for this
    codec.
    """


class RefineError(CodecError):
    """A refinement was asked for that does not exist, or latents do not belong to the picture or
    the codec.
    """


class ExtensionError(CodecError):
    """Code from outside the package is named that is not allowed, cannot be imported, or is not
    what is wanted.
    """


class DeviceError(CodecError):
    """JAX has no device to compute on."""
