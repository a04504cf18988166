"""Checks the demo's counts over real conversations, in any order of the file.

Usage: counts.py TWITE CONVERSATIONS
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

TWITE, FILE = sys.argv[1], pathlib.Path(sys.argv[2])
KNOWN = {
    ("Tesco",): (34, 214, 20),
    ("AppleSupport",): (52, 188, 5),
    ("AmazonHelp",): (50, 248, 0),
}
EVERYBODY = tuple(name for (name,) in KNOWN)


def demo(file, accounts):
    command = [TWITE, "demo", "--posts", str(file), "--once", "--format", "json"]
    for account in accounts:
        command += ["--account", account]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def main():
    lines = FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    shuffled = lines[:]
    random.Random(1).shuffle(shuffled)
    orders = {"as it is": lines, "reversed": lines[::-1], "shuffled": shuffled, "twice": lines + shuffled}
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for order, content in orders.items():
            file = pathlib.Path(scratch) / "posts.ndjson"
            file.write_text("".join(content), encoding="utf-8")
            for accounts in [*KNOWN, EVERYBODY]:
                told = demo(file, accounts)
                if accounts == EVERYBODY:
                    expected = tuple(sum(known[n] for known in KNOWN.values()) for n in range(2))
                    found = (told["tickets"], told["comments"])
                else:
                    expected = KNOWN[accounts]
                    found = (told["tickets"], told["comments"], told["linked"])
                fine = found == expected and told["posts"] == len(content) and told["set_aside"] == 0
                passed, failed = passed + fine, failed + (not fine)
                verdict = "ok" if fine else f"FAILED, expected {expected}"
                print(f"{order:10} {'+'.join(accounts):32} {found} in {told['seconds']:.1f} s: {verdict}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
