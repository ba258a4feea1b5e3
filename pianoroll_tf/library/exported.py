"""An exported model as an object: it generates pieces, and says how probable a piece is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pianoroll_tf.config import RecordsConfig, SamplingConfig
from pianoroll_tf.generation.piece_options import PARTICLES, PieceOptions
from pianoroll_tf.generation.steering import Steering
from pianoroll_tf.library.piece import Piece
from pianoroll_tf.tensorflow_startup import import_tensorflow

if TYPE_CHECKING:
    import numpy as np

    from pianoroll_tf.generation.continuation import Primer


_SETTINGS = (*SamplingConfig.__dataclass_fields__, *Steering.__dataclass_fields__)


class ExportedModel:
    """A model that was exported, loaded with TensorFlow alone.

    Attributes:
        model: The `generation.saved_model.MusicModel`, which works on NumPy arrays of several rolls.

    Args:
        folder: `saved_models/NAME` for the latest version, or the folder of a version.

    Raises:
        ValueError: There is no model, a file differs from what was exported, or its graph is not allowed.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        import_tensorflow()
        from pianoroll_tf.generation import saved_model

        self.model = saved_model.load(Path(folder))

    def __repr__(self) -> str:
        grid = self.settings
        return f"ExportedModel({str(self.model.version)!r}, {grid.steps_per_unit} steps a {grid.grid[:-1]})"

    @property
    def folder(self) -> Path:
        """Folder of its version."""
        return self.model.version

    @property
    def settings(self) -> RecordsConfig:
        """Settings of the records it was trained on."""
        return self.model.grid

    @property
    def grid(self) -> str:
        """Unit of its steps, "beats" or "seconds"."""
        return self.settings.grid

    @property
    def worse_than_copying(self) -> bool:
        """Whether it predicts worse than copying the last step, so that it should be trained longer."""
        return bool(self.model.config.get("worse_than_copying"))

    @overload
    def generate(
        self, primer: str | os.PathLike | Piece | None = ..., *, count: None = ..., **options: Any
    ) -> Piece: ...

    @overload
    def generate(
        self, primer: str | os.PathLike | Piece | None = ..., *, count: int, **options: Any
    ) -> list[Piece]: ...

    def generate(
        self,
        primer: str | os.PathLike | Piece | None = None,
        *,
        count: int | None = None,
        **options: Any,
    ) -> Piece | list[Piece]:
        """Generates music, from scratch or as the continuation of a primer.

        Args:
            primer: MIDI file or piece to continue; None: none. The silence before its first bar is left out.
            count: Number of pieces; None: one, which is returned by itself.
            **options: `steps` or `seconds` to generate, by default until the model ends the piece; `primer_steps` or
                `primer_seconds` of the primer to use, from its end or `primer_from="start"`; `without_primer=True`
                to return the new music alone; `tempo` and `meter`, by default those of the primer or the training data;
                `temperature`, `top_p`, `density` and `seed`, see `SamplingConfig`. The same seed gives the same music;
                piece i has `seed` + i. `lowest`, `highest`, `scale`, `chords`, `silent` and `polyphony` are what the
                new music keeps to, see `generation.steering.Steering.of`.

        Returns:
            A piece, or a list of `count` pieces. Each begins with the part of the primer that was used, `primer_steps`
            steps, and ends with `cut_off` True if the model had not ended it.

        Raises:
            ValueError: The primer cannot be read or has another grid, or an option is not allowed.
        """
        sampling, steering, own = _parts(options)
        pieces = self._pieces(primer, sampling, _piece_options(primer, count, own), steering)
        return next(pieces) if count is None else list(pieces)

    def infill(
        self,
        piece: str | os.PathLike | Piece,
        start_bar: int,
        end_bar: int,
        *,
        particles: int = PARTICLES,
        **options: Any,
    ) -> Piece:
        """Fills bars of a piece with new music that leads to what follows.

        Several continuations of the part before the bars are drawn; one is chosen by the likelihood of what follows:
        `generation.infilling`.

        Args:
            piece: MIDI file or piece.
            start_bar: First bar to fill, from 1; on the grid of seconds, the second at which the gap begins.
            end_bar: Last bar to fill; on the grid of seconds, the second at which the gap ends.
            particles: Number of continuations, 2..64.
            **options: `temperature`, `top_p`, `density` and `seed`; `lowest` and the others of `generate` that the new
                music keeps to; `primer_steps` or `primer_seconds` of the part before the bars to use.

        Returns:
            The whole piece.

        Raises:
            ValueError: The piece cannot be read, has another grid or no such bars, or an option is not allowed.
        """
        from pianoroll_tf.generation.filled_pieces import fill_pieces, plan_pieces

        sampling, steering, own = _parts(options)
        if unknown := sorted(set(own) - {"primer_steps", "primer_seconds"}):
            names = ", ".join([*_SETTINGS, "primer_steps", "primer_seconds"])
            raise ValueError(f"an option must be one of {names}. Received: {', '.join(unknown)}")
        path = Path(piece.name if isinstance(piece, Piece) else piece)
        bars, unit = f"{start_bar}..{end_bar}", "bars" if self.model.steps_per_beat else "seconds"
        chosen = PieceOptions(primer=path, infill=bars, particles=particles, **own)
        plan = plan_pieces(self.model, self._primer(piece), chosen)
        [(_, whole)] = fill_pieces(self.model, plan, sampling, chosen, steering)
        return Piece(
            whole.roll,
            grid=self.grid,
            steps_per_unit=self.settings.steps_per_unit,
            tempo=plan.tempo,
            meters=plan.meters(),
            name=f"{path.name}, {unit} {bars} filled, seed {sampling.seed}",
            dynamics=plan.dynamics,
            velocities=whole.velocities,
        )

    def log_likelihood(self, piece: Piece) -> "dict[str, np.ndarray]":
        """Log-probability of each step of a piece, given the steps before it, in nats.

        Returns:
            `cells`, `strikes` and `ends` (that the piece ends with the step), float32 [steps] each.

        Raises:
            ValueError: The piece is on another grid, or has no steps.
        """
        primer = self._primer(piece)
        meter, place = primer.clock(self.model.steps_per_beat)
        nats = self.model.log_likelihood(primer.roll[None], meter=meter, place=place)
        return {name: values[0] for name, values in nats.items()}

    def _pieces(
        self,
        primer: str | os.PathLike | Piece | None,
        sampling: SamplingConfig,
        options: PieceOptions,
        steering: Steering,
    ) -> Iterator[Piece]:
        """Generates the pieces."""
        import numpy as np

        from pianoroll_tf.generation.continuation import continue_music
        from pianoroll_tf.generation.pieces import plan_pieces

        plan = plan_pieces(self.model, self._primer(primer).from_first_bar(self.model.steps_per_beat), options)
        generated = continue_music(
            self.model, plan.primer.roll, plan.steps, sampling, options.count, plan.meter, plan.bar_position, steering
        )
        for number, (music, ended) in enumerate(generated):
            yield Piece(
                np.concatenate([plan.written_primer.roll, music]),
                grid=self.grid,
                steps_per_unit=self.settings.steps_per_unit,
                tempo=plan.tempo,
                meters=plan.meters(),
                primer_steps=len(plan.written_primer.roll),
                cut_off=plan.steps is None and not ended,
                name=f"{self.folder.parent.name}, seed {sampling.seed + number}",
                dynamics=plan.dynamics,
                velocities=plan.written_primer.velocities,
            )

    def _primer(self, primer: str | os.PathLike | Piece | None) -> "Primer":
        """A primer on the model's grid."""
        import numpy as np

        from pianoroll_tf.generation.continuation import NO_PRIMER, Primer, read_primer

        if primer is None:
            return NO_PRIMER
        if not isinstance(primer, Piece):
            return read_primer(Path(primer), self.settings)
        ours = (self.grid, self.settings.steps_per_unit)
        if (primer.grid, primer.steps_per_unit) != ours:
            grid = f"Piece.from_midi(path, grid={ours[0]!r}, steps_per_{ours[0][:-1]}={ours[1]})"
            raise ValueError(f"the piece must be on the model's grid, as {grid} reads it. Received: {primer!r}")
        played = primer.velocities
        if played is not None:
            played = np.pad(played, ((0, len(primer) - len(played)), (0, 0)))
        return Primer(primer.roll, primer.tempo, primer.meters, played)


def load(folder: str | os.PathLike) -> ExportedModel:
    """Loads an exported model: `load("saved_models/mine").generate(seconds=30)`; see `ExportedModel`."""
    return ExportedModel(folder)


def _parts(options: dict[str, Any]) -> tuple[SamplingConfig, Steering, dict[str, Any]]:
    """Settings of sampling and of steering, checked, and the other options."""
    sampling, steering = (
        {name: value for name, value in options.items() if name in cls.__dataclass_fields__}
        for cls in (SamplingConfig, Steering)
    )
    others = {name: value for name, value in options.items() if name not in sampling and name not in steering}
    return SamplingConfig(**sampling), Steering.of(**steering), others


def _piece_options(
    primer: str | os.PathLike | Piece | None, count: int | None, options: dict[str, Any]
) -> PieceOptions:
    """The options of pieces, checked."""
    written = {"primer", "infill", "particles", "png", "wav", "musicxml", "report", "overwrite"}  # files, or `infill`
    allowed = set(PieceOptions.__dataclass_fields__) - written
    if unknown := sorted(set(options) - allowed):
        names = ", ".join(sorted((allowed | set(_SETTINGS)) - {"count"}))
        raise ValueError(f"an option must be one of {names}. Received: {', '.join(unknown)}")
    path = None if primer is None else Path(primer.name if isinstance(primer, Piece) else primer)
    return PieceOptions(primer=path, count=1 if count is None else count, **options)
