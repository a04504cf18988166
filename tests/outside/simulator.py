"""Shared by the scripts: control of the running simulator."""

import json
import os

import requests

URL = json.loads(os.environ["TWITE_SIM"])["url"]
CLIENT_ID = json.loads(os.environ["TWITE_SIM"])["client_id"]


def tell(command, **body):
    """Sends a command to the simulator."""
    answer = requests.post(f"{URL}/sim/{command}", json=body, timeout=10)
    assert answer.ok, f"{command}: {answer.text}"
    return answer.json()


def sent():
    """What clients have sent."""
    return requests.get(f"{URL}/sim/sent", timeout=10).json()["sent"]


def begin():
    """Resets the simulator, creates an account and a customer, and returns the account's tokens."""
    tell("reset")
    tell("user", username="acme", followers=10)
    tell("user", username="mira", name="Mira", followers=12_000, posts=345, verified_type="blue")
    return tell("connect", account="acme")
