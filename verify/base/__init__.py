"""Shared by all packages: errors, the frozen record, atomic files, a cache, workers, progress."""

from .lazy import lazily

with lazily(__name__):
    from .cache import Cache, CacheEntry
    from .canonical_json import canonical, digest, without_duplicates
    from .errors import (
        AccessDeniedError,
        CheckpointError,
        DamagedError,
        FingerprintError,
        HostileError,
        InputError,
        MissingPackageError,
        NetworkError,
        NotFoundError,
        OptionError,
        ReportError,
        StatisticsError,
        UnsupportedError,
        VerifyError,
    )
    from .files import (
        Version,
        exists,
        open_regular,
        read_regular,
        replace_together,
        sha256_of_file,
        version_of,
        write_atomically,
    )
    from .own_errors import details, passed_over, unexpected
    from .phrase import Phrase
    from .progress import Progress, in_notebook, silent
    from .record import Record, later
    from .strict_json import BoundError, first_problem, json_object
    from .strict_toml import toml_table
    from .strict_yaml import yaml_value
    from .versions import software
    from .workers import Workers, run_in_order

__all__ = [
    "AccessDeniedError",
    "BoundError",
    "Cache",
    "CacheEntry",
    "CheckpointError",
    "DamagedError",
    "FingerprintError",
    "HostileError",
    "InputError",
    "MissingPackageError",
    "NetworkError",
    "NotFoundError",
    "OptionError",
    "Phrase",
    "Progress",
    "Record",
    "ReportError",
    "StatisticsError",
    "UnsupportedError",
    "VerifyError",
    "Version",
    "Workers",
    "canonical",
    "details",
    "digest",
    "exists",
    "first_problem",
    "in_notebook",
    "json_object",
    "later",
    "open_regular",
    "passed_over",
    "read_regular",
    "replace_together",
    "run_in_order",
    "sha256_of_file",
    "silent",
    "software",
    "toml_table",
    "unexpected",
    "version_of",
    "without_duplicates",
    "write_atomically",
    "yaml_value",
]
