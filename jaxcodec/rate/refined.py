"""Files of refined latents, which any decoder reads."""

import bisect
from collections.abc import Callable

import numpy as np

from jaxcodec.codec import Codec, Encoded, pictures, tiles
from jaxcodec.codec.symbols import Analysis
from jaxcodec.codec.value import at_step
from jaxcodec.coding import container
from jaxcodec.errors import RefineError
from jaxcodec.metrics.psnr import psnr_db
from jaxcodec.rate import matching
from jaxcodec.refinement import images
from jaxcodec.refinement.images import Latents, Progress
from jaxcodec.refinement.methods import Settings


def encode(codec: Codec, source: pictures.Source, latents: Latents) -> Encoded:
    """The file of a picture with these latents.

    Raises:
      RefineError: they are not of this codec, or not of a picture of this size.
    """
    if latents.codec_id != codec.id:
        raise RefineError(f"these latents are of the codec {latents.codec_id}, and not of {codec.name}, which is {codec.id}")
    if latents.shape != source.shape:
        raise RefineError(
            f"these latents are of a picture of {_size(latents.shape)}, and this one has {_size(source.shape)}; "
            "refine this one"
        )
    stepped = at_step(codec, latents.field)
    side = _analysis(stepped, latents).side
    return pictures.write(stepped, source, latents.hundredths, latents.field, latents.symbols, side)


def at_quality(
    codec: Codec,
    source: pictures.Source,
    hundredths: int | None,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> Encoded:
    """The file of a picture refined at a quality in hundredths, for the trade-off that the codec has there."""
    return encode(codec, source, images.refine_source(codec, source, hundredths, 0, settings, progress=progress))


def to_size(
    codec: Codec,
    source: pictures.Source,
    limit: int,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> matching.Fit:
    """The closest file of a picture found within `limit` bytes, as full as `matching.to_size` makes it.

    The picture is matched first; then its latents are refined at that quality and step, to cost as much. What they cost
    beyond the limit is spared, symbol by symbol. Where that comes no closer to the picture, the matched file is the result.
    """
    fit = matching.to_size(codec, source, limit)
    if not fit.fits:
        return fit
    header, _ = container.read(fit.encoded.data)
    symbol_bytes = limit - (len(fit.encoded.data) - sum(header.section_bytes.values()))
    latents = images.refine_source(
        codec, source, header.quality, header.step, settings, target_bits=8.0 * symbol_bytes, progress=progress
    )
    if latents is None:
        return fit
    stepped = at_step(codec, header.step)
    analysis = _analysis(stepped, latents)
    whole = matching.file_at(codec, source, header.quality, analysis, header.step, tau=0.0)
    files = [whole]
    if len(whole.data) > limit:
        files += matching.shaved(codec, source, header.quality, analysis, header.step, limit)
    refined = matching.fullest(files, limit)
    full = refined.fits and matching.close_enough(len(refined.encoded.data), limit, source.pixel_count)
    if full and _db(codec, source, refined.encoded) > _db(codec, source, fit.encoded):
        return refined
    return fit


def to_psnr(
    codec: Codec,
    source: pictures.Source,
    matched: Encoded,
    psnr: float,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> Encoded:
    """The smallest file found of a picture that is at least as close as a PSNR in dB, and hardly closer.

    `matched` is what `closeness.encode` makes of it, at whose quality and step the latents are refined, to an error that is a
    little less; then symbols are spared. It is the result where that makes no smaller file.
    """
    header, _ = container.read(matched.data)
    target = 255**2 / 10 ** (psnr / 10)
    latents = images.refine_source(
        codec, source, header.quality, header.step, settings, target_mse_255=target, progress=progress
    )
    if latents is None:
        return matched
    analysis = _analysis(at_step(codec, header.step), latents)

    def at(place):
        return matching.file_at(codec, source, header.quality, analysis, header.step, matching.WORTHS[place])

    places = range(len(matching.WORTHS))
    first_too_far = bisect.bisect_left(places, True, key=lambda place: _db(codec, source, at(place)) < psnr)
    if first_too_far == 0:
        return matched
    refined = at(first_too_far - 1)
    return refined if len(refined.data) < len(matched.data) else matched


def _analysis(stepped: Codec, latents: Latents) -> Analysis:
    """Latents as what is known of a picture before it is rounded; `stepped` is at their step."""
    quality = np.array([latents.hundredths or 0], np.int32)
    side = stepped.kind.side(stepped, latents.symbols.hyper, quality, tiles.run)
    return Analysis(latents.symbols.hyper, latents.residual, side)


def _db(codec: Codec, source: pictures.Source, encoded: Encoded) -> float:
    height, width, channels = source.shape
    colours = 1 if channels == 1 else 3
    decoded = pictures.decode(codec, encoded.data)[..., :colours]
    return float(psnr_db(decoded, source.pixels[:height, :width, :colours]))


def _size(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width} x {height} pixels and {channels} channels"
