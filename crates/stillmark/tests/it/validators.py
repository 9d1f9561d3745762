"""Whether a foreign validator takes a document: exit 0 where it does, 1 where it refuses, saying why.

validators.py KIND FILE [SCHEMA]: cyclonedx-1.6, cyclonedx-1.7, spdx-schema, spdx-model, croissant, card, scores, model-signing.
"""

import base64
import json
import pathlib
import sys


def cyclonedx(path, version):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    schema = {"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}[version]
    return JsonStrictValidator(schema).validate_str(path.read_text())


def spdx_schema(path, schema):
    import jsonschema

    schema = json.loads(pathlib.Path(schema).read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    return next(iter(validator.iter_errors(json.loads(path.read_text()))), None)


def spdx_model(path):
    from spdx_python_model import v3_0_1 as spdx

    objects = spdx.SHACLObjectSet()
    with path.open("rb") as file:
        spdx.JSONLDDeserializer().read(file, objects)
    missing = objects.link()
    unresolved = [one for one in missing or [] if not str(one).startswith("https://spdx.org/rdf/")]
    if unresolved:
        return f"unresolved: {unresolved}"
    students = list(objects.foreach_type(spdx.ai_AIPackage))
    return None if len(students) == 1 else f"{len(students)} AI packages"


def croissant(path):
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=path)
    sets = dataset.metadata.record_sets
    if not sets:
        return "no record set"
    for one in sets:
        rows = list(dataset.records(one.id))
        if not rows or not all(row[f"{one.id}/id"] and len(row[f"{one.id}/input_ids"]) for row in rows):
            return f"{one.id} holds no sound row"
    return None


def card(path):
    from huggingface_hub import ModelCard

    data = ModelCard.load(path).data
    wanted = ["base_model", "license", "tags", "library_name", "base_model_relation"]
    missing = [name for name in wanted if not data.get(name)]
    own = data.get("stillmark") or {}
    if missing or not own.get("record") or "distillation" not in data.tags:
        return f"missing: {missing or 'the stillmark block'}"
    return None


def scores(path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    entries = parse_eval_result_entries(yaml.safe_load(path.read_text()))
    sound = entries and all(isinstance(one.value, float) for one in entries)
    return None if sound else "no entry with a number"


def model_signing(path, folder):
    import jsonschema
    import referencing

    schemas = {one.name.split(".")[0]: json.loads(one.read_text()) for one in pathlib.Path(folder).glob("*.json")}
    resources = [(name, referencing.Resource.from_contents(schema)) for name, schema in schemas.items()]
    named = [(f"{name}.schema.json", one) for name, one in resources]
    named += [(one.contents["$id"], one) for _, one in resources]
    named += [(one.contents["$id"].rsplit("/", 1)[0] + f"/{name}.schema.json", one) for name, one in resources]
    registry = referencing.Registry().with_resources(named)
    bundle = json.loads(path.read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    parts = {
        "bundle": bundle,
        "envelope": bundle["dsseEnvelope"],
        "statement": statement,
        "predicate": statement["predicate"],
    }
    for name, part in parts.items():
        validator = jsonschema.Draft202012Validator(schemas[name], registry=registry)
        for error in validator.iter_errors(part):
            return f"{name}: {error.message}"
    return None


def main(kind, path, *rest):
    path = pathlib.Path(path)
    judges = {
        "cyclonedx-1.6": lambda: cyclonedx(path, "1.6"),
        "cyclonedx-1.7": lambda: cyclonedx(path, "1.7"),
        "spdx-schema": lambda: spdx_schema(path, *rest),
        "spdx-model": lambda: spdx_model(path),
        "croissant": lambda: croissant(path),
        "card": lambda: card(path),
        "model-signing": lambda: model_signing(path, *rest),
        "scores": lambda: scores(path),
    }
    try:
        said = judges[kind]()
    except Exception as error:  # A validator's refusal may be any exception.
        said = f"{type(error).__name__}: {error}"
    if said is not None:
        print(str(said)[:2000])
        return 1
    return 0


sys.exit(main(*sys.argv[1:]))
