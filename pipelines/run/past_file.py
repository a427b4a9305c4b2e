"""What a model said of the past when that was still the future, kept beside its bundle, so that it can take over later.

The digest of its content stands in the provenance of the model.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import feather

from dqm.model.errors import ArtifactError
from dqm.model.past import Past
from dqm.store.partitions import content_digest
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from dqm.store.tables import past_from_arrow, past_to_arrow

PAST = "past"
"""Entry of a model's provenance: the digest of this file."""
ENDING = ".past.arrow"


def save_past(bundle: Path, past: Past) -> str:
    """Write the past of the model in the folder ``bundle`` beside it; returns the digest of the content."""
    table = past_to_arrow(past)
    digest = content_digest(table)
    path = _path(bundle, digest)
    staged = path.with_name(path.name + ".part")
    feather.write_feather(table, str(staged), compression="lz4")
    staged.replace(path)
    return digest


def _path(bundle: Path, digest: str) -> Path:
    """Beside the bundle, by content: the same model trained again on other labels has another past."""
    return bundle.with_name(f"{bundle.name}.{digest[:12]}{ENDING}")


def load_past(store: Store, model: StoredModel) -> Past:
    """The past of a model; raises ``ArtifactError`` where it is missing or not the one that was stored."""
    way_out = "train the model again with: dqm train"
    if PAST not in model.provenance:
        raise ArtifactError(f"{model.model_id} was stored without what it said of the past; {way_out}")
    path = _path(store.path / model.folder, model.provenance[PAST])
    try:
        table = feather.read_table(str(path), memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: cannot be read: {str(error).partition(chr(10))[0]}; {way_out}") from error
    if content_digest(table) != model.provenance[PAST]:
        raise ArtifactError(f"{path}: not what was stored; {way_out}")
    return past_from_arrow(table)
