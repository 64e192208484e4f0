"""What `tools/mutants.py` works on: modules with their tests, faults by name, and changes that change nothing."""

TESTS = {
    "entropy/conditional.py": ["entropy/test_conditional.py"],
    "entropy/context.py": ["entropy/test_context.py"],
    "entropy/factorized.py": ["entropy/test_factorized.py"],
    "entropy/mixture.py": ["entropy/test_mixture.py"],
    "entropy/surrogates.py": ["entropy/test_surrogates.py"],
    "objectives/rate_distortion.py": ["objectives/test_rate_distortion.py"],
    "objectives/target_rate.py": ["objectives/test_target_rate.py"],
    "rate/controller.py": ["rate/test_controller.py"],
    "rate/heuristic.py": ["rate/test_heuristic.py"],
    "rate/thesis.py": ["rate/test_thesis.py"],
    "rate/allocation.py": ["rate/test_allocation.py"],
    "rate/search.py": ["rate/test_search.py"],
    "integer/arithmetic.py": ["integer/test_arithmetic.py"],
    "integer/calibrate.py": ["integer/test_calibrate.py", "integer/test_cost.py"],
    "integer/context_path.py": ["integer/test_network.py", "integer/test_quantise.py"],
    "integer/fake.py": ["integer/test_fake.py"],
    "integer/float_network.py": ["integer/test_float_network.py"],
    "integer/network.py": ["integer/test_network.py"],
    "integer/quantise.py": ["integer/test_quantise.py", "integer/test_network.py"],
    "integer/scale_path.py": ["integer/test_network.py", "integer/test_cost.py"],
    "integer/scales.py": ["integer/test_quantise.py", "integer/test_network.py", "integer/test_cost.py"],
    "integer/step.py": ["integer/test_network.py", "coding/test_quantiser_step.py"],
}
"""Modules below jaxcodec/, each with the tests below tests/ that concern it, the most telling first."""

DIFFERENTIABLE = frozenset({
    "entropy/conditional.py", "entropy/factorized.py", "entropy/mixture.py", "entropy/surrogates.py",
    "objectives/rate_distortion.py", "objectives/target_rate.py",
})  # fmt: skip
"""Modules whose results are trained through: only there a stopped gradient is a fault."""

NAMED: tuple[tuple[str, str, str, str], ...] = ()
"""Faults by name: what it is, the module, the text that it has once, and what is put in its place."""

EQUIVALENT: dict[tuple[str, str], str] = {}
"""Changes that no test can notice, (module, change), and why."""
