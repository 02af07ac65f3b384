"""A project of one's own beside an installed package: what `customer-assets init` writes.

It holds sources, tables and data; tables in it replace those that ship. The package itself stays as
it was installed, so that an upgrade is no merge. To `dg` it is a project like any other.
"""

from pathlib import Path

from customer_assets import settings

_FILES = {
    settings.MARKER: """\
# A project of customer_assets: its commands work in this folder and below.
directory_type = "project"

[project]
root_module = "sources"
defs_module = "sources"
code_location_name = "customer_assets"
code_location_target_module = "customer_assets.definitions"
registry_modules = ["customer_assets"]
""",
    "sources/__init__.py": '"""One folder with a `defs.yaml` per source."""\n',
    ".gitignore": "data/\n.env\n",
    "README.md": """\
# A project of customer_assets

| folder | what is in it |
|---|---|
| `sources/<source>/` | its `defs.yaml`; `customer-assets add log.csv --name my_shop` writes one |
| `sql/<layer>/` | tables of your own as SQL; one of the name of a table that ships replaces it |
| `tables/<layer>/` | tables of your own as Python |
| `data/landing/<source>/` | the raw files |
| `data/` | everything generated: warehouse, models, reports |

`customer-assets dev` opens the UI, `customer-assets --help` lists the commands.
""",
}


def make_project(folder: Path) -> Path:
    """Write a new project into a folder that is empty or not there, and return it.

    Raises FileExistsError.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; name a folder that is not there yet")
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # A bare `dg` reads this file, and so finds the history that the commands keep.
    home = f"${{CUSTOMER_ASSETS_HOME:-{folder}/data}}"
    (folder / ".env").write_text(f"DAGSTER_HOME={home}/dagster\n", encoding="utf-8")
    for name in ("sql", "tables", "data/landing"):
        (folder / name).mkdir(parents=True)
    return folder
