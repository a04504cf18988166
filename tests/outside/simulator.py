"""What the scripts share: the running simulator, told by its control interface what to do."""

import json
import os

import requests

URL = json.loads(os.environ["TWITE_SIM"])["url"]
CLIENT_ID = json.loads(os.environ["TWITE_SIM"])["client_id"]


def tell(command, **body):
    """Makes something happen."""
    answer = requests.post(f"{URL}/sim/{command}", json=body, timeout=10)
    assert answer.ok, f"{command}: {answer.text}"
    return answer.json()


def sent():
    """What clients did."""
    return requests.get(f"{URL}/sim/sent", timeout=10).json()["sent"]


def begin():
    """Forgets everything, makes an account and a customer, and gives the account's tokens."""
    tell("reset")
    tell("user", username="acme", followers=10)
    tell("user", username="mira", name="Mira", followers=12_000, posts=345, verified_type="blue")
    return tell("connect", account="acme")
