"""Machines differ in speed: no test fails for being slow."""

from hypothesis import HealthCheck, settings

settings.register_profile("verify", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verify")
