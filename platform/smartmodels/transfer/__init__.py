"""A whole namespace as a file, or copied into another: export, import, clone, backup, restore.

Triggers see nothing of it: rows, versions and what vouches for them arrive as they were written.
"""

from smartmodels.transfer.accounts import Owners
from smartmodels.transfer.backups import Backup, back_up, list_backups
from smartmodels.transfer.cloning import Cloned, clone_namespace, plan_clone
from smartmodels.transfer.exporting import describe_export, export_namespace, plan_export
from smartmodels.transfer.files import new_file
from smartmodels.transfer.importing import Imported, Wish, import_namespace, plan_import
from smartmodels.transfer.manifest import Manifest
from smartmodels.transfer.restoring import Restored, plan_restore, restore_as, restore_namespace
from smartmodels.transfer.swapping import drop_set_aside

__all__ = [
    "Backup",
    "Cloned",
    "Imported",
    "Manifest",
    "Owners",
    "Restored",
    "Wish",
    "back_up",
    "clone_namespace",
    "describe_export",
    "drop_set_aside",
    "export_namespace",
    "import_namespace",
    "list_backups",
    "new_file",
    "plan_clone",
    "plan_export",
    "plan_import",
    "plan_restore",
    "restore_as",
    "restore_namespace",
]
