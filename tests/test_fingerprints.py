"""Training runs belong to the very tables that they were trained on."""

from mmdin.config import Config
from mmdin.fingerprints import fingerprint, sample_identities
from mmdin.schemas import SAMPLE_TABLES, Table
from mmdin.variants import plan_variants

VERSIONS = {table.name: 3 for table in SAMPLE_TABLES}


class Ids:
    """Tables of one root: only their ids, which Delta draws when it creates them."""

    def __init__(self, root: str) -> None:
        self.root = root

    def delta_id(self, table: Table) -> str:
        return f"{table.name} of {self.root}"


def of(root: str, tables: Ids) -> str:
    config = Config.model_validate({"name": "x", "root": root})
    identities = sample_identities(tables, VERSIONS)  # type: ignore[arg-type]
    return fingerprint(plan_variants(config).variants[-1], 1, identities)


def test_tables_of_the_same_versions_are_told_apart_by_their_ids() -> None:
    assert of("a", Ids("a")) != of("a", Ids("b"))


def test_a_root_that_was_moved_keeps_its_runs() -> None:
    assert of("moved", Ids("a")) == of("a", Ids("a"))
