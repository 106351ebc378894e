"""All checks, each guarded by itself, so that a broken part of a machine hides no other."""

from collections.abc import Callable, Iterator

from gnb.core.errors import GnbError
from gnb.core.settings import Settings
from gnb.doctor import hub, keys, machine, models, packages
from gnb.doctor.checks import Case, Check
from gnb.plugins.manager import installed_plugins

_CHECKS: tuple[tuple[str, Callable[[Case], Iterator[Check]]], ...] = (
    ("settings", packages.check_settings),
    ("Python", machine.check_python),
    ("plugins", packages.check_plugins),
    ("extras", packages.check_extras),
    ("libraries", packages.check_libraries),
    ("machine", machine.check_processors),
    ("GPU", machine.check_gpu),
    ("device", machine.check_devices),
    ("hub", hub.check_hub),
    ("model", models.check_models),
    ("memory", models.check_memory),
    ("adapter", models.check_adapters),
    ("template", models.check_templates),
    ("cache", machine.check_folders),
    ("key", keys.check_keys),
    ("metric", models.check_metric),
)


def examine(settings: Settings, rewriters: tuple[str, ...], *, online: bool = False, trouble: str = "") -> list[Check]:
    """Check whether a profile can run on this machine.

    Args:
        settings: with the profile.
        rewriters: those of the run to come, `NAME` or `LABEL=NAME` each; what they need must be there.
        online: ask the hub whether it answers and what may be fetched; without it nothing leaves the machine.
        trouble: why the settings file could not be used, empty if it could.
    """
    case = Case(settings, installed_plugins(), rewriters, online, trouble)
    found = [each for topic, check in _CHECKS for each in _guarded(topic, check, case)]
    return list(dict.fromkeys(found))  # several may have stumbled over the same


def _guarded(topic: str, check: Callable[[Case], Iterator[Check]], case: Case) -> Iterator[Check]:
    try:
        yield from check(case)
    except GnbError as error:
        yield Check(topic, "fails", str(error))
    except (Exception, SystemExit) as error:  # a broken environment may raise anything
        said = " ".join(str(error).split())
        advice = "Install again what is broken: pip install --force-reinstall 'gnb[all]'"
        yield Check(topic, "fails", f"cannot be checked: {type(error).__name__}: {said}".rstrip(": "), advice)
