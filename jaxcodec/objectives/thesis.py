"""Settings of the thesis for its targets (Guerin 2024, section 5.4.4 and table 5.8).

Its equations are in `controller` (6.5 to 6.8, 6.14 to 6.19) and `target_rate` (5.14, 6.8, 6.20),
its Algorithm 3 in `heuristic`.
"""

from typing import NamedTuple


class Setting(NamedTuple):
    """R_param in bpp with which a model lands on the target, as Algorithm 3 found it, and beta."""

    parameter_bpp: float
    beta: float


TARGETS = (0.06, 0.12, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""In bpp."""

SETTINGS = {
    "parametric": {
        0.06: Setting(0.254, 60_000),
        0.12: Setting(0.275, 55_000),
        0.25: Setting(0.410, 30_000),
        0.5: Setting(0.65, 9_000),
        0.75: Setting(0.86, 6_500),
        1.0: Setting(1.08, 5_500),
        1.5: Setting(1.55, 5_000),
        2.0: Setting(1.93, 2_500),
    },
    "non_parametric": {
        0.06: Setting(0.07, 55_000),
        0.12: Setting(0.145, 55_000),
        0.25: Setting(0.25, 25_000),
        0.5: Setting(0.53, 9_000),
        0.75: Setting(0.8, 6_000),
        1.0: Setting(1.08, 5_500),
        1.5: Setting(1.5, 3_000),
        2.0: Setting(2.0, 1_500),
    },
    "residual": {
        0.06: Setting(0.065, 55_000),
        0.75: Setting(0.77, 6_000),
        2.0: Setting(2.0, 1_500),
    },
}
"""By model and target: of the residual variant the thesis trained three. Beta weighs against a mean
squared error on the scale 0 to 255.
"""

HIT = 0.15
"""An image is a hit whose rate is within this part of the target."""
