"""What `tools/mutants.py` works on: modules with their tests, faults by name, and changes that
change nothing.
"""

TESTS = {
    "entropy/distributions/gaussian.py": ["entropy/distributions/test_gaussian.py"],
    "entropy/distributions/laplace.py": ["entropy/distributions/test_laplace.py"],
    "entropy/normalised.py": ["entropy/test_normalised.py"],
    "transforms/shrinkage.py": ["transforms/test_shrinkage.py"],
    "entropy/context.py": ["entropy/test_context.py"],
    "entropy/distributions/deep_factorized.py": ["entropy/distributions/test_deep_factorized.py"],
    "entropy/distributions/mixture.py": ["entropy/distributions/test_mixture.py"],
    "entropy/surrogates.py": ["entropy/test_surrogates.py"],
    "objectives/rate_distortion.py": ["objectives/test_rate_distortion.py"],
    "objectives/target_rate.py": ["objectives/test_target_rate.py"],
    "objectives/controller.py": ["objectives/test_controller.py"],
    "objectives/heuristic.py": ["objectives/test_heuristic.py"],
    "objectives/thesis.py": ["objectives/test_thesis.py"],
    "collections/allocation.py": ["collections/test_allocation.py"],
    "targets/search.py": ["targets/test_search.py"],
    "training/train_step.py": [
        "training/test_train_step.py",
        "training/system/test_two_players.py",
    ],
    "integer/arithmetic.py": ["integer/test_arithmetic.py"],
    "integer/calibrate.py": ["integer/test_calibrate.py", "entropy/test_hyperprior.py"],
    "entropy/context_tables.py": ["entropy/test_context_tables.py", "integer/test_quantise.py"],
    "entropy/context_freezing.py": [
        "entropy/test_context_tables.py",
        "entropy/test_context_freezing.py",
    ],
    "entropy/passes.py": ["entropy/test_passes.py"],
    "entropy/four_step.py": [
        "entropy/test_four_step.py",
        "entropy/test_four_step_freezing.py",
        "entropy/test_model.py::test_integers_give_what_rounding_gives_in_training[four_step]",
    ],
    "entropy/four_step_freezing.py": ["entropy/test_four_step_freezing.py"],
    "integer/fake.py": ["integer/test_fake.py"],
    "transforms/operations.py": ["transforms/test_operations.py", "entropy/test_lowering.py"],
    "entropy/lowering.py": ["entropy/test_lowering.py", "test_extensions.py"],
    "integer/network.py": ["integer/test_network.py", "entropy/test_context_tables.py"],
    "integer/quantise.py": ["integer/test_quantise.py", "entropy/test_context_tables.py"],
    "entropy/hyperprior.py": ["entropy/test_context_tables.py", "entropy/test_hyperprior.py"],
    "entropy/scales.py": [
        "entropy/test_scales.py",
        "integer/test_quantise.py",
        "entropy/test_context_tables.py",
        "entropy/test_hyperprior.py",
        "coding/test_quantiser_step.py",
    ],
    "refinement/relaxations.py": ["refinement/test_relaxations.py", "refinement/test_methods.py"],
    "refinement/schedules.py": ["refinement/test_schedules.py", "refinement/test_methods.py"],
    "refinement/methods.py": ["refinement/test_methods.py"],
    "refinement/problem.py": [
        "refinement/test_problem.py",
        "refinement/test_iterate.py::test_every_kind_gets_better_and_its_symbols_weigh_what_the_loss_said[tiny]",
    ],
    "refinement/iterate.py": [
        f"refinement/test_iterate.py::test_{name}"
        for name in (
            "the_optimiser_is_adam_and_its_learning_rate_falls",
            "the_relaxed_loss_knows_what_the_batch_is",
            "the_temperature_falls_as_the_method_says",
            "every_step_and_image_has_random_numbers_of_its_own",
            "it_ends_early_where_nothing_gets_better",
            "it_does_not_matter_in_how_many_calls_steps_are_made",
            "synthesis_in_bfloat16_leads_to_nearly_the_same",
        )
    ],  # the others take minutes
    "refinement/criterion.py": ["refinement/test_criterion.py", "refinement/test_problem.py"],
    "refinement/targeting.py": ["refinement/test_targeting.py"],
    "refinement/descent.py": ["refinement/test_descent.py"],
    "refinement/tiling.py": ["refinement/test_tiling.py"],
}
"""Modules below jaxcodec/, each with the tests below tests/ that concern it, the most telling
first.
"""

DIFFERENTIABLE = {
    "entropy/distributions/gaussian.py": frozenset({"scale_table", "scale_index"}),
    "entropy/distributions/deep_factorized.py": frozenset(
        {"to_symbols", "from_symbols", "symbol_likelihood", "_uniform_half"}
    ),
    "entropy/distributions/mixture.py": frozenset(),
    "entropy/surrogates.py": frozenset(),
    "objectives/rate_distortion.py": frozenset(
        {
            "starting_gains",
            "phases",
            "networks",
            "init",
            "draw_quality",
            "update",
            "validate",
            "trade_off",
            "closeness",
        }
    ),
    "objectives/target_rate.py": frozenset(
        {"phases", "networks", "init", "draw_quality", "which", "update", "validate", "_hits"}
    ),
    "refinement/relaxations.py": frozenset(
        {"make", "_probabilities", "two_classes", "three_classes", "annealed", "ssl_odds"}
    ),
    "refinement/criterion.py": frozenset({"of_pixels", "terms"}),
    "refinement/problem.py": frozenset({"start", "measure", "rounded"}),
}
"""Modules that are trained through, where a stopped gradient is a fault, and their functions that
are not.
"""

NAMED: tuple[tuple[str, str, str, str], ...] = (
    (
        "the rounded rate measured under noise, so that RA does nothing",
        "training/train_step.py",
        'forward_pass(model, params, forward.image, forward.quality, key, "round")',
        "forward_pass(model, params, forward.image, forward.quality, key, surrogate)",
    ),
    (
        "two settings of the thesis exchanged",
        "objectives/thesis.py",
        "0.25: Setting(0.410, 30_000)",
        "0.25: Setting(0.25, 25_000)",
    ),
    (
        "a setting of the thesis destroyed",
        "objectives/thesis.py",
        "1.5: Setting(1.5, 3_000)",
        "1.5: Setting(1.55, 3_000)",
    ),
    (
        "the target rate's distortion times 1.5",
        "objectives/target_rate.py",
        "loss = distance + beta",
        "loss = 1.5 * distance + beta",
    ),
    (
        "the trade-off of training times 1.5",
        "objectives/rate_distortion.py",
        "return self.first * (self.last",
        "return 1.5 * self.first * (self.last",
    ),
    (
        "validation under the beta of the start",
        "objectives/target_rate.py",
        "self._values(forward, target_bpp, carry.beta[which])",
        "self._values(forward, target_bpp, self.init().beta[which])",
    ),
    (
        "one key for latent and hyper-latent while training",
        "entropy/surrogates.py",
        "surrogate(kind, value, centre, keys[part])",
        'surrogate(kind, value, centre, keys["latent"])',
    ),
    (
        "half of the gradient through the mean while training",
        "entropy/surrogates.py",
        "rounded = round_straight_through(latent - mean) + mean",
        "rounded = round_straight_through(latent - mean) + jax.lax.stop_gradient(mean)",
    ),
    (
        "the second pass beside the first, not diagonal to it",
        "entropy/passes.py",
        "-(places ^ group)",
        "(places ^ group)",
    ),
    (
        "scales of a pass see symbols that a decoder does not have",
        "entropy/four_step.py",
        "found = jnp.where(passes.known(where, channels, number), found, 0)",
        "found = jnp.where(passes.known(where, channels, number + 1), found, 0)",
    ),
    (
        "means of a pass see residuals that a decoder does not have",
        "entropy/four_step.py",
        "passes.known(where, residual.shape[-1], number)",
        "passes.known(where, residual.shape[-1], number + 1)",
    ),
    (
        "a surprise has a slope",
        "entropy/four_step.py",
        "jax.lax.stop_gradient(gaussian_score(residual - prediction, scale))",
        "gaussian_score(residual - prediction, scale)",
    ),
    (
        "scales of later passes in another unit than those of the first",
        "entropy/four_step_freezing.py",
        "quantise.chain(own, ops, spans, factors, codes, unit, (str(number),))",
        "quantise.chain(own, ops, spans, factors, codes, 2 * unit, (str(number),))",
    ),
    (
        "the smoothing as printed taken for that as meant",
        "objectives/controller.py",
        '== "decay" else 1 -',
        '== "printed" else 1 -',
    ),
    (
        "the search ends with a pair that was not measured",
        "objectives/heuristic.py",
        "if miss <= 1)",
        "if miss <= 1e9)",
    ),
    (
        "beta of the search falls to next to nothing",
        "objectives/heuristic.py",
        "LEAST_BETA = 1.0",
        "LEAST_BETA = 1e-3",
    ),
    (
        "nonsense r and n in three classes",
        "refinement/relaxations.py",
        '{"linear": (0.98, 1.5), "cosine": (0.98, 2.0), "ssl": (1.4 / 1.5, 1.5)}',
        '{"linear": (0.3, 7.0), "cosine": (0.5, 0.5), "ssl": (0.6, 4.0)}',
    ),
    (
        "deterministic annealing divides by tau twice",
        "refinement/relaxations.py",
        "sigmoid(odds / tau)",
        "sigmoid(odds / tau / tau)",
    ),
    (
        "SGA with a constant tau",
        "refinement/methods.py",
        '_SGA = Schedule("sga")',
        '_SGA = Schedule("constant")',
    ),
    (
        "straight-through at 5e-2",
        "refinement/methods.py",
        "learning_rate=1e-4",
        "learning_rate=5e-2",
    ),
    (
        "annealing under another schedule",
        "refinement/methods.py",
        'schedule=Schedule("annealing")',
        "schedule=_SGA_PLUS",
    ),
    ("another a of SSL", "refinement/methods.py", "    a: float = 4 / 3", "    a: float = 2.3"),
    (
        "Adam's b2 .9",
        "refinement/iterate.py",
        "optax.scale_by_adam()",
        "optax.scale_by_adam(b2=0.9)",
    ),
    (
        "the relaxed distortion times 1.5",
        "refinement/problem.py",
        "error = bits[0], criterion.of_floats(",
        "error = bits[0], 1.5 * criterion.of_floats(",
    ),
    (
        "the trade-off times 1.5",
        "refinement/problem.py",
        "return trade_off * error +",
        "return 1.5 * trade_off * error +",
    ),
    (
        "one key for latent and hyper-latent",
        "refinement/problem.py",
        "relaxation(value - centre, keys[part], tau)",
        'relaxation(value - centre, keys["latent"], tau)',
    ),
    (
        "no gradient through the mean",
        "refinement/problem.py",
        '0.0 if plain and part == "latent" else centre',
        '0.0 if plain and part == "latent" else jax.lax.stop_gradient(centre)',
    ),
    (
        "plain ignored",
        "refinement/problem.py",
        'centre = 0.0 if plain and part == "latent" else centre',
        "centre = centre",
    ),
)
"""Faults by name: what it is, the module, the text that it has once, and what is put in its
place.
"""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "entropy/surrogates.py",
        "noisy = latent + jax.random.uniform(key, latent.shape, latent.dtype, -0.5, 0.5)",
        "latent + jax.random.uniform(key, latent.shape, latent.dtype, -0.5, 0.5) -> "
        + "latent - jax.random.uniform(key, latent.shape, latent.dtype, -0.5, 0.5)",
    ): "noise is as likely as its negative",
    (
        "objectives/rate_distortion.py",
        "bpp, distance = forward.bpp, self.distortion(forward.image, forward.reconstruction)",
        "self.distortion(forward.image, forward.reconstruction) -> "
        "self.distortion(forward.reconstruction, forward.image)",
    ): "the distortions of the package have no sides",
    (
        "objectives/target_rate.py",
        "bpp, distance = forward.bpp, self.distortion(forward.image, forward.reconstruction)",
        "self.distortion(forward.image, forward.reconstruction) -> "
        "self.distortion(forward.reconstruction, forward.image)",
    ): "the distortions of the package have no sides",
    (
        "objectives/controller.py",
        "jnp.clip(jnp.log(state.beta) + self.beta_rate * jnp.clip(excess, -1, 1), low, high)",
        "jnp.clip(excess, -1, 1) -> jnp.clip(-1, excess, 1)",
    ): "the same minimum of a maximum",
    (
        "collections/allocation.py",
        "return rise >= (errors[right] - errors[left]) * (sizes[middle] - sizes[left])",
        "rise >= (errors[right] - errors[left]) * (sizes[middle] - sizes[left]) -> "
        + "rise > (errors[right] - errors[left]) * (sizes[middle] - sizes[left])",
    ): "a point on the line between its neighbours does not change the hull",
    (
        "integer/fake.py",
        "step = jax.lax.stop_gradient(jnp.maximum((high - low) / 255, 1e-9))",
        "1e-9 -> 1.5000000000000002e-09",
    ): "keeps a division from zero, at any such number",
    (
        "integer/fake.py",
        "unit = jax.lax.stop_gradient(jnp.maximum(jnp.abs(folded).max(axis=(0, 1, 2)) / 127, "
        "1e-12))",
        "1e-12 -> 1.5e-12",
    ): "keeps a division from zero, at any such number",
    (
        "integer/quantise.py",
        "shift = np.clip(14 - np.floor(np.log2(ratio)), lowest, highest)",
        "np.clip(14 - np.floor(np.log2(ratio)), lowest, highest) -> np.clip(lowest, 14 - "
        "np.floor(np.log2(ratio)), highest)",
    ): "the same minimum of a maximum",
    (
        "refinement/iterate.py",
        "most = end - first",
        "end - first -> end + first",
    ): "where tests run, on a CPU, another line decides",
}
"""Changes that no test can notice, (module, line, change), and why."""
