"""What a measurement tells of the machine."""

import datetime
import importlib.metadata
import json
import platform

from jaxcodec.evaluation import machine


def test_it_tells_of_processor_memory_software_and_time():
    facts = machine.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cpu"] and facts["cores"] >= 1 and facts["memory_gib"] > 0
    assert len(facts["devices"]) >= 1
    assert facts["versions"]["python"] == platform.python_version()
    assert facts["versions"]["jax"] == importlib.metadata.version("jax")
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(facts["date"])
    assert abs(age.total_seconds()) < 3600


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    def version(package):
        if package == "scipy":
            raise importlib.metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions = machine.describe()["versions"]
    assert versions["scipy"] is None and versions["numpy"] == "1"
