"""The whole evaluation: codecs and baselines over a folder of pictures.

Sweeps are compared, and the results are written.
"""

import os
import pathlib
from collections.abc import Collection, Sequence

from jaxcodec.evaluation import examples, journal, machine, measure, plots, report, results
from jaxcodec.evaluation.coder import Coder, EvaluationError
from jaxcodec.evaluation.curves import MeanCurve
from jaxcodec.evaluation.measure import Photo, Sweep
from jaxcodec.evaluation.metrics import DEFAULT, PictureMetric
from jaxcodec.evaluation.results import Evaluation
from jaxcodec.files import write_atomic


def run(
    codecs: Sequence[Coder],
    baselines: Sequence[Coder],
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    metrics: Sequence[PictureMetric] = DEFAULT,
    published: Sequence[MeanCurve] = (),
    drawn: Sequence[str] | None = None,
    workers: int = 1,
    example_count: int = 3,
) -> Evaluation:
    """Measure codecs and baselines on a folder of pictures, and write results to `out`.

    A picture that cannot be read, or that some coder cannot take, is left out of all numbers, and
    `Evaluation.left_out` says why.

    It writes results.json, results.csv, bd.csv, report.html, and rd_*.png and rd_*.svg. Until then
    the measurements are kept in the folder, and an interrupted evaluation continues from them.

    Args:
      codecs: what is under test, always one picture at a time; without any, the baselines are
        compared.
      baselines: what it is compared with.
      folder: of the pictures.
      out: made where it is missing.
      metrics: what to measure of every decoded picture, as `metrics.choose` gives them.
      published: curves to compare with as well.
      drawn: the names of the published curves to draw; `plots.DRAWN` without it.
      workers: how many pictures the baselines code at a time.
      example_count: how many pictures to show in the report.

    Raises:
      EvaluationError: nothing to measure, two curves of one name, a drawn curve that does not
        exist, `out` is the folder of the pictures or cannot be written to; all of that is known
        before the measurement begins.
      DataError, ImageError: none of the pictures can be read.
      CodecError: a coder can take none of them.
    """
    _check_names(codecs, baselines, published)
    _check_apart(folder, out)
    visible = plots.visible(published, drawn)
    photos, left_out = measure.load_photos(folder)
    _make_folder(out)
    kept = pathlib.Path(out) / journal.NAME
    sweeps = []
    for coder, at_a_time in [
        *((coder, 1) for coder in codecs),
        *((coder, workers) for coder in baselines),
    ]:
        sweeps.append(_sweep(coder, photos, at_a_time, kept, metrics))
        left_out |= sweeps[-1].failed
        photos = [photo for photo in photos if photo.name not in left_out]
    sweeps = [sweep.without(left_out) for sweep in sweeps]
    evaluation = Evaluation(
        machine=machine.describe(),
        folder=str(folder),
        workers=workers,
        photos=tuple(photos),
        sweeps=tuple(sweeps),
        tests=tuple(coder.name for coder in codecs or baselines),
        published=tuple(published),
        examples=tuple(examples.choose(photos, sweeps, example_count, metrics)),
        left_out=left_out,
        metrics=tuple(metrics),
    )
    write(evaluation, out, visible)
    kept.unlink(missing_ok=True)
    return evaluation


def _sweep(
    coder: Coder,
    photos: Sequence[Photo],
    workers: int,
    kept: pathlib.Path,
    metrics: Sequence[PictureMetric],
) -> Sweep:
    """A coder's sweep, less what an evaluation that was stopped has measured."""
    log = journal.of(coder, workers, kept, metrics)
    return measure.sweep(
        coder,
        photos,
        measured=metrics,
        workers=workers,
        done=log.read(photos),
        keep=log.writer(photos),
    )


def write(evaluation: Evaluation, out: str | os.PathLike[str], visible: Collection[str]) -> None:
    """Writes the files of an evaluation to an existing folder, each whole or not at all.

    Args:
      evaluation: what to write.
      out: the folder.
      visible: the names of the published curves to draw.

    Raises:
      EvaluationError: the folder cannot be written to.
    """
    figures = plots.draw(evaluation.curves(), len(evaluation.sweeps), visible, evaluation.metrics)
    files = {
        f"rd_{figure.metric.curve_key}.{suffix}": figure.render(suffix)
        for figure in figures
        for suffix in ("png", "svg")
    }
    files["results.json"] = results.to_json(evaluation)
    files["results.csv"] = results.to_csv(evaluation)
    files["bd.csv"] = results.to_bd_csv(evaluation)
    files["report.html"] = report.page(evaluation, figures).encode()
    for name, content in files.items():
        write_atomic(pathlib.Path(out) / name, content, EvaluationError)


def _check_names(
    codecs: Sequence[Coder], baselines: Sequence[Coder], published: Sequence[MeanCurve]
) -> None:
    if not codecs and not baselines:
        raise EvaluationError("there is nothing to measure; give a codec or a baseline")
    everything = [(coder.name, coder.settings, coder.points) for coder in (*codecs, *baselines)]
    for coder in everything:
        if everything.count(coder) > 1:
            raise EvaluationError(f"{coder[0]} is given twice; leave one out")
    names = [curve.name for curve in (*codecs, *baselines, *published)]
    for name in names:
        if names.count(name) > 1:
            raise EvaluationError(
                f"two curves are called {name!r}; give a codec a label of its own, as in --codec "
                f"LABEL={name}"
            )


def _check_apart(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Check that the results do not go among the pictures.

    There the plots would be read as pictures the next time.
    """
    if os.path.exists(out) and os.path.exists(folder) and os.path.samefile(folder, out):
        raise EvaluationError(
            f"the results cannot go into {out}, the folder of the pictures; give another one"
        )


def _make_folder(out: str | os.PathLike[str]) -> None:
    """Makes the folder, and sees that a file can be made in it."""
    out = pathlib.Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise EvaluationError(f"cannot make the folder {out}: {problem.strerror}") from problem
    if not os.access(out, os.W_OK | os.X_OK):
        raise EvaluationError(
            f"cannot write to the folder {out}; give another one, or change its permissions"
        )
