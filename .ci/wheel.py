"""Packs into the wheel what lies beside the package in the checkout; see `settings.SHIPPED`."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install finds them where they are.
        if version == "standard":
            for name in ("sql", "dagster.yaml"):
                build_data["force_include"][name] = f"customer_assets/{name}"
