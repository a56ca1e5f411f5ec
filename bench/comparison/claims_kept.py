"""Findings of an earlier run beside those of a new one: kept where both can stand together."""

import json

from comparison import json_file
from comparison.processes import Failed
from comparison.result_file import FORMAT

FILE = "claims.json"
# What differs from run to run on the same machine.
CHANGING = ("load_average",)


def earlier(folder):
    """What an earlier run left in this folder; None when there is nothing that can be read."""
    try:
        with json_file.understood(FILE):
            document = json_file.read(folder / FILE)
            known = document["format"] == FORMAT and document["kind"] == "claims"
            return document if known and document["claims"] is not None else None
    except Failed:
        return None


def difference(old, new):
    """Why findings of the two cannot stand in one table; "" when they can."""
    before, now = old["machine"], new["machine"]
    commit = now.get("commit", "unknown")
    if commit != before.get("commit"):
        return f"it is of commit {before.get('commit')}, and now it is {commit}"
    if commit == "unknown" or "uncommitted" in commit:
        return "nobody knows whether the programs were the same: there are uncommitted changes"
    changed = [key for key in sorted({*before, *now} - {*CHANGING})
               if before.get(key) != now.get(key)]
    return f"it was made with another {', '.join(changed)}" if changed else ""


def merged(old, new, stopped):
    """`new`, and of `old` the findings of all claims that were not tried to their end now: those
    that `new` has not, and those named in `stopped`."""
    tried = {each["id"]: each for each in new["claims"] if each["id"] not in stopped}
    kept = {each["id"]: dict(each) for each in old["claims"]
            if each["id"] not in tried and not each.get("stopped")}
    samples = dict(new["samples"])
    for each in kept.values():
        place = each["samples_of"]
        if place in old["samples"]:
            each["samples_of"] = name = (
                place if place not in new["samples"] else f"{place} of {each['started']}")
            samples[name] = old["samples"][place]
    everything = {each["id"]: each for each in new["claims"]} | kept
    in_order = sorted(everything.values(), key=lambda each: int(each["id"].removeprefix("K")))
    return {**new, "claims": in_order, "samples": samples,
            "complete": new["complete"] or not any(each.get("stopped") for each in in_order)}


def set_aside(folder, old):
    """Under a name that says when it was made. Gives the path."""
    when = "".join(sign if sign.isascii() and sign.isalnum() else "-"
                   for sign in str(old.get("started", "an unknown time"))[:40])
    place = folder / f"claims-of-{when}.json"
    (folder / FILE).replace(place)
    return place


def fewer_rounds(old, new, stopped):
    """Ids of the claims whose finding would be replaced by one of fewer rounds."""
    before = {each["id"]: each.get("rounds", 0) for each in old["claims"]
              if not each.get("stopped")}
    return [each["id"] for each in new["claims"]
            if each["id"] not in stopped and before.get(each["id"], 0) > each["rounds"]]


def keep(folder, new):
    """The document to write, and what to say of an earlier one: a list of sentences. What cannot
    stand beside the new findings, or is worth more than they are, is set aside, not lost."""
    old = earlier(folder)
    if old is None:
        return new, []
    try:
        with json_file.understood("it is not what bench/claims writes"):
            return _kept(folder, old, new)
    except Failed as problem:
        place = set_aside(folder, old)
        return new, [f"The earlier {FILE} is left out: {problem}. It is kept as {place}"]


def _kept(folder, old, new):
    stopped = {each["id"] for each in new["claims"] if each.get("stopped")}
    reason = difference(old, new)
    if reason:
        count = len(old["claims"])  # first: what cannot be counted is no claims.json
        place = set_aside(folder, old)
        return new, [f"The earlier {FILE} is left out: {reason}. Its {count} claims "
                     f"are kept in {place}"]
    found = merged(old, new, stopped)
    again = fewer_rounds(old, new, stopped)
    said = []
    kept = _count_from(old, found)
    if kept:
        said.append(f"{kept} findings are of an earlier run on this machine and commit, and stay")
    if again:
        place = set_aside(folder, old)
        said.append(f"Findings of more rounds were replaced ({', '.join(again)}); the earlier file "
                    f"is kept as {place}")
    return found, said


def _count_from(old, found):
    before = {(each["id"], each.get("started")) for each in old["claims"]}
    return sum((each["id"], each.get("started")) in before and not each.get("stopped")
               for each in found["claims"])


def write(folder, document):
    """Whole or not at all: Ctrl-C while it is written must not cost the file of before."""
    draft = folder / (FILE + ".new")
    draft.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    draft.replace(folder / FILE)
